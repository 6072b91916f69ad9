"""Find what is wrong with a repository's slices, and repair it.

A check is a small function in a list; a new one needs nothing else.

finding     what a check says
settings    what does not count of the files and patterns that people write
repairs     what is done about slices that are not as the store has them
slices      what the store says of goals, branches and worktrees against what git has
goals       goals whose work does not reach their target
repository  git, its hooks, settings and own files; files alone for when git itself fails
state       the store, the trash and what else is kept beside the repository
doctor      the checks in their order, and what is done about what they find
"""
