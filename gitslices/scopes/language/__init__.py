"""What people write for a scope.

globs     gitignore patterns read into components
notation  notations that gitignore lacks: expanded, or refused
entries   one entry, a whole scope, and what a slice has of both kinds; what is refused
folding   paths and patterns in the form in which a repository compares them
atoms     what entries come down to: a literal head and a tail of wildcards
matcher   single paths held against a scope; pathspec compiles
ignore    lines as in a gitignore file, and single paths held against them
"""
