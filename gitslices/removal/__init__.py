"""Worktrees moved to the trash and back, with all that only they have.

trash       one worktree put into the trash or taken out of it
disposable  which ignored files are no loss
candidates  what git and disk say of slices that may be removed
from_trash  slices brought back
to_trash    slices taken away
"""
