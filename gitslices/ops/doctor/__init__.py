"""Find what is wrong with a repository's slices, and repair it.

A check is a small function in a list; a new one needs nothing else.

finding     what a check says
state       the store and what else is kept beside the repository, damaged
repository  git, its hooks and settings, and files alone for when git itself fails
settings    what does not count of the files and patterns that people write
slices      what the store says of goals and branches against what git has
worktrees   the same of the worktree of each slice
damage      git's own files, damaged or locked
trash       what the store says of the trash against what is there
doctor      the checks in their order, and what is done about what they find
"""
