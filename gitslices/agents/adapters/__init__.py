"""What gitslices knows of coding agents, one a file.

payload  one JSON document from standard input, and what must be in it
adapter  what is known of an agent
claude   its settings, its payloads, its answers
codex    the same, and the files that its patches touch
cursor   the same
table    all of them by name
"""
