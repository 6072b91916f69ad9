"""What the tests of every kind share.

environment    the sealed environment that every test runs in
repositories   git as a user runs it, repositories copied from one that is made once
commands       gitslices as a process of its own
terminal       a program on a terminal, typed at as by a person
graphs         task graphs, as values and as files, and plans of them without a repository
workspaces     a workspace opened in this process, and a clock that is set by hand
slices         graphs applied, slices claimed, worked on and held against their scopes
examples       how many examples a property is tried on
quick          the quick answers to hooks, asked in process
guarded        a repository whose agents are guarded
drawn_graphs   graphs and trees drawn at random
golden         what was right once, kept whole
pictures       plans to draw
workloads      slices to be ordered
kills          an operation killed at its n-th step, in process
shim           a command killed, or one of its writes failed, at any call or named point
trials         commands struck so, and the damage looked for
lease_workers  many processes on one goal, killed at random
"""
