"""What was done for a coding agent, for people."""

from collections.abc import Iterable

from gitslices.ops.agent_files import AgentFilesReport
from gitslices.output.escape import escape
from gitslices.output.words import count


def format_agent_files(report: AgentFilesReport) -> str:
    """A line for each file, then where else it went and what is left to do."""
    return "".join(f"{line}\n" for line in _list_lines(report))


def format_agent_texts(report: AgentFilesReport) -> str:
    """What each file would hold."""
    return "\n".join(
        f"# {file.path}\n{_escape_lines(file.text)}"
        for file in report.files
        if file.text is not None
    )


def _list_lines(report: AgentFilesReport) -> Iterable[str]:
    width = max(len(file.path) for file in report.files)
    for file in report.files:
        tracked = ", tracked" if file.tracked else ""
        yield f"{escape(file.path).ljust(width)}   {file.state}{tracked}"
    if report.slices:
        yield f"also in the worktrees of {count(report.slices, 'slice')}"
    changed = [file.path for file in report.files if file.tracked and file.state != "unchanged"]
    if changed:
        yield f"hint: commit {', '.join(map(escape, changed))}: slices see it once they have it"


def _escape_lines(text: str) -> str:
    return "".join(f"{escape(line)}\n" for line in text.splitlines())
