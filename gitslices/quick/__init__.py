"""Plain questions of git's and agents' hooks, answered without the weight of the program.

Standard library alone, since Python's start is most of what a hook costs. Nothing but yes is said
here: whatever is not plain, or not certain, the whole program is asked.

git_calls   git, started with what its hooks are given taken away
scope_file  what a slice may write, compiled into git's folder for its worktree
commit      whether all that a commit would hold is the slice's to change
edit        whether an agent may write the file that it is about to
"""
