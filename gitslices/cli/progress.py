"""A progress bar on standard error, where a person watches."""

from collections.abc import Iterator
from contextlib import contextmanager

from gitslices.cli.options import is_terminal
from gitslices.ops.progress import OnProgress, Progress

_STAGES = {"register": "registering worktrees", "fill": "writing files"}


@contextmanager
def show_progress(*, quiet: bool) -> Iterator[OnProgress]:
    """A callback that draws a bar while the block runs, and nothing without a terminal."""
    if quiet or not is_terminal():
        yield _ignore
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        tasks = {
            stage: bar.add_task(text, total=None, visible=False) for stage, text in _STAGES.items()
        }

        def draw(progress: Progress) -> None:
            bar.update(
                tasks[progress.stage], completed=progress.done, total=progress.total, visible=True
            )

        yield draw


def _ignore(progress: Progress) -> None:
    """Nobody watches."""
