"""Whole scopes compared: which slices share a path, and which path to show for it.

name_product  names that two globs share
residuals     what is left of an atom inside a directory
regions       the distinct parts of all scopes, and the slices that have them
path_product  the definition: two atoms overlap where the product of their automata has a path
signatures    the definition made fast: regions that answer alike are decided at once
new_overlaps  regions that meet in paths that do not exist yet
compare       all overlaps together, in as far as the setting asks for them
scope_map     all slices at once: the answers, and a witness for each
"""
