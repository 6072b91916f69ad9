"""Plan parallel work on one Git repository, and give every slice of it a branch and a worktree.

An import points to a folder that stands higher in this list, and inside a folder to a module that
stands higher in the list of its `__init__.py`.

schemas          the JSON Schemas of what is read and printed
quick            plain questions of hooks, answered with the standard library alone
core             values, errors, names, files written whole
scopes.language  what people write for a scope, and single paths held against it
scopes.tracked   what a tree has of a scope
scopes.overlap   scopes compared, in paths that exist and in paths that do not exist yet
graph            task graph files made values
history          what changed with what, and which files a text points to, pure
rules            what may be done to a slice, decided on values alone
planning         a plan from graph and tree, pure
system           disk, processes, settings files
git              git, and nothing of goals and slices
state            what is kept beside the repository: the store, locks, journals
workspace        what every command needs, opened once
slices           what is a slice, where it is, whose it is, how it stands
forge            pull requests, through the forges' own clients
remote           goals that several clones work on, by one ref of a git remote
importing        other tools' tasks made a graph, and told how far they are
repo_commands    the repository's own commands, run once they are approved
removal          worktrees moved to the trash and back
provisioning     branches and worktrees made and filled
merging          merges made in memory, then branches and files moved
recovery         what is done with what a kill left, before anybody takes the lock
ops              use cases, one a file: a request in, a report out
ops.doctor       the largest of them: what is wrong, found and repaired
output           what all screens share, and JSON
output.text      reports for people
output.pictures  a plan as a picture
agents.shell.reading   what a shell makes of a text
agents.shell.programs  what programs write and print
agents.shell.commands  what happens when a command runs
agents.shell     the files that a shell command writes
agents.adapters  one coding agent a file: its settings, its payloads, its answers
agents           coding agents: their hooks, and what they are told
mcp               the commands as tools of the Model Context Protocol
board            what is under way, in a browser
cli              one command a file: arguments in, text or JSON and an exit code out
"""

__version__ = "0.1.0"
