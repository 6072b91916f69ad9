"""The machine: disk, processes, settings files. Nothing of git's and nothing of slices.

mounts           what is mounted where
streams          standard streams that are closed, or cannot be written
left_workers     commands that outlived their run, found and ended
programs         other programs asked something
shell            commands run with their output kept, and ended with all that they started
worktreeinclude  ignored files copied along
folders          folders made, moved, compared, deleted; what the file system says of a place
settings_tables  what the repository's settings file may hold
settings         that file made values
hook_scripts     scripts that stand for git hooks, beside those of others
lefthook         lefthook's own files, in each notation that it reads
hook_managers    programs that write git hooks themselves, made to call ours
agent_launcher   what the settings of agents start
"""
