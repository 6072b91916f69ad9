"""Reports, written out.

words     words and figures as every screen has them; nothing in them can steer a terminal
annotations  what a check has found, for programs that show it beside the files
document  the one JSON document of a command
"""
