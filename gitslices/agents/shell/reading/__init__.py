"""What a shell makes of a text: commands, and their words once they are expanded.

syntax     what a text consists of before any expansion
quoting    words with their quotes, expansions and here-documents
parser     commands, by the grammar of shells
words      words after their expansion, and what a shell knows while it runs
expansion  from the one to the other
globs      the files that a pattern stands for
"""
