"""Find what is wrong with a repository's slices, and repair it.

doctor    the checks in their order, and what is done about what they find
finding   what a check says
files     checks on files alone, for when git itself fails
hooks     git hooks that are gone
settings  git settings that endanger slices
slices    what the store says of slices against what git has
trash     what the store says of the trash against what is there

A check is a small function in a list; a new one needs nothing else.
"""
