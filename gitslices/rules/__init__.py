"""What may be done to a slice, decided on values: no git, no disk, no clock.

scope_check      which changes are outside a write scope, and whose; what an agent may write
agent_commands   which commands of git an agent may not run, whatever they write
command_reports  what a command of a run says of itself
attempts         how attempts at a slice ended, and what the next one is told
requirements     which gates and reviews the settings ask of a slice
evidence         which gates and reviews a slice has, and which it lacks
worktree_faults  what is wrong with a branch and a worktree, and what that keeps a slice from
progress         how far a slice is; what it waits for
claiming         which slice may be claimed, and why another may not
merging          which slices may be merged, in which order, and why another may not
removal          what speaks against taking a worktree away
reconcile        what must be done for slices to stand
worktree_root    what is wrong with the place where worktrees shall be
"""
