"""The commands as tools of the Model Context Protocol.

tools    which commands there are, and the words that a call of one comes to
process  one command as a process of its own, followed and ended
server   the official SDK's server over both
"""
