"""One use case a file, each a request in and a report out; only here are effects put in order.

plan      a plan from a task graph
explain   why one slice of a plan waits
diff      what a plan would change of the one applied
underway  what has been begun, and stays where it is in a new plan
apply     the repository made to match a plan
status    where every slice stands
remove    one slice's worktree and branch taken away
prune     the same for every slice whose work has landed
progress  what the long ones tell on the way
"""
