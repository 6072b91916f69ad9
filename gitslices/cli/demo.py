"""`gitslices demo`: the whole of it on a small repository, command by command."""

import os
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import click
from msgspec import Struct

from gitslices.cli.options import Outcome, common_options, make_absolute
from gitslices.core.errors import DiskError, InputError

_EXAMPLES = """\b
Examples:
  gitslices demo
  gitslices demo --repository webshop      to try things in by hand
"""

_TOKENS: Final = """\
LIFETIME = 600


def is_expired(age):
    return age > LIFETIME
"""

_GRAPH: Final = """\
goal_id = "login"
shared = ["CHANGELOG.md"]

[[tasks]]
id = "api"
title = "Tokens expire"
write_set = ["src/api/", "CHANGELOG.md"]

[[tasks]]
id = "form"
title = "Login form"
write_set = ["src/web/login.html", "src/api/errors.py", "CHANGELOG.md"]

[[tasks]]
id = "menu"
title = "Sign-out in the menu"
description = "Whoever is signed in finds the way out in one click."
write_set = ["src/web/menu.html"]

[[tasks]]
id = "docs"
title = "Describe tokens"
read_set = ["src/api/tokens.py"]
write_set = ["docs/"]
"""

# In place of a forge: what would be the title and the body of a pull request goes to a file.
_SETTINGS: Final = """\
[publish]
open = "cat {title_file} {body_file} >../review.md"
"""

_WORK: Final = """\
# A worker: one line more in the file that the slice is about, and a commit.
case $GITSLICES_SLICE in
form) file=src/web/login.html ;;
*) file=docs/tokens.md ;;
esac
echo "<!-- $GITSLICES_SLICE -->" >>"$file"
git commit --quiet --all --message "Work on $GITSLICES_SLICE"
"""

_FILES: Final[Mapping[str, str]] = {
    ".gitslices/config.toml": _SETTINGS,
    "CHANGELOG.md": "# Changes\n",
    "docs/tokens.md": "# Tokens\n",
    "src/api/errors.py": 'MESSAGES = {404: "no such page"}\n',
    "src/api/tokens.py": _TOKENS,
    "src/web/login.html": "<form></form>\n",
    "src/web/menu.html": "<nav></nav>\n",
    "work.sh": _WORK,
}


class _DemoStep(Struct, frozen=True, kw_only=True):
    """What is told, the command that shows it, in which worktree, and how that must end."""

    told: str = ""
    command: str
    slice_id: str = ""
    code: int = 0


class StepReport(Struct, frozen=True, kw_only=True):
    """A command of the demonstration, and what came of it."""

    command: str
    directory: str
    exit_code: int
    output: str


class DemoReport(Struct, frozen=True, kw_only=True):
    """The repository that was made, and what was shown in it."""

    repository: str
    steps: tuple[StepReport, ...]


_STEPS: Final = (
    _DemoStep(told="Four tasks, and the files that each may touch.", command="cat gitslices.toml"),
    _DemoStep(
        told="The plan: what goes side by side, and which path forces an order. A branch and a "
        "worktree for each.",
        command="gitslices plan --apply",
    ),
    _DemoStep(told="Why one of them waits.", command="gitslices plan --explain docs"),
    _DemoStep(
        told="From now on git's own hooks hold the scopes.", command="gitslices hook install"
    ),
    _DemoStep(
        told="Two workers side by side: each gets the most urgent slice that is ready.",
        command="gitslices claim --holder ann",
    ),
    _DemoStep(command="gitslices claim --holder ben"),
    _DemoStep(command="gitslices status"),
    _DemoStep(
        told="Ben reaches for a file of Ann's. His commit is refused.",
        command="echo 'LATER = 403' >>src/api/errors.py && git commit --all --message 'A message'",
        slice_id="menu",
        code=1,
    ),
    _DemoStep(
        told="He takes that back, and does what is his.",
        command="git restore --staged --worktree src",
        slice_id="menu",
    ),
    _DemoStep(
        command="echo '<a>Sign out</a>' >src/web/menu.html"
        " && git commit --quiet --all --message 'Sign out'",
        slice_id="menu",
    ),
    _DemoStep(command="gitslices done", slice_id="menu"),
    _DemoStep(
        told="The pull-request way, for a team that lands on a forge. A bare repository stands in "
        "for one, and a command of the settings for its client, once it is approved.",
        command="git init --quiet --bare ../origin.git"
        ' && git remote add origin "$PWD/../origin.git" && git push --quiet origin main'
        " && gitslices trust --yes",
    ),
    _DemoStep(command="gitslices publish menu"),
    _DemoStep(
        told="What was pushed, and what its reviewers read.",
        command="git --git-dir ../origin.git log --oneline main..slices/login/menu",
    ),
    _DemoStep(command="cat ../review.md"),
    _DemoStep(
        told="Or without a forge. Merged in memory first; then main moves in one step.",
        command="gitslices merge",
        slice_id="menu",
    ),
    _DemoStep(
        told="Ann changes a line, and meanwhile somebody commits another change of it to main.",
        command="sed s/600/300/ src/api/tokens.py >new && mv new src/api/tokens.py"
        " && git commit --quiet --all --message 'Five minutes' && gitslices done",
        slice_id="api",
    ),
    _DemoStep(
        command="sed s/600/900/ src/api/tokens.py >new && mv new src/api/tokens.py"
        " && git commit --quiet --all --message 'A quarter of an hour'"
    ),
    _DemoStep(
        told="A conflict. Nothing moves, no worktree is left half merged.",
        command="gitslices merge api",
        code=1,
    ),
    _DemoStep(command="git log --oneline -1"),
    _DemoStep(
        told="Who has the slice begins that merge in its worktree, and concludes it.",
        command="gitslices sync --resolve",
        slice_id="api",
        code=1,
    ),
    _DemoStep(
        command="git checkout --ours -- src/api/tokens.py"
        " && git commit --quiet --all --message 'Five minutes it is'",
        slice_id="api",
    ),
    _DemoStep(command="gitslices merge", slice_id="api"),
    _DemoStep(
        told="The rest without anybody: a command for each slice, until nothing is left.",
        command="gitslices run --jobs 2 -- sh work.sh",
    ),
    _DemoStep(command="git log --oneline --graph --max-count=8"),
    _DemoStep(
        told="Merged worktrees go; gitslices undo would bring them back.",
        command="gitslices prune",
    ),
    _DemoStep(
        told="The plan as a picture, for a browser.",
        command="gitslices plan --format html --output ../plan.html",
    ),
)


@click.command(epilog=_EXAMPLES)
@click.option(
    "--repository", "wanted", metavar="PATH", type=click.Path(path_type=Path),
    help="Only make the repository, at PATH, with its task graph.",
)  # fmt: skip
@common_options
def command(*, wanted: Path | None, directory: Path, as_json: bool) -> Outcome:
    """Show on a small repository how all of it goes together, in less than a minute.

    A plan with its reasons, two workers side by side, one stopped at its scope, a pull request, a
    merge, a conflict that moves nothing, and `run` to the end. All is done by commands that are
    shown, in a new folder for temporary files, which stays; nothing else is touched.
    """
    if wanted is not None:
        repository = make_absolute(directory / wanted)
        if repository.exists():
            raise InputError(f"there is something at {str(repository)!r} already")
        _make_repository(repository)
        report = DemoReport(repository=str(repository), steps=())
        return Outcome(document=report, text=lambda: f"made {repository}\n")
    top = Path(tempfile.mkdtemp(prefix="gitslices-demo."))
    repository = top / "webshop"
    _make_repository(repository)
    environ = _make_environment(top)
    reports = []
    for step in _STEPS:
        done = _run(step, repository, environ)
        reports.append(done)
        if not as_json:
            click.echo("".join(_tell(step, done)), nl=False)
        if done.exit_code != step.code:
            break
    report = DemoReport(repository=str(repository), steps=tuple(reports))
    whole = len(reports) == len(_STEPS) and reports[-1].exit_code == 0
    return Outcome(
        document=report,
        text=lambda: (
            f"\n{top / 'plan.html'} is the picture; rm -r {top} when all is seen\n"
            if whole
            else f"\nerror: that was to end with exit code {_STEPS[len(reports) - 1].code}\n"
        ),
        exit_code=0 if whole else 1,
    )


def _make_repository(path: Path) -> None:
    """A web shop in one commit on main; whoever is at the machine may have no identity for git."""
    files = {**_FILES, "gitslices.toml": _GRAPH}
    try:
        for name, text in files.items():
            file = path / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
    except OSError as error:
        raise DiskError(f"{error.filename} cannot be made: {error.strerror}") from error
    for line in (
        "init --quiet --initial-branch=main",
        "config user.name Demo",
        "config user.email demo@localhost",
        "config commit.gpgSign false",
        "add .",
        "commit --quiet --message='A small web shop'",
    ):
        subprocess.run(["git", "-C", path, *shlex.split(line)], check=True)


def _make_environment(top: Path) -> dict[str, str]:
    """The user's, with this very gitslices first on PATH and none of the user's own choices."""
    programs = top / "bin"
    programs.mkdir()
    program = programs / "gitslices"
    program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -P -m gitslices "$@"\n')
    program.chmod(0o755)
    kept = {name: value for name, value in os.environ.items() if name[:10] != "GITSLICES_"}
    paths = f"{programs}{os.pathsep}{kept.get('PATH', os.defpath)}"
    # Approvals lie in the user's own folder otherwise.
    return {**kept, "PATH": paths, "XDG_STATE_HOME": str(top / "state")}


def _run(step: _DemoStep, repository: Path, environ: Mapping[str, str]) -> StepReport:
    slices = repository.with_name("webshop.slices")
    place = slices / f"login--{step.slice_id}" if step.slice_id else repository
    done = subprocess.run(
        ["sh", "-c", step.command],
        cwd=place,
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    return StepReport(
        command=step.command,
        directory=str(place),
        exit_code=done.returncode,
        output=done.stdout.decode("utf-8", "replace"),
    )


def _tell(step: _DemoStep, done: StepReport) -> Iterator[str]:
    if step.told:
        yield f"\n# {step.told}\n"
    yield f"{Path(done.directory).name}$ {done.command}\n"
    yield "".join(f"  {line}".rstrip() + "\n" for line in done.output.splitlines())
