"""The repository's own commands, run only once their exact text is approved.

trust  which commands are approved
setup  set-up of new worktrees
gates  commands that decide whether a slice is good
notify  the command that tells a person to look
"""
