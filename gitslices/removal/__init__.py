"""Worktrees moved to the trash and back, with all that only they have.

candidates  what git and disk say of slices that may be removed, and which ignored files are no loss
trash       slices put into the trash and brought back
to_trash    slices taken away
"""
