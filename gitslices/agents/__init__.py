"""Coding agents: what their hooks say, and what they are told.

payload  one JSON document from standard input, and what must be in it
tool     what is known of a tool
claude   one tool each: its payloads, its answers, its settings
codex    the same, and the files that its patches touch
cursor   the same
tools    all of them by name
guard    the hook before an edit, started for each of them
install  all that the tools read, put down and taken away
"""
