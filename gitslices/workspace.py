"""What every command needs, opened once: the repository, its settings, its state, the clock.

Locks are imported where they are taken: a hook takes none, and waits for every import.
"""

import os
import uuid
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from gitslices.core.errors import InputError
from gitslices.core.lazy import lazy_property
from gitslices.core.model import Oid, RepoTree
from gitslices.core.naming import find_path_flaw, show_path, validate_prefix
from gitslices.git.discovery import probe_repository
from gitslices.git.environment import expand_home
from gitslices.git.links import find_admin_folder
from gitslices.git.read import find_commit, is_true, read_config, read_tree
from gitslices.git.repository import Repository
from gitslices.scopes.language.folding import Folding
from gitslices.state.folder import FOLDER_NAME, SCRATCH, list_operations, make_state_folder
from gitslices.state.journal import has_intent
from gitslices.state.sharing import watch_changes
from gitslices.state.store import STORE_NAME, Goal, Store, open_store

if TYPE_CHECKING:
    from gitslices.git.remotes import RemoteAccess
    from gitslices.state.history_cache import HistoryCache
    from gitslices.state.mining import MinedHistory

_DEFAULT_LOCK_TIMEOUT: Final = 120.0

Clock = Callable[[], datetime]


class Agreement(Protocol):
    """What keeps the store in step with that of other clones."""

    def attach(self, store: Store) -> None:
        """Bring a store that was just opened up to date, and have its changes told."""

    def renew(self, store: Store) -> None:
        """Bring it up to date once more."""


class Workspace:
    """A repository as gitslices sees it; commands get one and reach everything through it."""

    def __init__(
        self,
        repo: Repository,
        *,
        clock: Clock,
        lock_timeout: float,
        purpose: str,
        environ: Mapping[str, str] = os.environ,
        prompts: bool = False,
        agreement: "Agreement | None" = None,
    ) -> None:
        """With `prompts` a person is there whom git may ask for a password.

        With an `agreement` what others have done is known, and they learn of what is done here.
        """
        self.repo = repo
        self.environ = environ
        self._prompts = prompts
        self._clock = clock
        self._lock_timeout = lock_timeout
        self._purpose = purpose
        self._trees: dict[Oid, RepoTree] = {}
        self.agreement = agreement

    @lazy_property
    def config(self) -> Mapping[str, str]:
        """The git settings that gitslices looks at."""
        return read_config(self.repo)

    @lazy_property
    def folding(self) -> Folding:
        """How the repository compares paths."""
        return Folding(
            ignore_case=is_true(self.config.get("core.ignorecase")),
            precompose_unicode=is_true(self.config.get("core.precomposeunicode")),
        )

    def read_tree(self, commit: Oid) -> RepoTree:
        """The tracked paths of `commit`, listed once a process."""
        if commit not in self._trees:
            self._trees[commit] = read_tree(self.repo, commit, self.config)
        return self._trees[commit]

    @property
    def main_worktree(self) -> Path | None:
        """The main worktree's directory; None in a bare repository.

        None also in a linked worktree of one made with `--separate-git-dir`: from there git knows
        no way to the main worktree.
        """
        return self._find_separated() or self._find_beside()

    def _find_separated(self) -> Path | None:
        """The worktree at hand, if its `.git` file names the folder that all worktrees share."""
        top = self.repo.worktree
        link = find_admin_folder(top) if top else None
        same = link is not None and link.resolve() == self.repo.common_dir.resolve()
        return top if same else None

    def _find_beside(self) -> Path | None:
        common = self.repo.common_dir
        if is_true(self.config.get("core.bare")):
            return None
        # A submodule says so, whose folder lies in the `.git` of another repository.
        if "core.worktree" in self.config:
            return (common / self.config["core.worktree"]).resolve()
        return common.parent if common.name == ".git" else None

    @property
    def prefix(self) -> str:
        """What the names of all slice branches begin with (`gitslices.prefix`)."""
        return validate_prefix(self.config.get("gitslices.prefix", "slices"))

    @property
    def worktree_root(self) -> Path:
        """The folder that holds the slices' worktrees (`gitslices.worktreeRoot`).

        Raises `InputError` where it would lie inside the main worktree, or where its path cannot be
        written down.
        """
        # Not `main_worktree`: the root must be the same from wherever it is asked for.
        home = self._find_beside() or self.repo.common_dir
        configured = self.config.get("gitslices.worktreeroot")
        if configured is None:
            return home.with_name(f"{home.name.removesuffix('.git')}.slices")
        root = Path(home, expand_home(configured, self.environ)).resolve()
        # Inside, a path that is wrong by some levels is still one of the repository: writes meant
        # for a slice land in the main worktree, and there every slice shows as untracked.
        if any(root.is_relative_to(top.resolve()) for top in {home, self.main_worktree or home}):
            raise InputError(
                f"gitslices.worktreeRoot is {configured!r}, inside the repository",
                hint="choose a folder beside it: git config gitslices.worktreeRoot ../worktrees",
            )
        flaw = find_path_flaw(str(root))
        if flaw:
            raise InputError(
                f"gitslices.worktreeRoot: '{show_path(str(root))}' {flaw}",
                hint="choose another folder: git config gitslices.worktreeRoot ../worktrees",
            )
        return root

    @lazy_property
    def state_folder(self) -> Path:
        """Where state is kept; made on first use."""
        return make_state_folder(self.repo.common_dir)

    def has_intent(self) -> bool:
        """Whether a change of branches and worktrees is under way, or was cut short."""
        # Not by `state_folder`, which makes it: a repository may be there only to be read.
        return has_intent(self.repo.common_dir / FOLDER_NAME)

    def read_stamp(self) -> int | None:
        """A number that is another one after a change of branches or worktrees; None during one.

        Whoever takes the topology lock leaves files in the state folder and takes them away.
        """
        return None if self.has_intent() else self.state_folder.stat().st_mtime_ns

    @property
    def access(self) -> "RemoteAccess":
        """How git may go about remotes."""
        from gitslices.git.remotes import RemoteAccess

        base = self.main_worktree or self.repo.common_dir
        return RemoteAccess(base=base, prompts=self._prompts)

    def without_wait(self) -> "Workspace":
        """The same workspace, for which a lock that somebody holds is an error at once."""
        return self._copy(lock_timeout=0, agreement=self.agreement)

    def agreeing(self, agreement: "Agreement") -> "Workspace":
        """The same workspace, where what is shared is agreed on with other clones."""
        return self._copy(lock_timeout=self._lock_timeout, agreement=agreement)

    def _copy(self, *, lock_timeout: float, agreement: "Agreement | None") -> "Workspace":
        return Workspace(
            self.repo,
            clock=self._clock,
            lock_timeout=lock_timeout,
            purpose=self._purpose,
            environ=self.environ,
            prompts=self._prompts,
            agreement=agreement,
        )

    def now(self) -> str:
        """The time in RFC 3339, UTC, to the second: two of them compare as texts."""
        return _format_time(self._clock())

    def after(self, seconds: int) -> str:
        """The time `seconds` from now, in the form of `now`."""
        return _format_time(self._clock() + timedelta(seconds=seconds))

    def has_store(self) -> bool:
        """Whether any plan was ever applied here."""
        return (self.repo.common_dir / FOLDER_NAME / STORE_NAME).exists()

    def find_goal(self, goal_id: str) -> Goal | None:
        """The goal as it was last applied; nothing is written, not even an empty store."""
        if not self.has_store():
            return None
        with self.open_store() as store:
            return store.read_goal(goal_id)

    @contextmanager
    def open_store(self) -> Iterator[Store]:
        """The store of goals, slices and events."""
        with open_store(
            self.state_folder, timeout=self._lock_timeout, opened_from=self.repo.git_dir
        ) as store:
            watch_changes(store)
            if self.agreement is not None:
                self.agreement.attach(store)
            yield store

    @contextmanager
    def open_past(self) -> Iterator[tuple["HistoryCache", "MinedHistory"]]:
        """The history of the main worktree's commit, mined as far as it was not, and how much.

        Where nothing can be kept, it is mined for this time alone.
        """
        from gitslices.git.filling import is_partial
        from gitslices.state.history_cache import open_history_cache
        from gitslices.state.mining import mine

        # Not the commit at hand: in the worktrees of slices it would be another history each time.
        tip = find_commit(self.repo, "HEAD", self.repo.common_dir) or find_commit(self.repo, "HEAD")
        keeps = os.access(self.repo.common_dir, os.W_OK)
        folder = self.state_folder if keeps else None
        with open_history_cache(folder, timeout=self._lock_timeout) as cache:
            yield cache, mine(self.repo, cache, tip, is_partial=is_partial(self.config))

    @contextmanager
    def hold_topology(self) -> Iterator[None]:
        """Keep every other gitslices from changing branches and worktrees.

        Raises `BusyError` when the lock is not had in time.
        """
        from gitslices.state.lock import hold_lock

        with hold_lock(
            self.state_folder, "topology", timeout=self._lock_timeout, purpose=self._purpose
        ):
            yield

    @contextmanager
    def hold_sharing(self) -> Iterator[None]:
        """Keep every other gitslices here from fetching the shared state, too."""
        from gitslices.state.lock import hold_lock

        with hold_lock(
            self.state_folder, "sharing", timeout=self._lock_timeout, purpose=self._purpose
        ):
            yield

    @contextmanager
    def hold_operation(self, operation: str) -> Iterator[None]:
        """Show others that `operation` is alive."""
        from gitslices.state.lock import hold_operation

        with hold_operation(self.state_folder, operation, timeout=self._lock_timeout):
            yield

    @contextmanager
    def open_scratch(self, *, beside_worktrees: bool = False) -> Iterator[Path]:
        """A folder for the time of the block; after a kill the next command takes it away.

        It is one of the state folder or, for what runs the repository's commands, one beside the
        worktrees: test tools pass over all that has `.git` in its path.
        """
        from gitslices.system.folders import make_scratch

        operation = uuid.uuid4().hex
        root = self.worktree_root if beside_worktrees else None
        # First, and until it is gone: a scratch folder whose operation nobody holds is deleted.
        with self.hold_operation(operation):
            try:
                yield make_scratch(self._name_scratch(operation), root)
            finally:
                self.clear_scratch(operation)

    def clear_scratch(self, operation: str) -> None:
        """Delete the folder of an operation that has ended, if it had one."""
        from gitslices.system.folders import clear_scratch

        clear_scratch(self._name_scratch(operation))

    def _name_scratch(self, operation: str) -> Path:
        return self.state_folder / f"{SCRATCH}{operation}"

    def find_dead_operations(self, known: Collection[str] = ()) -> tuple[str, ...]:
        """Operations, `known` ones and others, that were killed and have left something."""
        folder = self.repo.common_dir / FOLDER_NAME
        operations = {*known, *list_operations(folder)}
        if not operations:
            return ()
        from gitslices.state.lock import find_dead_operations

        return find_dead_operations(folder, operations)

    def wait_for_operation(self, operation: str) -> None:
        """Return when `operation` has ended, in whatever way."""
        from gitslices.state.lock import wait_for_operation

        wait_for_operation(self.state_folder, operation, timeout=self._lock_timeout)


def open_workspace(
    directory: Path,
    *,
    git_dir: Path | None,
    clock: Clock,
    lock_timeout: float = _DEFAULT_LOCK_TIMEOUT,
    purpose: str,
    environ: Mapping[str, str] = os.environ,
    prompts: bool = False,
) -> Workspace:
    """The workspace of the repository that holds `directory`, or that `git_dir` names."""
    from gitslices.git.opening import open_repository

    repo = open_repository(directory, git_dir)
    return Workspace(
        repo,
        clock=clock,
        lock_timeout=lock_timeout,
        purpose=purpose,
        environ=environ,
        prompts=prompts,
    )


def probe_workspace(
    directory: Path,
    *,
    git_dir: Path | None,
    clock: Clock,
    lock_timeout: float = _DEFAULT_LOCK_TIMEOUT,
    purpose: str,
    environ: Mapping[str, str] = os.environ,
    prompts: bool = False,
) -> Workspace:
    """The same as `open_workspace`, for what must be too quick for GitPython."""
    repo = probe_repository(directory, git_dir)
    return Workspace(
        repo,
        clock=clock,
        lock_timeout=lock_timeout,
        purpose=purpose,
        environ=environ,
        prompts=prompts,
    )


def _format_time(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
