"""Lists of gitignore patterns, as in an ignore file: the last one that matches decides."""

from collections.abc import Callable, Sequence


def compile_ignore(lines: Sequence[str]) -> Callable[[str], bool]:
    """The test whether `lines` cover a path from the root; a directory's ends in `/`."""
    from pathspec import GitIgnoreSpec

    return GitIgnoreSpec.from_lines(lines).match_file
