"""The one door to git. It knows nothing of goals and slices.

environment  variables of a hook's environment that would lead git astray; where home is
links        git's folders for linked worktrees and the links between, read as files
repository   runs git in a repository, and says how it went
discovery    where a repository is; opened without GitPython, where every millisecond counts
opening      opened through GitPython
read         commits, trees, branches, settings: nothing changes
misleading   settings for all worktrees that lead git to the wrong files
partial      files that a partial clone lacks, fetched at once
refs         references, moved in one transaction
reflog       what a branch was at before
set_up_traces  what a worktree's set-up left in it
submodule_names  links to other repositories that `.gitmodules` does not name
submodule_checkouts  submodules whose files are merely behind
compare      what two commits have in common, and what differs; how far they are apart
changes      what a branch has otherwise than where it comes from
commits      commits read and written without a checkout
merge        merges made in memory
hooks        the repository's own hooks
worktrees    linked worktrees: list, register, take back
uncommitted  work that only a worktree has
index        the index of a worktree, locked meanwhile
follow       a worktree's files follow its branch from one commit to another
snapshot     a worktree's files tried out on a copy of its index
filling      the files of a worktree, the whole tree or a part of it
ignored      ignored files of ours, and those that come along
export       a commit's files in a repository of their own
processes    gits that are at work in a repository
repair       what a killed git left half made
"""
