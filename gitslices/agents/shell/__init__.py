"""The files that a shell command writes, found without running it. Nothing of gitslices in it.

words     a command cut into words
globs     the files that a pattern stands for
programs  what the programs write that it calls
writes    the paths that it writes
"""
