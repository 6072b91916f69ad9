"""What is under way, in a browser.

actions  what can be done there, the command that each stands for, and the request it makes
view     what the page shows, as documents
watcher  the one look at the repository that all pages share
server   the page and its answers, for those who have the token
"""
