"""Reports for people.

checks    changes outside a scope, told to people, to git's hooks and to agents
plan      a plan, what it changes and leaves out, what apply did
advice    what the history advises about a plan
suggest   files that a task will perhaps write
live      work as it goes on
publishing  what was put up for review, and how that stands
status    where slices stand; how a run ended
waves     the waves of a goal, drawn, with where slices stand
runs      the runs of a repository, and what they are at
goals     which goals there are, and how far they are
leases    claims and what is ready
evidence  the log, gates and reviews
merging   what was merged, moved or would conflict
exchange  what an import or an export did
sharing   goals that clones share
upkeep    what was removed and brought back, what doctor found, which commands wait for approval
"""
