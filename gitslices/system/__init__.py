"""The machine: disk, processes, settings files. Nothing of git's and nothing of slices.

mounts           what is mounted where
streams          standard streams that are closed, or cannot be written
ports            ports that nobody listens on
left_workers     commands that outlived their run, found and ended
shell            commands run with their output kept, and ended with all that they started
deletion         whole folders deleted, links never followed
folders          folders made and moved; what the file system says of the place for worktrees
scratch          folders to work in for a while
worktreeinclude  ignored files copied along
copies           whether what one folder has is in another one, too
settings         the repository's settings file made values
hook_scripts     the scripts that stand for git hooks, beside those of others
agent_launcher   the script that an agent's hook starts
"""
