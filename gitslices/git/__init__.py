"""The one door to git. It knows nothing of goals and slices.

environment     variables of a hook's environment that would lead git astray; where home is
links           git's folders for linked worktrees and the links between, read as files
repository      runs git in a repository, and says how it went; the repository's own hooks
discovery       where a repository is; opened without GitPython, where every millisecond counts
opening         opened through GitPython
read            commits, trees, branches, settings: nothing changes
refs            references, moved in one transaction; what a branch was at before
remotes         branches of remotes, fetched and pushed to
as_checked_out  files that git takes for changed as it has written them
set_up_traces   what a worktree's set-up left in it
submodules      links to other repositories: unnamed ones, and checkouts that are merely behind
compare         what two commits have in common, and what differs; what a branch has otherwise
markers         conflict markers that somebody has committed
commit_graph    parts of the history held in memory
changes         what commits touched, in one pass over a history
patches         what commits change, line by line, so that the same change is known again
commits         commits read and written without a checkout
merge           merges made in memory
file_merges     one file in several commits, and its versions merged
worktrees       linked worktrees: list, register, take back; settings that lead git astray
uncommitted     work that only a worktree has
index           the index of a worktree, locked meanwhile
follow          a worktree's files follow its branch from one commit to another
filling         the files of worktrees, whole or in part; those that a partial clone lacks
ignored         ignored files of ours, and those that come along
snapshot        files tried out on a copy of an index, or in a repository of their own
living          the gits that run now, and which repository each may be changing
repair          what a killed git left half made
"""
