"""Real coding agents against a stand-in for their model, for scripts/agents.

model      plays the model on the loopback address: what it says is a script
programs   the agents: where they come from, how they are started and told to trust
arena      repositories and a home of their own, and what has changed in them
battery    the cases played in one session, and what each has changed
cases      what an agent tries to do in a slice, and whether it may
scenes     sessions that need more than that: guards that cannot run, moved folders, worktrees
"""
