"""The command line: arguments in, text or JSON and an exit code out.

main      the entry: environment, signals, exit codes, the one place that prints
commands  the list of commands, imported only when called
options   what every command takes, and the workspace it works in
progress  a progress bar, on a terminal only
live      a table that follows the work, on a terminal only
underfoot what a command may do to the directory it was started in
lease_options   what the lease commands share
git_hook  what an installed git hook starts, without the command line
every other module   the command of its name
"""
