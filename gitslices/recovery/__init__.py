"""What is done with what a kill left, before anybody takes the lock on branches and worktrees.

recovery  what is done with what a kill left: as every command starts, and before it holds the lock
"""
