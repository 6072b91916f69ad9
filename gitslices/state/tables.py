"""The tables of what merging adds to the store; `landings` reads and writes them."""

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
