"""Whole scopes compared: which slices share a path, and which path to show for it.

name_product  names that two globs share
residuals     what is left of an atom inside a directory
pieces        the distinct parts of all scopes, and the slices that have them
path_product  the definition: two atoms overlap where the product of their automata has a path
future_kinds  what a piece can share with others in paths that do not exist yet
future        pieces that meet in such paths
compare       all meetings together, in as far as the setting asks for them
scope_map     all slices at once: the answers, and a path to show for each
"""
