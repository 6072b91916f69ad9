"""What is a slice: where it is, whose it is, how it stands.

marks        which worktree is which slice's, and on which disk: files in git's folder for it
claim_note   what git's folder for a worktree tells of claims, beside the mark
lookup       goals and slices by the names that people give them
settings     what the repository's files and git's settings ask for
target       the branch that slices are merged into
base         where a slice's own commits begin, and whether the target has that
location     where the worktrees of slices are: in place, elsewhere, gone
own_commits  which slices have commits of their own, by what those change
snapshot     the slices of a goal as store and git have them: read once, asked by every command
scopes       whose scope is whose
claim_state  what decides which slices may start
leases       what a holder must show, and what it finds
environment  what a command that works on a slice finds around it
"""
