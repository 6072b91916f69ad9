"""Which paths a task may touch, and whether two tasks could touch the same one.

language  what people write: entries, patterns, and single paths held against them
tracked   what a tree has: entries as intervals of its sorted paths
overlap   whole scopes compared, in paths that exist and in paths that do not exist yet
"""
