"""Reports for people.

plan      a plan, what it changes and leaves out, what apply did
status    where slices stand; how a run ended
live      work as it goes on
leases    claims and what is ready
checks    changes outside a scope, told to people, to git's hooks and to agents
evidence  the log, gates and reviews
merging   what was merged, moved or would conflict
removal   what was removed, kept and brought back
doctor    what doctor found, and which commands wait for approval
"""
