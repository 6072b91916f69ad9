"""Plan parallel work on one Git repository from task scopes, and provision it as worktrees."""

__version__ = "0.1.0"
