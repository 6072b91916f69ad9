"""Coding agents: what their hooks say, and what they are told.

claude, codex, cursor   one tool each: its payloads, its answers, its settings
payload                 one JSON document from standard input, and what must be in it
patch                   the files that a patch in Codex's form touches
shell_words             a shell command cut into words
shell_writes            the paths that it writes
tools                   the tools by name
guard                   the hook before an edit, started for each of them
"""
