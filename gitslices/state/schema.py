"""The tables of the store, and how those of an older gitslices become them."""

from typing import Final

# STRICT, because SQLite keeps a text in a column of numbers otherwise, and it shows much later.
# Branches and paths are unique beyond a goal: all goals share one repository.
_SCHEMA: Final = """
CREATE TABLE goals (
  goal_id TEXT PRIMARY KEY,
  graph BLOB NOT NULL,
  plan BLOB NOT NULL,
  applied_at TEXT NOT NULL
) STRICT;
CREATE TABLE slices (
  goal_id TEXT NOT NULL,
  slice_id TEXT NOT NULL,
  status TEXT NOT NULL,
  branch_name TEXT NOT NULL UNIQUE,
  worktree_path TEXT NOT NULL UNIQUE,
  base_commit TEXT NOT NULL,
  read_scope TEXT NOT NULL,
  write_scope TEXT NOT NULL,
  allowed_scope TEXT NOT NULL,
  filler TEXT NOT NULL,
  sparse TEXT NOT NULL,
  port INTEGER NOT NULL,
  needs_setup INTEGER NOT NULL,
  PRIMARY KEY (goal_id, slice_id)
) STRICT;
CREATE TABLE events (
  event_id INTEGER PRIMARY KEY AUTOINCREMENT,
  at TEXT NOT NULL,
  goal_id TEXT NOT NULL,
  slice_id TEXT,
  event TEXT NOT NULL,
  detail TEXT NOT NULL
) STRICT;
CREATE TABLE trash (
  operation TEXT NOT NULL,
  goal_id TEXT NOT NULL,
  slice_id TEXT NOT NULL,
  at TEXT NOT NULL,
  removal BLOB NOT NULL,
  PRIMARY KEY (operation, goal_id, slice_id)
) STRICT;
"""

_LANDING_TABLES: Final = """
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


# AUTOINCREMENT gives no number twice, not even that of a deleted row: tokens rely on it. That a
# slice has one open lease is the index's to keep, whatever two claims have seen before.
_LEASE_TABLES: Final = """
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

# A plan that is not as it was written can be told; the trash counts its days in steps.
_CHECKED: Final = """
ALTER TABLE goals ADD COLUMN digest TEXT;
ALTER TABLE trash ADD COLUMN aged INTEGER NOT NULL DEFAULT 0;
ALTER TABLE trash ADD COLUMN looked_at TEXT;
"""

# A gate that ran in a sparse worktree has not seen all that a merge makes.
_SPARSE_RUNS: Final = """
ALTER TABLE gate_runs ADD COLUMN sparse INTEGER NOT NULL DEFAULT 0;
"""

# A goal that somebody has ended keeps its record.
_CLOSED: Final = """
ALTER TABLE goals ADD COLUMN closed_at TEXT;
"""

# Why an attempt failed outlives the log, which is trimmed.
_ATTEMPTS: Final = """
CREATE TABLE attempts (
  token INTEGER PRIMARY KEY,
  goal_id TEXT NOT NULL,
  slice_id TEXT NOT NULL,
  failure BLOB NOT NULL
) STRICT;
"""

# What a person is to do before the holder of a lease goes on.
_WAITING: Final = """
ALTER TABLE leases ADD COLUMN waiting TEXT;
ALTER TABLE leases ADD COLUMN waiting_since TEXT;
"""

# What a target has of a slice may have come there by other ways than a merge of ours.
_WAYS: Final = """
ALTER TABLE landings ADD COLUMN landed_by TEXT NOT NULL DEFAULT 'merge';
"""

# Of a long log whoever asks about one slice reads its events alone.
_INDEXED_EVENTS: Final = """
CREATE INDEX events_by_slice ON events (slice_id, goal_id);
"""

# What a sparse worktree has besides what its slice reads and writes.
_CHECKOUT: Final = """
ALTER TABLE slices ADD COLUMN checkout_scope TEXT NOT NULL DEFAULT '[]';
"""

# What the target has of slices, told once: ids of commits never change their meaning.
_VERDICTS: Final = """
CREATE TABLE verdicts (
  goal_id TEXT PRIMARY KEY,
  verdicts BLOB NOT NULL
) STRICT;
"""

# Who asks to write what beyond the plan, and which slices were in the way.
_SCOPE_REQUESTS: Final = """
CREATE TABLE scope_requests (
  request_id INTEGER PRIMARY KEY AUTOINCREMENT,
  goal_id TEXT NOT NULL,
  slice_id TEXT NOT NULL,
  pattern TEXT NOT NULL,
  reason TEXT NOT NULL,
  holder TEXT NOT NULL,
  at TEXT NOT NULL,
  in_way BLOB NOT NULL,
  ended_at TEXT,
  ending TEXT
) STRICT;
CREATE UNIQUE INDEX open_scope_requests
  ON scope_requests (goal_id, slice_id, pattern) WHERE ended_at IS NULL;
"""

# How well scopes were declared outlives branches and the log.
_SCOPE_RECORD: Final = """
CREATE TABLE touched (
  goal_id TEXT NOT NULL,
  slice_id TEXT NOT NULL,
  paths BLOB NOT NULL,
  PRIMARY KEY (goal_id, slice_id)
) STRICT;
CREATE TABLE refusals (
  goal_id TEXT NOT NULL,
  slice_id TEXT NOT NULL,
  path TEXT NOT NULL,
  refused_by TEXT NOT NULL,
  times INTEGER NOT NULL,
  at TEXT NOT NULL,
  PRIMARY KEY (goal_id, slice_id, path)
) STRICT;
"""

# Where slices are reviewed, and what was pushed for that.
_PUBLICATIONS: Final = """
CREATE TABLE publications (
  goal_id TEXT NOT NULL,
  slice_id TEXT NOT NULL,
  pushed TEXT NOT NULL,
  url TEXT,
  number INTEGER,
  PRIMARY KEY (goal_id, slice_id)
) STRICT;
"""

# What clones share through a ref of a remote, as far as this one knows it.
_SHARING: Final = """
CREATE TABLE sharing (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  remote TEXT NOT NULL,
  ref TEXT NOT NULL,
  clone TEXT NOT NULL,
  commit_id TEXT NOT NULL,
  read_at TEXT NOT NULL,
  read_ns INTEGER NOT NULL,
  last_token INTEGER NOT NULL
) STRICT;
CREATE TABLE shared_goals (
  goal_id TEXT PRIMARY KEY
) STRICT;
CREATE TABLE shared_files (
  path TEXT PRIMARY KEY,
  data BLOB NOT NULL
) STRICT;
CREATE TABLE pushed_work (
  goal_id TEXT NOT NULL,
  slice_id TEXT NOT NULL,
  clone TEXT NOT NULL,
  tip TEXT,
  PRIMARY KEY (goal_id, slice_id)
) STRICT;
CREATE TABLE unshared (
  goal_id TEXT NOT NULL,
  slice_id TEXT NOT NULL,
  PRIMARY KEY (goal_id, slice_id)
) STRICT;
CREATE TABLE unshared_events (
  event_id INTEGER PRIMARY KEY
) STRICT;
"""

# What a person keeps from workers for now, and why.
_ON_HOLD: Final = """
CREATE TABLE on_hold (
  goal_id TEXT NOT NULL,
  slice_id TEXT NOT NULL,
  reason TEXT NOT NULL,
  held_by TEXT NOT NULL,
  at TEXT NOT NULL,
  PRIMARY KEY (goal_id, slice_id)
) STRICT;
"""

# How many ports a slice has, one behind the other.
_PORT_BLOCKS: Final = """
ALTER TABLE slices ADD COLUMN ports INTEGER NOT NULL DEFAULT 1;
"""

# Each makes the tables of one version out of those of the version before it.
# None may change once it is out: a store whose number is lost is told by the tables they make.
MIGRATIONS: Final = (
    _SCHEMA + _LEASE_TABLES + _LANDING_TABLES,
    _CHECKED,
    _SPARSE_RUNS,
    _CLOSED,
    _ATTEMPTS,
    _WAITING,
    _WAYS,
    _INDEXED_EVENTS,
    _CHECKOUT,
    _VERDICTS,
    _SCOPE_REQUESTS,
    _SCOPE_RECORD,
    _PUBLICATIONS,
    _SHARING,
    _ON_HOLD,
    _PORT_BLOCKS,
)
SCHEMA_VERSION: Final = len(MIGRATIONS)
