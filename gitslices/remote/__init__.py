"""Goals that several clones work on: their state is in one ref of a git remote.

Each change is a commit on top of the one before, pushed without force: the server takes it only
where nobody else has pushed meanwhile.

documents  the files of the shared state, and what is refused as one
rows       the same as rows of the store, and back
events     what has happened, as the commits of the ref tell it
state_ref  the ref itself: fetched, read, written upon
work       branches of slices, pushed and fetched
agreement  use cases that the clones agree on: brought up to date, pushed, done again
"""
