"""Every way in which gitslices says no: the class chooses the exit code, `code` the case."""

import shlex
from collections.abc import Sequence

from msgspec import UNSET, Struct, UnsetType


class Problem(Struct, frozen=True):
    """One thing that is wrong, and where: `tasks[3].write_set[0]`, a branch, a path."""

    place: str
    message: str
    hint: str | None = None


class GraphProblem(Problem, frozen=True):
    """One thing that is wrong in a task graph file, with the line and the id of the task."""

    line: int | UnsetType = UNSET
    task_id: str | UnsetType = UNSET


class GitslicesError(Exception):
    """A failure: a stable `code` for programs, a message and the next move for people."""

    code = "internal"
    exit_code = 70

    def __init__(
        self, message: str, *, hint: str | None = None, problems: Sequence[Problem] = ()
    ) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.problems = tuple(problems)


class RefusedError(GitslicesError):
    """An ordinary no: nothing is broken, and nothing was changed."""

    code = "refused"
    exit_code = 1


class NothingReadyError(RefusedError):
    """No slice can be claimed now; `problems` says what each one waits for."""

    code = "nothing-ready"


class NothingLeftError(NothingReadyError):
    """No slice is left to claim, and none will come by waiting."""

    code = "nothing-left"


class LeaseHeldError(RefusedError):
    """Somebody else has the slice, or one that overlaps with it."""

    code = "lease-held"


class StaleTokenError(RefusedError):
    """The lease that a token was given out for has ended."""

    code = "stale-token"


class GateFailedError(RefusedError):
    """A gate has not passed; `problems` names each, and where its output is."""

    code = "gate-failed"


class OutsideScopeError(RefusedError):
    """A slice has changed what it may not write; `problems` says what."""

    code = "outside-scope"


class UntrustedError(RefusedError):
    """Commands of the repository would run that nobody has approved."""

    code = "untrusted"


class InputError(GitslicesError):
    """The command line or a file it names is wrong."""

    code = "usage"
    exit_code = 2


class GraphError(InputError):
    """The task graph cannot be planned; `problems` holds every reason with its place."""

    code = "graph-invalid"


class ScopeError(InputError):
    """A scope entry that is refused; the message says why, the hint how to write it instead."""

    code = "scope-invalid"


class UnknownSliceError(InputError):
    """No slice has the given id."""

    code = "unknown-slice"


class MachineError(GitslicesError):
    """The repository or the machine stands in the way."""

    code = "environment"
    exit_code = 3


class NotARepositoryError(MachineError):
    """The directory `where` is in no Git repository."""

    code = "not-a-repository"

    def __init__(self, where: object) -> None:
        super().__init__(
            f"{str(where)!r} is in no Git repository",
            hint="run gitslices inside a repository, or name one with -C DIR",
        )


class NoCommitError(MachineError):
    """The repository has no commit to start slices from."""

    code = "no-commit"


class GitTooOldError(MachineError):
    """The git on PATH lacks something gitslices is built on."""

    code = "git-too-old"


class GitError(MachineError):
    """A git command failed; `status` is its exit status and `stderr` what it said."""

    code = "git-failed"

    def __init__(self, command: str, status: int, stderr: str, *, hint: str | None = None) -> None:
        said = stderr.strip() or "it said nothing"
        super().__init__(f"git {command} failed with exit status {status}: {said}", hint=hint)
        self.status = status
        self.stderr = stderr


class StateError(MachineError):
    """The store cannot be read or written, or was written by a newer gitslices."""

    code = "state-unusable"


class DiskError(MachineError):
    """The file system refused: full, read-only, or without permission."""

    code = "disk"


class BusyError(GitslicesError):
    """A lock was not had in time; trying again is safe."""

    code = "busy"
    exit_code = 4


class GitLockedError(BusyError):
    """Another git holds a lock, or was killed with it, on what git was to change."""


class RemoteError(GitslicesError):
    """A remote, or a forge, cannot be reached now; trying again is safe."""

    code = "remote-unreachable"
    exit_code = 4


def suggest(*words: str, goal_id: str) -> str:
    """`gitslices WORDS --goal ID`, quoted for a shell; right however many goals there are."""
    return f"gitslices {shlex.join((*words, '--goal', goal_id))}"
