"""Coding agents: what their hooks say, and what they are told.

guard          the hook before an edit, started for each of them
turn           whether a session waits for a person
settings_text  settings in JSON, which others have written in, too
server_entry   the MCP server among those of a tool
install        all that the tools read, put down and taken away
status         whether the guard would really be asked
"""
