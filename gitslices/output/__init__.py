"""Reports, written out.

words     words and figures as every screen has them; nothing in them can steer a terminal
document  the one JSON document of a command
"""
