"""What is a slice: where it is, whose it is, how it stands.

marks        which worktree is which slice's, and on which disk: files in git's folder for it
lookup       goals and slices by their names
settings     what the repository's files and git's settings ask for
target       the branch that slices are merged into
location     where the worktrees of slices are: in place, elsewhere, gone
own_commits  where a slice's own commits begin, and which slices have any
landed       whether the target has the work of slices, by whatever way it came there
verdicts     the same, told from what was found of the same commits before
snapshot     the slices of a goal as store and git have them: read once, asked by every command
looks        several slices looked at side by side
early_starts  what a slice stands on that has not landed yet
goals        which goals a command means, and how far goals are
renaming     a goal called otherwise, in the store and in the marks of its worktrees
scopes       whose scope is whose
scope_files  what a slice may write, compiled for the quick answers
claim_state  which slices may start
claims       what a holder must show and finds, and what git's folder tells of claims
environment  what a command that works on a slice finds around it
attempts     which attempt this is, why the last one failed, what it has left
briefing     what whoever works on a slice is told of its task
"""
