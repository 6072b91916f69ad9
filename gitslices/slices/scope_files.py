"""What a slice may write, compiled for the quick answers, and anew whenever that is found old."""

import json
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from gitslices.core.files import read_regular, replace_file
from gitslices.core.model import UNDER_WAY
from gitslices.quick.git_calls import MARK_NAME, NotPlainError
from gitslices.quick.scope_file import (
    FILE_NAME,
    Matcher,
    is_current,
    load_scope,
    read_others,
    read_sources,
    seal,
)
from gitslices.scopes.language.atoms import Atom
from gitslices.scopes.language.entries import parse_scope
from gitslices.scopes.language.folding import Folding
from gitslices.scopes.language.matcher import compile_atom, compile_scope
from gitslices.slices.marks import find_mark
from gitslices.slices.scopes import ScopeMatchers
from gitslices.state.store import Store
from gitslices.workspace import Workspace

_LARGEST_MARK = 64 * 1024


def refresh_scope_file(workspace: Workspace, store: Store, git_dir: Path) -> None:
    """Have the scope file of a slice's worktree say what the store says.

    Where that cannot be, the file is as it was, and counts for nothing.
    """
    mark = find_mark(git_dir)
    if mark is None:
        return
    # For speed alone: nobody is to be stopped by a disk that is full.
    with suppress(OSError, NotPlainError):
        words = read_regular(git_dir / MARK_NAME, limit=_LARGEST_MARK)
        folding = [workspace.folding.ignore_case, workspace.folding.precompose_unicode]
        if _is_current(git_dir, store, words, folding):
            return
        sources = read_sources(store.query, mark.goal_id, mark.slice_id)
        content = _compile(workspace, store, sources)
        content |= {"mark": words.decode(), "folding": folding}
        replace_file(git_dir / FILE_NAME, seal(content))


def _is_current(git_dir: Path, store: Store, mark: bytes, folding: list[bool]) -> bool:
    with suppress(NotPlainError, KeyError, ValueError, TypeError):
        return is_current(load_scope(str(git_dir)), store.query, mark, folding)
    return False


def _compile(workspace: Workspace, store: Store, sources: dict[str, Any]) -> dict[str, Any]:
    # From the rows that the file is told apart by, so that it never says more than they do.
    under_way: list[str] = sorted(UNDER_WAY)
    folding = workspace.folding
    rows = read_others(store.query, under_way)
    goal = store.read_goal(sources["goal_id"])
    if goal is None:
        raise NotPlainError
    earlier = ScopeMatchers(workspace, store).find_earlier(goal.goal_id, sources["slice_id"])
    return {
        "sources": sources,
        "target": goal.plan.target,
        "under_way": under_way,
        "own": compile_matcher(json.loads(sources["own"][0]), folding),
        "shared": compile_matcher(goal.graph.unordered, folding),
        "others": [
            [goal_id, slice_id, scope, compile_matcher(json.loads(scope), folding)]
            if (goal_id, slice_id) in earlier
            else [goal_id, slice_id, scope, None]
            for goal_id, slice_id, scope in rows
        ],
    }


def compile_matcher(entries: Iterable[str], folding: Folding) -> Matcher:
    """The same scope as `compile_scope` makes, in regular expressions alone."""
    matcher = compile_scope(parse_scope(entries), folding)
    return {
        "included": [_compile_atom(atom) for atom in matcher.included],
        "excluded": [_compile_atom(atom) for atom in matcher.excluded],
    }


def _compile_atom(atom: Atom) -> list[Any]:
    regex = [compile_atom(atom).pattern] if atom.tail else []
    return [atom.head, atom.directory_only, *regex]
