"""The repository's own commands, run only once their exact text is approved.

trust  which commands are approved
background  servers of worktrees, started and ended
setup  set-up of new worktrees
gates  commands that decide whether a slice is good
teardown  what set-up made outside of worktrees taken away again
publishing  who owns which paths, and the repository's own way to ask for reviews
ranking  the repository's own way to rank the files that a task will write
notify  the command that tells a person to look
"""
