"""Coding agents: what their hooks say, and what they are told.

claude, codex, cursor   one tool each: its payloads, its answers, its settings
payload                 one JSON document from standard input, and what must be in it
patch                   the files that a patch in Codex's form touches
shell_words             a shell command cut into words
shell_programs          what the programs write that it calls
shell_writes            the paths that it writes
tool, tools             what is known of a tool; all of them by name
guard                   the hook before an edit, started for each of them
settings                our hooks among those of a tool's settings
install                 all that the tools read, put down and taken away
"""
