"""What changed with what, and which files a text points to; asked of a mined history, pure.

words     the words of texts and paths, as they are searched by
past      the changes that count, and what can be asked of them
coupling  how surely one file changes with another
similar   the changes that read like a text, and the files they vote for
names     what the names of files say
ranking   files ranked by all of that, each with a percentage and its reasons
"""
