"""What a tree has of a scope: entries as intervals of its sorted paths.

spans       intervals of positions
tree        the tracked paths, and what could be created beside them
path_index  atoms made intervals; where each name and each ending stands
resolved    one tree and what entries come down to there
remarks     what is odd about entries; the path that was perhaps meant
sparse      a scope told to git as a sparse checkout
"""
