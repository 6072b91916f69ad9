"""A plan from graph and tree: the same input gives the same bytes.

policy       which tasks become slices; their gates and reviews
schedule     who works when, by lists
ordering     overlaps put in an order that ends soonest
outline      graph, scopes and order before anything is named
unmatched    entries that match nothing, for those who want none
bottlenecks  what holds a plan back
planner      the plan itself
advice       what the history says of a plan
explanation  why one slice waits
lock         what of a plan is committed, for a clean clone to judge by
diff         what a plan changes of another
"""
