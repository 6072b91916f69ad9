"""What happens when a command runs: paths noted, further commands called.

notes           what has been found so far, and where paths lead
calls           commands called by name: functions, aliases, programs
shell_commands  commands of the shell itself
patches         what a patch changes
interpreters    programs of other languages
languages       further interpreters, whose languages nobody reads
batches         programs that run a command for each of many names
remote          programs that work on other machines and in containers
runners         programs that run others
gits            git and gitslices
"""
