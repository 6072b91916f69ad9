"""What is done with what a kill left, before anybody takes the lock on branches and worktrees.

replay    intents carried out or undone, abandoned worktrees filled
recovery  when that is done: as a command starts, and before its lock is had
"""
