"""Gates run again on the merged files, before the target moves."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from msgspec import structs

from gitslices.core.errors import DiskError, Problem
from gitslices.core.model import Oid
from gitslices.git.commits import read_commit_tree
from gitslices.git.ignored import read_included
from gitslices.git.snapshot import export_commit
from gitslices.repo_commands.gates import (
    choose_gates,
    list_texts,
    load_gates,
    record_run,
    refuse_untrusted,
    run_commands,
)
from gitslices.repo_commands.setup import run_setup
from gitslices.rules.evidence import GateRun, Proof, explain_gate, find_missing_gates
from gitslices.slices.location import WorktreeMap
from gitslices.slices.settings import read_settings
from gitslices.state.proofs import read_gate_runs
from gitslices.state.store import Goal, SliceRecord, Store
from gitslices.system.shell import open_shell
from gitslices.system.worktreeinclude import copy_included
from gitslices.workspace import Workspace


class MergedGates:
    """Runs the gates that `[merge] rerun_gates` names where the files are as a merge makes them."""

    def __init__(self, workspace: Workspace, store: Store, goal: Goal) -> None:
        """Raises `UntrustedError` where one of the commands has not been approved."""
        target = goal.plan.target
        gates, settings = load_gates(workspace, target), read_settings(workspace, target)
        self._workspace = workspace
        self._store = store
        self._goal = goal
        self._setup = settings.setup
        self._gates = {name: gates[name] for name in settings.rerun_gates}
        if self._gates:
            texts = list_texts(self._gates).values()
            # At once, and not at the first slice that needs them: a merge can take hours.
            refuse_untrusted(workspace, [*self._setup.commands, *texts])

    def find_failure(self, record: SliceRecord, commit: Oid, target: Oid) -> Problem | None:
        """The first gate that `commit`, the slice merged into `target`, does not pass.

        One that has passed on the same tree, in the slice or in a merge before, is not run again.
        So a gate costs nothing where the slice had all of the target when it passed there.
        """
        if not self._gates or commit == target:
            return None
        proof = self._read_proof(record, commit)
        texts = list_texts(choose_gates(self._gates, self._goal, record))
        missing = find_missing_gates(proof, texts)
        if not missing:
            return None
        with self._export_merge(record, commit, target) as path:
            # Only the folder is another: commands find the port and the names of their slice.
            there = structs.replace(record, worktree_path=str(path))
            complaint = self._set_up(there)
            if complaint is not None:
                return Problem(record.slice_id, _describe_failure(complaint))
            logs = {run.gate: run.log for run in self._run_gates(there, missing)}
        proof = self._read_proof(record, commit)
        # By the store, not by what the runs said: one rule decides what a run counts for.
        for gate in find_missing_gates(proof, texts):
            why = f"gate {gate} {explain_gate(proof, gate, texts[gate])}"
            return Problem(record.slice_id, _describe_failure(why), f"see {logs[gate]}")
        return None

    def _read_proof(self, record: SliceRecord, commit: Oid) -> Proof:
        return Proof(
            goal_id=self._goal.goal_id,
            slice_id=record.slice_id,
            gates=tuple(choose_gates(self._gates, self._goal, record)),
            commit=commit,
            tree=read_commit_tree(self._workspace.repo, commit),
            # A sparse worktree shows nothing of the files that it lacks, and the target has.
            runs=tuple(
                run
                for run in read_gate_runs(self._store, self._goal.goal_id, record.slice_id)
                if not run.sparse
            ),
            reviews=(),
        )

    @contextmanager
    def _export_merge(self, record: SliceRecord, commit: Oid, target: Oid) -> Iterator[Path]:
        workspace = self._workspace
        away = WorktreeMap(workspace).find_away_beneath(workspace.worktree_root)
        if away is not None:
            raise DiskError(f"gates have no place to run: {away.problem}", hint=away.hint)
        with workspace.open_scratch(beside_worktrees=True) as scratch:
            # Logs go by the name of the folder, and the slice's own are to stay.
            path = scratch / f"{Path(record.worktree_path).name}--merged"
            beside = (self._goal.plan.target, target)
            export_commit(workspace.repo, commit, path, beside=beside)
            main = workspace.main_worktree
            included = read_included(workspace.repo, main).paths if main else ()
            if main and included:
                # What the merge tracks must not be replaced by what lies in main under that name.
                tracked = frozenset(workspace.read_tree(commit).paths)
                copy_included(main, path, [one for one in included if one not in tracked])
            yield path

    def _set_up(self, there: SliceRecord) -> str | None:
        with open_shell() as shell:
            return run_setup(self._workspace, self._setup, shell, there)

    def _run_gates(self, there: SliceRecord, missing: tuple[str, ...]) -> Iterator[GateRun]:
        wanted = {there.slice_id: {name: self._gates[name] for name in missing}}
        for run in run_commands(self._workspace, [there], wanted):
            record_run(self._workspace, self._store, run)
            yield run


def _describe_failure(complaint: str) -> str:
    return f"on the merged files: {complaint}"
