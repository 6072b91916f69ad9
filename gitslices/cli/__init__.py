"""The command line: arguments in, text or JSON and an exit code out.

commands  the list of commands, imported only when called
completion  what a shell offers for the next word
options   what several commands take, and the workspace they work in
several   what a command says that goes through several goals
drawing   a plan in one of its formats
advice    what the history says, below a plan
live      work followed on a terminal
graphs    the task graph that is meant; validate, schema
task      task, init
exchange  import, export
share     join, leave
leases    claim, ready, heartbeat, note, release, done
status    status, show, log, logs
checks    check, scope, scopes
evidence  gate, review
hold      hold, unhold
merging   fetch, sync, merge, landed, conflicts
removal   remove, prune, undo, reopen
places    path, open, shell-init
main      the entry: environment, signals, exit codes, the one place that prints
git_hook  what an installed git hook starts, without the command line

The others are the commands of their names: trust, agent, demo, doctor, goal, help, hook, mcp,
plan, publish, run, suggest, board.
"""
