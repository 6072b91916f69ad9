"""One use case a file, each a request in and a report out; only here are effects put in order.

plan      a plan from a task graph
apply     the repository made to match a plan
status    where every slice stands
ready     what could be claimed, and what the rest waits for
claim     a slice to one holder; heartbeat, release and done: what the holder does with it
gates     commands that decide whether a slice is good; gate_runs: how they are run
review    what people think of a slice; evidence: all that shows how it came about
situation what decides which slices may start; tokens, work: what holders must show, and find
forward   an untouched slice moved to where its target is
remove    one slice's worktree and branch taken away
prune     the same for every slice whose work has landed
log       who did what
check     a slice's changes compared with its write scope; judge: by all scopes, not its own alone
scope     what a slice may write, shown and widened
hook      git hooks put in place and taken away; hook_run: what they do
fences    whose worktree is whose, for the hooks to see
waiting   all untouched slices of a goal moved to where their target is
progress  what the long ones tell on the way
"""
