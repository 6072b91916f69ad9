"""A plan as a picture.

picture  what all of them show
layout   where it stands
mermaid  for pages that draw it themselves
dot      for graphviz
svg      drawn by us
html     a page of its own, with page.css and page.js
"""
