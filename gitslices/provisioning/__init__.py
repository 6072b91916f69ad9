"""Branches and worktrees made and filled.

agent_files  what agents read, in every worktree
sparse       which files sparse worktrees hold
wanted       what is to stand, the records and ports of what is new, and what is told on the way
adopt        worktrees that the store has lost
register     branches and empty worktrees, under the lock
fill         their files, outside of it
preflight    what is seen before anything is changed
"""
