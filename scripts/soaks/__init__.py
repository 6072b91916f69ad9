"""The ways in which `scripts/soak` ill-treats gitslices.

ground   a repository, a graph, and gitslices as a process
beside   many processes at once
leases   many workers on one goal, killed at random
struck   killed, or with a failing disk, at a chosen call
chaos    commands, plain git and kills, all at once and by seed
board    the board and the MCP server, asked while others apply and merge
names    hostile ids, prefixes and paths
"""
