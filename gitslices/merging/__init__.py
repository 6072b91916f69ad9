"""Merges made in memory, then branches and files moved.

in_memory         how files merge, by the rules of one commit; nothing is moved
branch_worktrees  the worktrees that have a branch at hand, and what is in the way there
begin             a merge begun in a worktree, for somebody to resolve
inputs            what a merge reads before it decides; gates and reviews that keep a slice out
recheck           whether all that a decision to move rests on is as it was
move_branches     branches moved with the worktrees that have them checked out
follow_remote     a local branch brought to where the remote's is
build             the commit that takes a slice into the target
early_base        what a slice starts from before what it waits for has landed
bring             a slice's own commits brought onto what it is to stand on
rerun_gates       gates run on what would land
attempt           all wanted slices, built one on top of the other
"""
