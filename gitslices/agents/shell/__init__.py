"""The files that a shell command writes, found without running it. Nothing of gitslices in it.

syntax          what a text consists of before any expansion
quoting         words with their quotes, expansions and here-documents
parser          commands, by the grammar of shells
words           words after their expansion, and what a shell knows while it runs
expansion       from the one to the other
globs           the files that a pattern stands for
options         the words of a command told apart: options, values, operands
outputs         what commands print
handed          places given to programs of which nobody knows what they write
programs        what programs write, by their operands and options
embedded        what short scripts write of sed, awk, perl, ruby and node
python_code     the same of Python
notes           what has been found so far, and where paths lead
calls           commands called by name: functions, aliases, programs
walker          through all commands, in the ways that they may run
shell_commands  commands of the shell itself
patches         what a patch changes
interpreters    programs of other languages
languages       further interpreters, whose languages nobody reads
batches         programs that run a command for each of many names
remote          programs that work on other machines and in containers
runners         programs that run others
gits            git and gitslices
writes          all of it: the paths that a text writes
"""
