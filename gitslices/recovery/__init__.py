"""What is done with what a kill left, before anybody takes the lock.

recovery  intents replayed, abandoned worktrees filled
lock      the lock on branches and worktrees, had once nothing is left half done
"""
