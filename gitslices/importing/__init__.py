"""Other tools' tasks made a graph. One format a file; `formats` is the table of them.

foreign       what every format is read into: tasks in our fields, and the rest of theirs
sources       files, folders and streams read within bounds
records       the fields of JSON objects, taken one by one so that none is lost
named_paths   the files that texts declare or name
check_lists   check lists in Markdown: items, their marks, what stands below them
taskmaster    Task Master's tasks.json
beads         issues of beads, as JSON Lines or JSON
speckit       spec-kit's tasks.md, with phases
openspec      the tasks.md of an OpenSpec change
kiro          the tasks.md of a Kiro spec
github        issues as `gh issue list --json` has them
linear        issues as Linear's GraphQL has them
claude_tasks  the task folder of a Claude Code session
omk           the original planner's task_graph.json
markdown      any other check list
formats       which formats there are, and where each is found
update        a graph with the tasks of another tool in it, again and again
outcomes      how far slices are, in the fields of these tools
"""
