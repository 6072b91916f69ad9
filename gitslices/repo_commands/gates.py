"""Run the commands of gates in the worktrees of slices, and say what they count for."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import suppress
from pathlib import Path

from msgspec import structs

from gitslices.core.errors import Problem, RefusedError, UntrustedError
from gitslices.core.model import BranchName, Oid, SliceId, When
from gitslices.core.naming import SETTINGS_FILE
from gitslices.git.commits import read_commit_tree
from gitslices.git.follow import find_git_dir
from gitslices.git.read import is_sparse, read_head
from gitslices.git.uncommitted import find_hidden_changes, read_uncommitted
from gitslices.planning.policy import GATES
from gitslices.repo_commands.trust import require_trust
from gitslices.rules.evidence import GateRun, Proof
from gitslices.rules.requirements import holds
from gitslices.slices.environment import make_slice_environment
from gitslices.slices.lookup import find_work_tip, get_slice
from gitslices.slices.settings import read_settings
from gitslices.state.proofs import add_gate_run, read_gate_runs, read_reviews
from gitslices.state.store import Event, Goal, SliceRecord, Store
from gitslices.system.settings_tables import Gate, Settings
from gitslices.system.shell import Shell, open_shell
from gitslices.workspace import Workspace

Gates = Mapping[str, Gate]
_BeforeRun = Callable[[Gate], None]


def load_gates(workspace: Workspace, target: BranchName | None = None) -> Gates:
    """The commands that the settings have for gates of slices that go into `target`."""
    return read_settings(workspace, target).gates


def choose_gates(gates: Gates, goal: Goal, record: SliceRecord) -> Gates:
    """Those of `gates` that are asked of one slice."""
    slice_ = get_slice(goal, record.slice_id)
    return {
        name: gate
        for name, gate in gates.items()
        if (
            # Our own names say themselves of which slices they are asked.
            name in slice_.gates
            if gate.when is None and name in GATES
            else holds(gate.when or When(), slice_.risk, record.write_scope)
        )
    }


def choose_reviews(settings: Settings, goal: Goal, record: SliceRecord) -> tuple[str, ...]:
    """The reviews that are required of one slice."""
    risk = get_slice(goal, record.slice_id).risk
    asked = settings.review_requirements
    return tuple(one.name for one in asked if holds(one.when, risk, record.write_scope))


def name_gates(gates: Gates, goal: Goal, record: SliceRecord) -> tuple[str, ...]:
    """The gates that a slice has by its plan, and those that are asked of it since."""
    planned = get_slice(goal, record.slice_id).gates
    return tuple(dict.fromkeys((*planned, *choose_gates(gates, goal, record))))


def read_proof(
    workspace: Workspace, store: Store, goal: Goal, record: SliceRecord, gates: Gates
) -> Proof:
    """What is known of the last commit of a slice's branch: it lands, whatever is checked out."""
    commit = find_work_tip(workspace.repo, store, record)
    if commit is None:
        raise RefusedError(
            f"slice {record.slice_id!r} has no branch",
            hint="bring it back with: gitslices plan --apply",
        )
    return Proof(
        goal_id=goal.goal_id,
        slice_id=record.slice_id,
        gates=name_gates(gates, goal, record),
        commit=commit,
        tree=read_commit_tree(workspace.repo, commit),
        runs=read_gate_runs(store, goal.goal_id, record.slice_id),
        reviews=read_reviews(store, goal.goal_id, record.slice_id),
    )


def list_texts(gates: Gates) -> dict[str, str]:
    """The command of each gate."""
    return {name: gate.command for name, gate in gates.items()}


def run_commands(
    workspace: Workspace,
    records: Sequence[SliceRecord],
    wanted: Mapping[SliceId, Gates],
    before_run: _BeforeRun = lambda gate: None,
) -> Iterator[GateRun]:
    """Run the `wanted` gates of each slice one by one, slices side by side; yield what came out.

    An exception, Ctrl-C among them, ends all commands under way. `before_run` is called in the
    slice's own thread.
    """
    texts = [gate.command for gates in wanted.values() for gate in gates.values()]
    refuse_untrusted(workspace, texts)
    # In this order: left by an error, the shell ends its commands, for which the pool waits.
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool, open_shell() as shell:
        running = [
            pool.submit(_run_slice, workspace, shell, record, wanted[record.slice_id], before_run)
            for record in records
        ]
        for future in as_completed(running):
            yield from future.result()


def record_run(workspace: Workspace, store: Store, run: GateRun) -> None:
    """Write a run to the store and to the log."""
    event = Event(
        at=workspace.now(), goal_id=run.goal_id, slice_id=run.slice_id, event="gate",
        detail={"gate": run.gate, "passed": run.passed, "reason": run.reason,
                "commit": run.commit},
    )  # fmt: skip
    with store.transaction():
        add_gate_run(store, run)
        store.write_events([event])


def refuse_untrusted(workspace: Workspace, texts: Sequence[str]) -> None:
    """Raise `UntrustedError` unless the user has approved every one of `texts`."""
    missing = require_trust(workspace, texts)
    if missing:
        raise UntrustedError(
            "commands of this repository have not been approved; nothing was run",
            hint="read and approve them: gitslices trust",
            problems=[Problem(SETTINGS_FILE, text) for text in missing],
        )


def _run_slice(
    workspace: Workspace,
    shell: Shell,
    record: SliceRecord,
    gates: Gates,
    before_run: _BeforeRun,
) -> list[GateRun]:
    path = Path(record.worktree_path)
    sparse = is_sparse(workspace.repo, path)
    # Before the gates: untracked files that were there could have made them pass.
    clean = not read_uncommitted(workspace.repo, path, untracked=True)
    runs = []
    for name, gate in gates.items():
        before_run(gate)
        run = _run_gate(workspace, shell, record, name, gate)
        after = read_head(workspace.repo, path)
        # What a gate leaves behind untracked, a report say, is not what it has judged.
        # Once not clean, never again: the gates that follow see what this one has changed.
        clean = clean and after == (run.commit, run.tree)
        clean = clean and not read_uncommitted(workspace.repo, path, untracked=False)
        # Nor does git tell of edits that it was told not to look at, and the gate saw them.
        clean = clean and not _find_hidden(workspace, path, run.commit)
        # A run without a tree is in the log, and proves nothing of the commit.
        runs.append(structs.replace(run, sparse=sparse, tree=run.tree if clean else None))
    return runs


def _find_hidden(workspace: Workspace, worktree: Path, commit: Oid) -> tuple[str, ...]:
    git_dir = find_git_dir(worktree)
    if git_dir is None:
        return ()
    return find_hidden_changes(workspace.repo, worktree, git_dir / "index", commit=commit)


def _run_gate(
    workspace: Workspace, shell: Shell, record: SliceRecord, name: str, gate: Gate
) -> GateRun:
    path = Path(record.worktree_path)
    # Before the command, which may commit: this is what it has judged.
    commit, tree = read_head(workspace.repo, path)
    log = workspace.state_folder / "logs" / path.name / f"gate-{name}.log"
    # The shell appends, so that set-up's commands share a log: here each run has its own.
    with suppress(FileNotFoundError):
        log.unlink()
    began_at = workspace.now()
    ended = shell.run(
        gate.command,
        cwd=path,
        environ=make_slice_environment(workspace, record),
        timeout=gate.timeout,
        log=log,
    )
    if ended.status is None:
        reason = f"stopped after {gate.timeout:g} s"
    else:
        reason = f"exit status {ended.status}"
    return GateRun(
        goal_id=record.goal_id,
        slice_id=record.slice_id,
        gate=name,
        command=gate.command,
        passed=ended.status == 0,
        reason=reason if not ended.last_line else f"{reason}: {ended.last_line}",
        passed_by=None,
        commit=commit,
        tree=tree,
        began_at=began_at,
        ended_at=workspace.now(),
        log=str(log),
    )
