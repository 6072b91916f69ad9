"""One use case a file, each a request in and a report out; only here are effects put in order.

plan      a plan from a task graph
explain   why one slice of a plan waits
diff      what a plan would change of the one applied
underway  what has been begun, and stays where it is in a new plan
retarget  what another target than before means for it
apply     the repository made to match a plan; adopt: with worktrees that the store has lost
status    where every slice stands; watch: told again whenever it changes
ready     what could be claimed, and what the rest waits for
claim     a slice to one holder; heartbeat, release and done: what the holder does with it
settings  what the repository's own file asks for, wherever it is to be read
gates     commands that decide whether a slice is good; gate_runs: how they are run
review    what people think of a slice; evidence: all that shows how it came about
situation what decides which slices may start; tokens, work: what holders must show, and find
merge     finished slices taken into the target; scene: what it looks at; styles: in which way
compose   the commit that lands a slice, made in memory; merger: by which rules
run       a whole goal worked by a command; crew: the workers that do it; program: if it is there
sync      slices brought onto the target; forward: those that nobody has begun
move      branches moved with the worktrees that have them checked out
footing   whether slices are in their place
whereabouts where slices are whose worktree is not in its place, and who has their branches
conflicts which slices would conflict
remove    one slice's worktree and branch taken away
prune     the same for every slice whose work has landed; candidates: what speaks against it
undo      what was removed brought back
empty     the trash emptied of what is too old
doctor    what is wrong, found and repaired
log       who did what
check     a slice's changes compared with its write scope; judge: by all scopes, not its own alone
scope     what a slice may write, shown and widened
hook      git hooks put in place and taken away; hook_run: what they do
sparse    which files sparse worktrees hold; fitted to scopes that have changed
fences    whose worktree is whose, for the hooks to see
progress  what the long ones tell on the way
"""
