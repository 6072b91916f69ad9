"""One use case a file, each a request in and a report out; only here are effects put in order.

graph_file      the graph file begun; tasks added, changed and taken out in it
suggest         which files a task will perhaps write
export_tasks    how far slices are, written back to where their tasks came from
import_tasks    the tasks of another tool put into it, or brought up to date there
plan            a plan from a task graph, what it changes, why a slice waits
owners          who does tasks, and which need a review, by a file like CODEOWNERS
advise          what the history advises about a plan
contention      how many past changes of the paths that order slices would merge
provision       branches and worktrees for slices, and a lost one made again
forward         slices that nobody has begun brought onto the target
review_shop     where branches of a goal are reviewed, and what is known of that
fetch           targets fetched from their remotes, and what has landed there seen
apply           the repository made to match a plan
share           goals shared with other clones, joined and left
goal            goals listed, closed, reopened, renamed
ready           what could be claimed, and what the rest waits for
code_workspace  the worktrees of a goal as a workspace file of VS Code
status          where every slice stands
progress        the plan of a goal as it is now
status_watch    the same, told again whenever it changes
choice          which slice a claim means, and why there is none
grant           a lease on the slice that a claim means, once there is one to be had
claim           a slice to one holder
scope           what a slice may write, shown and widened
scopes          how well declared scopes have held
scope_requests  a wider scope asked for, waited for and granted
leases          a lease's deadline moved; a slice given back, its work kept
note            a note for the log, or that a worker waits for a person
hold            a slice kept from workers for now, and left to them again
agent_worktree  a claim for a session that asked for a worktree
agent_session   the slices of a session, taken again when it begins and given back when it ends
check           a slice's changes compared with its write scope
check_ci        a branch judged in a clean clone, by a committed plan
diff            what a slice has changed, line by line
evidence        gates run, or shown; what people think of a slice
show            everything about one slice
places          where slices are, and the names that a command line may have
done            gates run, the lease ended as finished
conflicts       which slices would conflict
sync            slices brought onto the target
land            a merge made in memory becomes the target, and is recorded
merge           finished slices taken into the target
publish         branches put up for review, with their pull requests
pulls           how pull requests stand, and the forge asked to merge them
reopen          a slice that was merged or dropped, opened again
landed          somebody's word that a slice has landed
watch           what is looked at while a command works: lease, report, limits
work            one attempt at a slice by the command of a run
goal_run        one goal of a run: whose slices are whose, and what has become of them
crew            workers that take the slices of several goals, and see each through
runs            the runs at work, started in the background, seen and stopped by others
run             a whole goal worked by a command
upkeep          the trash emptied of what is too old, the log kept within bounds
removal         a slice taken away, or all whose work has landed; what was removed brought back
guard           what an agent is about to write
hook            git hooks put in place and taken away
hook_run        what they do
log             who did what
attempts        the attempts at a slice, and what their commands printed
"""
