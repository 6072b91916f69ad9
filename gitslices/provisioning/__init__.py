"""Branches and worktrees made and filled.

progress     what the long ones tell on the way
agent_files  what agents read, in every worktree
sparse       which files sparse worktrees hold
wanted       what is to stand, and the records of what is new
adopt        worktrees that the store has lost
register     branches and empty worktrees, under the lock
fill         their files, outside of it
preflight    what is seen before anything is changed
"""
