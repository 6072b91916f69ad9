"""What gitslices keeps beside the repository, under `<git common dir>/gitslices/`.

folder      the folder itself, private to its owner
lock        one lock for what changes branches and worktrees, one for each operation alive
hook_watch  what git hooks look at before they start anything
schema      the tables of the store
database    SQLite: opened, migrated, what its failures mean
rows        rows as values, and what cannot have been written
store       goals, slices and events in SQLite
event_log   the log of events, read page by page and kept within bounds
scope_record  what slices touched, and what they were refused
landings    what became of slices at the merge
leases      who has which slice until when
on_hold     slices that a person keeps from workers for now
publications  branches pushed for review, and where they are reviewed
attempts    why attempts at slices failed
scope_requests  who asks to write what, and which slices are in the way
proofs      gates that were run, reviews that were made
sharing     what clones share through a ref of a remote, as it was last read
journal     what is being changed, written before it is begun
trash       what was removed and can be brought back
salvage     what can still be read of a damaged store
history_cache  what was mined of a history; it can be made again
mining      the cache of a history brought up to a commit
trust       what the user has approved, in the user's own state folder
"""
