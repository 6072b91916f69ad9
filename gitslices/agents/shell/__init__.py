"""The files that a shell command writes, found without running it. Nothing of gitslices in it.

reading   what a shell makes of a text
programs  what programs write and print
commands  what happens when a command runs
walker    through all commands, in the ways that they may run
writes    all of it: the paths that a text writes
"""
