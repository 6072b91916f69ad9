"""What a git hook does: keep a slice inside its write scope."""

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from msgspec import Struct

from gitslices.core.errors import BusyError
from gitslices.core.model import UNDER_WAY
from gitslices.core.naming import show_path
from gitslices.git.read import HEADS
from gitslices.ops.check import CheckReport, CheckRequest, check, find_slice_here
from gitslices.state.scope_record import count_refusals
from gitslices.state.store import SliceRecord, Store
from gitslices.system.hook_scripts import PURPOSES
from gitslices.workspace import Workspace


class HookRequest(Struct, frozen=True, kw_only=True):
    """A hook by its name, with what git gives it: the index to be committed, standard input."""

    name: str
    index_file: Path | None = None
    input: str = ""


class HookReport(Struct, frozen=True, kw_only=True):
    """The violations that stop git, by slice."""

    checked: CheckReport


def run_hook(workspace: Workspace, request: HookRequest) -> HookReport:
    """Do what the hook is for; git is to go on when `checked.ok`."""
    if PURPOSES[request.name] == "check-commit":
        staged = CheckRequest(staged=True, index_file=request.index_file)
        report = HookReport(checked=check(workspace, staged))
        if not report.checked.ok:
            _count_refusals(workspace, report.checked)
        # The next commit is answered without all this.
        if report.checked.ok and report.checked.slices:
            # Imported here: a push and a commit on the target have no use for it.
            from gitslices.slices.scope_files import refresh_scope_file

            with workspace.open_store() as store:
                refresh_scope_file(workspace, store, workspace.repo.git_dir)
        return report
    return HookReport(checked=_check_push(workspace, request.input))


def _count_refusals(workspace: Workspace, checked: CheckReport) -> None:
    """Keep which files slices were kept from: their scopes may have to be wider."""
    with workspace.open_store() as store, suppress(BusyError), store.transaction():
        for one in checked.slices:
            paths = sorted({show_path(violation.path) for violation in one.violations})
            key = (one.goal_id, one.slice_id)
            count_refusals(store, key, paths, by="hook", at=workspace.now())


def _check_push(workspace: Workspace, text: str) -> CheckReport:
    """Check what is pushed from or to a slice's branch; a branch that is deleted is none."""
    if not workspace.has_store():
        return CheckReport(ok=True, slices=())
    with workspace.open_store() as store:
        pushed = list(_find_pushed(workspace, store, text))
    reports = [
        check(
            workspace,
            CheckRequest(slice_id=record.slice_id, goal_id=record.goal_id, commits=commit),
        )
        for record, commit in pushed
    ]
    slices = tuple(one for report in reports for one in report.slices)
    return CheckReport(ok=all(report.ok for report in reports), slices=slices)


def _find_pushed(
    workspace: Workspace, store: Store, text: str
) -> Iterable[tuple[SliceRecord, str]]:
    by_ref = {
        HEADS + record.branch_name: record
        for record in store.read_slices()
        if record.status in UNDER_WAY
    }
    for line in filter(None, text.split("\n")):
        source, commit, destination, _ = line.split(" ")
        # All zeros, forty or sixty-four of them, delete the branch: nothing is pushed.
        if not commit.strip("0"):
            continue
        record = by_ref.get(source) or by_ref.get(destination)
        # `git push REMOTE HEAD:NAME` gives neither name of the branch.
        if record is None and source == "HEAD":
            record = find_slice_here(workspace, store)
        # What has been merged was checked then, and its branch is not kept in.
        if record and record.status in UNDER_WAY:
            yield record, commit
