"""Which commands of git and gitslices an agent may not run in a slice, whatever files they write.

All worktrees share references, settings, one stash and git's folders for worktrees. So a command
can reach another slice without naming one of its files.
"""

import os.path
from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct

from gitslices.core.model import BranchName, SliceId
from gitslices.rules.scope_check import Denial

_HEADS = "refs/heads/"
_GUARDING_SETTINGS = ("core.bare", "core.hookspath", "core.worktree", "extensions.", "alias.")
_NO_STASH = (
    "all worktrees share one stash, so it may hold the work of others: "
    "commit instead, or keep a patch (git diff > FILE)"
)
_FOR_THE_USER = "that takes the guard or others' work away: it is for the user to do"
_BRANCH_CHANGES = {"-d", "-D", "-m", "-M", "-C", "-f", "--delete", "--move", "--force", "--copy"}
_REPLACING = {"-B", "-C", "--force-create", "--orphan"}


class Command(Struct, frozen=True, kw_only=True):
    """A call of `git` or `gitslices` that may change something, as its words tell.

    `words` begin with the subcommand; `settings` are the keys that `-c` sets for it. Of one that is
    not `plain` some words are only known to the shell.
    """

    program: str
    words: tuple[str, ...]
    folder: str
    settings: tuple[str, ...] = ()
    plain: bool = True


class Shared(Struct, frozen=True, kw_only=True):
    """What a slice shares with others: `owners` names whose each protected branch is.

    `worktrees` are the paths of all worktrees, with what messages call them.
    """

    slice_id: SliceId
    branch: BranchName
    owners: Mapping[BranchName, str]
    worktrees: Mapping[str, str]


def find_command_denials(shared: Shared, commands: Sequence[Command]) -> tuple[Denial, ...]:
    """The commands that may not run, each with the reason."""
    return tuple(
        Denial(asked=" ".join((one.program, *one.words)), reason=reason)
        for one in commands
        if (reason := next(_find_reasons(shared, one), None))
    )


def _find_reasons(shared: Shared, command: Command) -> Iterator[str]:
    if command.program == "gitslices":
        yield from _find_own_reasons(shared, command)
        return
    name = command.words[0]
    for key in command.settings:
        yield from _refuse_setting(key)
    if name == "stash":
        yield _NO_STASH
    elif name == "worktree":
        yield from _find_worktree_reasons(shared, command)
    elif name in _REF_RULES:
        yield from _REF_RULES[name](shared, command)
    elif name == "config":
        # `git config KEY VALUE` or, since git 2.46, `git config set KEY VALUE`: the key may come
        # second.
        for word in _list_operands(command)[:2]:
            yield from _refuse_setting(word)
    # `gc` alone spares what is younger than two weeks, and so what others are about to refer to.
    elif name == "prune" or (name == "gc" and "--prune=now" in command.words):
        yield "it deletes objects that others are about to refer to"


def _find_own_reasons(shared: Shared, command: Command) -> Iterator[str]:
    operands = _list_operands(command)
    if operands[:2] in (["agent", "uninstall"], ["hook", "uninstall"]):
        yield _FOR_THE_USER
    forced = "--force" in command.words
    if forced and operands[:1] == ["prune"]:
        yield _FOR_THE_USER
    if forced and operands[:1] in (["remove"], ["release"]) and operands[1:2] != [shared.slice_id]:
        yield _FOR_THE_USER


def _find_worktree_reasons(shared: Shared, command: Command) -> Iterator[str]:
    action, *operands = _list_operands(command) or [""]
    if action in {"prune", "repair"}:
        yield "it changes the worktrees of all slices: gitslices doctor finds what is wrong"
    if action not in {"lock", "move", "remove", "unlock"}:
        return
    if not command.plain:
        yield "nobody can tell which worktree that is: write it out"
    for operand in operands[:1]:
        path = os.path.realpath(os.path.join(command.folder, operand))  # noqa: PTH118
        # git takes the last part of a path for it, too, where that is unique.
        known = [name for top, name in shared.worktrees.items()
                 if path == top or os.path.basename(top) == operand]  # noqa: PTH119  # fmt: skip
        yield from (f"it is {name}: gitslices remove takes one away" for name in known)


def _find_branch_reasons(shared: Shared, command: Command) -> Iterator[str]:
    if not _has_option(command, _BRANCH_CHANGES):
        return
    if not command.plain:
        yield "nobody can tell which branch that is: write it out"
    for name in _list_operands(command):
        yield from _refuse_branch(shared, name, own=False)


def _find_switch_reasons(shared: Shared, command: Command) -> Iterator[str]:
    if _has_option(command, _REPLACING):
        for name in _list_operands(command):
            yield from _refuse_branch(shared, name, own=True)


def _find_update_reasons(shared: Shared, command: Command) -> Iterator[str]:
    if "--stdin" in command.words or not command.plain:
        yield "nobody can tell which references that changes: use git commit, merge or reset"
    for name in _list_operands(command)[:1]:
        yield from _refuse_branch(shared, name.removeprefix(_HEADS), own=False)


def _find_push_reasons(shared: Shared, command: Command) -> Iterator[str]:
    if _has_option(command, {"--all", "--branches", "--mirror"}):
        yield "it would push the branches of all slices: name this slice's own"
    for refspec in _list_operands(command)[1:]:
        # A `+` before it forces as `--force` does; without a colon one name is source and
        # destination.
        destination = refspec.removeprefix("+").rpartition(":")[2].removeprefix(_HEADS)
        yield from _refuse_branch(shared, destination, own=True)


def _refuse_branch(shared: Shared, name: str, *, own: bool) -> Iterator[str]:
    """Why the branch `name` is not to be moved or deleted; its own may be, where `own`."""
    if name == shared.branch:
        if not own:
            yield "it is this slice's own branch, by which the slice is found"
        return
    owner = shared.owners.get(BranchName(name))
    if owner is not None:
        yield f"it is {owner}"


def _refuse_setting(key: str) -> Iterator[str]:
    if key.lower().startswith(_GUARDING_SETTINGS):
        yield f"{key} decides for all worktrees which hooks and files count"


def _list_operands(command: Command) -> list[str]:
    words = command.words if command.program == "gitslices" else command.words[1:]
    return [word for word in words if not word.startswith("-")]


def _has_option(command: Command, options: set[str]) -> bool:
    return any(word.partition("=")[0] in options for word in command.words)


_REF_RULES = {
    "branch": _find_branch_reasons,
    "checkout": _find_switch_reasons,
    "push": _find_push_reasons,
    "switch": _find_switch_reasons,
    "update-ref": _find_update_reasons,
}
