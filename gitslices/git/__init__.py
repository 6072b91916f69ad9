"""The one door to git.

repository  runs git in a repository, and says how it went
opening     opens one through GitPython
probe       opens one without, where every millisecond counts
place       where it is, as git tells both of them
environment which variables of a hook's environment would lead git astray
read        commits, trees, branches, settings: nothing changes
blobs       files as a commit has them
counts      how far commits are apart, many in one walk
reflog      whether a branch has commits of its own
changes     what a slice has otherwise than its target
marks       which worktree is which slice's; claims: by whose claim
locate      where a repository is, by its files alone
hidden      edits that git was told not to look at
worktrees   linked worktrees: list, register, take back
submodules  the repositories in them that only they have
filling     their files, the whole tree or a part of it
included    ignored files that come along; placed: those that we put there
compare     what two commits have in common, and what differs
commits     commits read and written without a checkout
merge       merges made in memory
follow      a worktree's files follow its branch from one commit to another
index       its index, locked meanwhile
dry_run     whether they would
export      a commit's files in a repository of their own
snapshot    uncommitted work as a commit that nothing refers to
hooks       the repository's own hooks
refs        references, moved in one transaction
repair      what a killed git left half made
"""
