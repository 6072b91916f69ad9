"""Places that are given to programs of which nobody here knows whether they write them."""

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from msgspec import Struct

from gitslices.agents.shell.reading.words import State, Word, join_path

_MOST: Final = 2000
_PLACE: Final = re.compile(r"""[^\s"'`()\[\]{}<>|;,=:@!]*/[^\s"'`()\[\]{}<>|;,=:@!]*""")
_READ_OPTIONS: Final = frozenset({
    "--config", "--config-file", "--constraint", "--env-file", "--from-file", "--ignore-path",
    "--rcfile", "--requirement", "--schema",
})  # fmt: skip
"""Options whose value is only read, whichever program has them."""
_READ_VARIABLES: Final = re.compile(r"(\w*(PATH|LIB|ENV|RC|CONFIG)|HOST|URL|USER)$")
READERS: Final = frozenset({
    ":", "[", "ack", "actionlint", "ag", "apropos", "arch", "b2sum", "basename", "bat", "batcat",
    "bc", "bzcat", "bzgrep", "cal", "cat", "cksum", "cloc", "cmp", "colordiff", "column", "comm",
    "csvlook", "cut", "date", "delta", "df", "diff", "diff3", "difft", "dig", "dircolors",
    "dirname", "du", "dust", "echo", "egrep", "exa", "expand", "expr", "eza", "factor", "false",
    "fgrep", "fg", "file", "flake8", "fmt", "fold", "free", "fuser", "fzf", "getconf", "getent",
    "getfacl", "glow", "grep", "groups", "hadolint", "hd", "head", "help", "hexdump",
    "hexyl", "host", "hostname", "htop", "id", "info", "jobs", "join", "jq", "kill", "killall",
    "last", "ldd", "less", "locale", "locate", "look", "ls", "lsattr", "lsblk", "lsd", "lsof",
    "man", "md5sum", "mdcat", "more", "namei", "ncal", "nl", "nm", "nproc", "nslookup", "numfmt",
    "objdump", "od", "paste", "pathchk", "pgrep", "ping", "pkill", "pr", "printenv", "printf",
    "ps", "pstree", "pwd", "pwdx", "pyflakes", "readelf", "readlink", "realpath", "rev", "rg",
    "scc", "sdiff", "seq", "sha1sum", "sha224sum", "sha256sum", "sha384sum", "sha512sum", "shasum",
    "shellcheck", "size", "sleep", "ss", "stat", "strings", "sum", "tac", "tail", "test", "tokei",
    "top", "tr", "tree", "true", "tsort", "tty", "type", "ugrep", "ulimit", "umask", "uname",
    "unexpand", "uptime", "users", "vmstat", "w", "wait", "wc", "whatis", "whereis", "which",
    "who", "whoami", "xmllint", "xzcat", "xzgrep", "yamllint", "yes", "zcat", "zdiff", "zgrep",
    "zless", "zstdcat",
})  # fmt: skip
"""Programs that change no file by what their words say."""


class Handed(Struct, frozen=True, kw_only=True):
    """A place that a program is given, or runs in, and may write.

    With `whole` all that lies beneath it is the program's, too.
    """

    program: str
    path: str
    whole: bool = False


def find_handed(
    program: str, words: Iterable[Word], state: State, env: Mapping[str, Word]
) -> Iterator[Handed]:
    """The folder that a program runs in, and the places that its words and variables name."""
    texts = [*_list_texts(words), *(value.text for name, value in env.items()
             if value.plain and not _READ_VARIABLES.match(name))]  # fmt: skip
    for cwd in state.cwds:
        if cwd is None:
            continue
        yield Handed(program=program, path=cwd)
        for text in texts:
            for place in list_places(text):
                path = join_path(cwd, place)
                if path is not None:
                    yield Handed(program=program, path=path)


def list_places(text: str) -> Iterator[str]:
    """What may be a path in a text: whole, behind an option's name, in the middle of code."""
    if re.fullmatch(r"\w[\w.+-]*", text):
        yield text  # it may be a link to anywhere
    for found in _PLACE.findall(text[:_MOST]):
        yield os.path.expanduser(found) if found.startswith("~") else found  # noqa: PTH111
        if found.startswith("-") and "/" in found:  # as in -I/usr/include, -o../out
            yield found[2:]


def _list_texts(words: Iterable[Word]) -> Iterator[str]:
    reads = False
    for word in words:
        name, equals, _ = word.text.partition("=")
        if not reads and not (equals and name in _READ_OPTIONS) and word.plain:
            yield word.text
        reads = word.text in _READ_OPTIONS
