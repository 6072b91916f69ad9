"""One use case a file, each a request in and a report out; only here are effects put in order.

plan      a plan from a task graph
apply     the repository made to match a plan
status    where every slice stands
remove    one slice's worktree and branch taken away
prune     the same for every slice whose work has landed
undo      what was removed brought back
empty     the trash emptied of what is too old
doctor    what is wrong, found and repaired
log       who did what
progress  what the long ones tell on the way
"""
