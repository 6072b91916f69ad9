"""Merges made in memory, then branches and files moved.

in_memory      two commits merged, by the rules for files of a third
compose        the commit that lands a slice
move_branches  branches moved with the worktrees that have them checked out
inputs         what a merge looks at
rerun_gates    gates run on what would land
"""
