"""Values and words that everything else is made of.

faults    named points at which tests strike
lazy      a value worked out when it is first asked for, and kept
model     the values that flow down the layers
errors    what can go wrong, by exit code; what to try next
decoding  JSON and TOML made values, safely beside other threads
files     files written whole, and blocks of ours in files of others
naming    branches, worktrees and paths: how they are called, and what no name may hold
"""
