"""The tables that `leases` and `proofs` read and write."""

from typing import Final

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
