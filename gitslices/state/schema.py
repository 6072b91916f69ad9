"""The tables of the store."""

from typing import Final

LANDING_TABLES: Final = """
CREATE TABLE landings (
  goal_id TEXT NOT NULL,
  slice_id TEXT NOT NULL,
  tip TEXT NOT NULL,
  landed_as TEXT NOT NULL,
  PRIMARY KEY (goal_id, slice_id)
) STRICT;
CREATE TABLE conflicts (
  goal_id TEXT NOT NULL,
  slice_id TEXT NOT NULL,
  files BLOB NOT NULL,
  PRIMARY KEY (goal_id, slice_id)
) STRICT;
CREATE TABLE trial_merges (
  ours TEXT NOT NULL,
  theirs TEXT NOT NULL,
  rules TEXT NOT NULL,
  files BLOB NOT NULL,
  PRIMARY KEY (ours, theirs, rules)
) STRICT;
"""


LEASE_TABLES: Final = """
CREATE TABLE leases (
  token INTEGER PRIMARY KEY AUTOINCREMENT,
  goal_id TEXT NOT NULL,
  slice_id TEXT NOT NULL,
  holder TEXT NOT NULL,
  ttl INTEGER NOT NULL,
  claimed_at TEXT NOT NULL,
  expires_at TEXT NOT NULL,
  ended_at TEXT,
  ending TEXT
) STRICT;
CREATE UNIQUE INDEX open_leases ON leases (goal_id, slice_id) WHERE ended_at IS NULL;
CREATE TABLE gate_runs (
  gate_run_id INTEGER PRIMARY KEY AUTOINCREMENT,
  goal_id TEXT NOT NULL,
  slice_id TEXT NOT NULL,
  gate TEXT NOT NULL,
  command TEXT,
  passed INTEGER NOT NULL,
  reason TEXT NOT NULL,
  passed_by TEXT,
  "commit" TEXT NOT NULL,
  tree TEXT,
  began_at TEXT NOT NULL,
  ended_at TEXT NOT NULL,
  log TEXT
) STRICT;
CREATE TABLE reviews (
  review_id INTEGER PRIMARY KEY AUTOINCREMENT,
  goal_id TEXT NOT NULL,
  slice_id TEXT NOT NULL,
  kind TEXT NOT NULL,
  reviewer TEXT NOT NULL,
  verdict TEXT NOT NULL,
  note TEXT NOT NULL,
  "commit" TEXT NOT NULL,
  at TEXT NOT NULL
) STRICT;
"""
