"""The one door to git.

repository  runs git in a repository, and says how it went
opening     opens one through GitPython
probe       opens one without, where every millisecond counts
environment which variables of a hook's environment would lead git astray
read        commits, trees, branches, settings: nothing changes
changes     what a slice has otherwise than its target
marks       which worktree is which slice's
worktrees   linked worktrees: list, register, fill, take back
checkout    a worktree's files, moved from one commit to another
refs        references, moved in one transaction
repair      what a killed git left half made
"""
