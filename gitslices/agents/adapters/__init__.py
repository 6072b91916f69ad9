"""What gitslices knows of coding agents, one a file.

payload   one JSON document from standard input, and what must be in it
patches   the files that a patch touches
adapter   what is known of an agent
tool_calls  what several share: calls of tools, hooks in their settings
claude    its settings, its payloads, its answers
codex     the same
copilot   the same
cursor    the same
gemini    the same
opencode  the same
qwen      the same
table     all of them by name
"""
