"""Task graph files: loaded whole and sound, or refused with everything that is wrong in them.

findings    what is wrong, where, and the words for it; the nearest known name
parse_json  a text made a tree of plain objects, hostile or not
parse_toml  the same
parse_yaml  the same
lines       where in the text things stand, looked up once something is wrong
shape       the tree made a `TaskGraph`, field by field where need be
rules       ids and dependencies, each among the others; cycles
scopes      the scopes of a graph as values, read once for all that compares them
load        the file or stream, its size, encoding and format, and the order of it all
edit        tasks added, changed and taken out in the text of a file
schema      the file format as JSON Schema
"""
