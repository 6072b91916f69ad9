"""The command line: arguments in, text or JSON and an exit code out.

commands       the list of commands, imported only when called
options        what several commands take, and the workspace they work in
lease_options  what the lease commands share
cwd            what a command may do to the directory it was started in
source         the task graph that is meant
live           work followed on a terminal
main           the entry: environment, signals, exit codes, the one place that prints
git_hook       what an installed git hook starts, without the command line

The others are the commands of their names: trust, agent, check, claim, conflicts, doctor, done,
gate, heartbeat, help, hook, log, merge, plan, prune, ready, release, remove, review, run, schema,
scope, status, sync, undo, validate.
"""
