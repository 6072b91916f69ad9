"""What the tools read, put where they read it, and taken away again."""

import shlex
from collections.abc import Callable
from functools import partial
from importlib.resources import files
from typing import Final

from msgspec import Struct, structs

from gitslices.agents.settings import add_hooks, drop_hooks, has_hooks
from gitslices.agents.tool import Tool
from gitslices.agents.tools import TOOLS, load_tool
from gitslices.blocks import drop_block, put_block
from gitslices.launcher import LAUNCHER_NAME, find_launcher, remove_launcher, write_launcher
from gitslices.model import RepoPath
from gitslices.ops.agent_files import AgentFile, AgentFilesReport, rewrite_agent_files
from gitslices.workspace import Workspace

# In a file that others share, the path of this machine would lead nowhere.
_SHARED_PROGRAM: Final = f'"$(git rev-parse --git-common-dir)/hooks/{LAUNCHER_NAME}"'
_COMMENT: Final = "<!-- {} -->"


class InstallRequest(Struct, frozen=True, kw_only=True):
    """The tool; `python` is the interpreter that its hooks start; `dry_run` only looks."""

    tool: str
    python: str
    dry_run: bool = False


def install(workspace: Workspace, request: InstallRequest) -> AgentFilesReport:
    """Have a tool ask gitslices before it writes, and teach it the commands; twice is once."""
    tool = load_tool(request.tool)
    if not request.dry_run:
        write_launcher(workspace.repo.common_dir, request.python)
    wanted = [
        AgentFile(path=RepoPath(tool.settings), rewrite=partial(_add_hooks, workspace, tool)),
        AgentFile(path=_name_skill(tool), rewrite=_replace(_read_data("gitslices/SKILL.md"))),
    ]
    if tool.notes:
        wanted.append(AgentFile(path=RepoPath(tool.notes), rewrite=_put_notes))
    return rewrite_agent_files(workspace, wanted, dry_run=request.dry_run)


def uninstall(workspace: Workspace, name: str) -> AgentFilesReport:
    """Take away what `install` has put there, and nothing else.

    What another installed tool reads, too, stays until that one is taken away.
    """
    tool = load_tool(name)
    others = [one for one in map(load_tool, TOOLS) if one != tool and _is_installed(workspace, one)]
    wanted = [AgentFile(path=RepoPath(tool.settings), rewrite=partial(_drop_hooks, tool))]
    if _name_skill(tool) not in {_name_skill(one) for one in others}:
        wanted.append(AgentFile(path=_name_skill(tool), rewrite=_drop))
    if tool.notes and tool.notes not in {one.notes for one in others}:
        wanted.append(AgentFile(path=RepoPath(tool.notes), rewrite=_drop_notes))
    gone = [structs.replace(one, placed=False) for one in wanted]
    report = rewrite_agent_files(workspace, gone)
    if not others:
        remove_launcher(workspace.repo.common_dir)
    return report


def _is_installed(workspace: Workspace, tool: Tool) -> bool:
    main = workspace.main_worktree
    path = main / tool.settings if main else None
    return path is not None and path.is_file() and has_hooks(path.read_text(errors="replace"))


def _name_skill(tool: Tool) -> RepoPath:
    return RepoPath(f"{tool.skills}/gitslices/SKILL.md")


def _read_data(name: str) -> str:
    return files("gitslices.skills").joinpath(name).read_text("utf-8")


def _add_hooks(workspace: Workspace, tool: Tool, text: str | None, tracked: bool) -> str:
    own = shlex.quote(str(find_launcher(workspace.repo.common_dir)))
    return add_hooks(text, tool, _SHARED_PROGRAM if tracked else own, place=tool.settings)


def _drop_hooks(tool: Tool, text: str | None, tracked: bool) -> str | None:
    return None if text is None else drop_hooks(text, place=tool.settings)


def _replace(wanted: str) -> Callable[[str | None, bool], str]:
    return lambda text, tracked: wanted


def _drop(text: str | None, tracked: bool) -> None:
    return None


def _put_notes(text: str | None, tracked: bool) -> str:
    return put_block(text or "", _read_data("AGENTS.md"), comment=_COMMENT)


def _drop_notes(text: str | None, tracked: bool) -> str | None:
    return drop_block(text, comment=_COMMENT) or None if text is not None else None
