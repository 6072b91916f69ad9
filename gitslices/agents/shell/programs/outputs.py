"""What commands print, as far as that is known without running them.

A name that only the run can tell stands as `…`: what matters is the folder that it is in.
"""

import os
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from msgspec import Struct

from gitslices.agents.shell.programs.options import Parsed, parse_command
from gitslices.agents.shell.reading.words import Input, Printed, Word, join_path

FOUND: Final = "…"
"""Stands for the name of a file that is found when the command runs."""
_TAME: Final = re.compile(r"[\w./\-…:@%+=,~\n]*")
_MOST: Final = 1000
_LEADING: Final = re.compile(
    r"GIT_(DIR|WORK_TREE|COMMON_DIR|INDEX_FILE|CEILING_DIRECTORIES|EXEC_PATH"
    r"|CONFIG(?!_COUNT$|_(KEY|VALUE)_\d+$)\w*|\w*_PATHSPECS)"
)
"""Variables by which git answers for another repository, or for other files."""


class Asked(Struct, frozen=True, kw_only=True):
    """A program that prints, with its words, the folder it runs in and what it reads."""

    name: str
    words: Sequence[Word]
    cwd: str | None
    stdin: Input
    variables: Mapping[str, str]
    files: Mapping[str, str]
    has_moved: bool = False


def find_printed(asked: Asked) -> Printed | None:
    """What it prints; None where that is not known."""
    rule = _RULES.get(asked.name)
    if rule is None or not all(word.plain and not word.pattern for word in asked.words):
        return _list_matched(asked) if asked.name in {"echo", "ls", "printf"} else None
    return rule(asked)


def _list_matched(asked: Asked) -> Printed | None:
    """`ls src/*.py` prints what matches."""
    operands = [word for word in asked.words if not word.text.startswith("-")]
    if not all(word.plain for word in operands) or asked.name == "printf":
        return None
    lines = [re.sub(r"[^/]*[*?\[].*", FOUND, word.text) for word in operands]
    return Printed("\n".join(lines) + "\n", is_exact=False)


def _print_words(asked: Asked) -> Printed | None:
    texts = [word.text for word in asked.words]
    flags = re.compile(r"-[neE]+")
    letters = ""
    while texts and flags.fullmatch(texts[0]):
        letters += texts.pop(0)
    text = " ".join(texts)
    # dash undoes escapes always, bash only where it is told to.
    if "\\" in text:
        text = _undo_escapes(text)
    return Printed(text if "n" in letters else text + "\n", all(w.is_certain for w in asked.words))


def _print_format(asked: Asked) -> Printed | None:
    texts = [word.text for word in asked.words]
    if texts[:1] == ["--"]:
        texts.pop(0)
    if not texts or texts[0].startswith("-"):
        return None
    form, *values = texts
    pieces = re.split(r"(%%|%[-+ #0]*\d*(?:\.\d+)?[a-zA-Z])", form)
    wanted = sum(1 for piece in pieces[1::2] if piece != "%%")
    printed = []
    while True:
        for place, piece in enumerate(pieces):
            if place % 2 == 0 or piece == "%%":
                printed.append(_undo_escapes(piece) if piece != "%%" else "%")
            elif piece[-1] in "sdiq":
                printed.append(values.pop(0) if values else "")
            elif piece == "%b":
                printed.append(_undo_escapes(values.pop(0)) if values else "")
            else:
                return None
        if not values or not wanted or len(printed) > _MOST:
            break
    return Printed("".join(printed), all(word.is_certain for word in asked.words))


def _undo_escapes(text: str) -> str:
    signs = {"n": "\n", "t": "\t", "r": "\r", "\\": "\\", "a": "", "b": "", "e": "", "f": ""}

    def undo(found: re.Match[str]) -> str:
        if found[1]:
            return chr(int(found[1], 8) & 0xFF)
        if found[2]:
            return chr(int(found[2], 16))
        return signs.get(found[3], found[0])

    return re.sub(r"\\(?:0?([0-7]{1,3})|x([0-9A-Fa-f]{1,2})|(.))", undo, text, flags=re.DOTALL)


def _print_cwd(asked: Asked) -> Printed | None:
    return Printed(asked.cwd + "\n") if asked.cwd else None


def _print_temporary(asked: Asked) -> Printed | None:
    parsed = parse_command("mktemp", asked.words)
    folder = parsed.find("-p", "--tmpdir")
    template = parsed.operands[0].text if parsed.operands else "tmp.XXXXXXXXXX"
    name = re.sub(r"X{3,}", FOUND, template)
    if folder:
        name = os.path.join(folder.text, name)  # noqa: PTH118
    elif not parsed.operands or parsed.has("-t", "--tmpdir"):
        name = os.path.join(asked.variables.get("TMPDIR", "/tmp"), name)  # noqa: PTH118, S108
    return Printed(name + "\n")


def _print_date(asked: Asked) -> Printed | None:
    forms = [word.text for word in asked.words if word.text.startswith("+")]
    if not forms:
        return Printed(FOUND + "\n") if not asked.words else None
    # `%D` and `%x` have slashes in them.
    text = re.sub(r"%[-_0^#:]*[A-CE-Za-wyz%]", "0", forms[0][1:])
    return None if "%" in text else Printed(text + "\n")


def _print_basename(asked: Asked) -> Printed | None:
    if not asked.words or asked.words[0].text.startswith("-"):
        return None
    name = os.path.basename(asked.words[0].text.rstrip("/"))  # noqa: PTH119
    suffix = asked.words[1].text if len(asked.words) > 1 else ""
    cut = name.removesuffix(suffix) if name != suffix else name
    return Printed(cut + "\n", asked.words[0].is_certain)


def _print_dirname(asked: Asked) -> Printed | None:
    if len(asked.words) != 1 or asked.words[0].text.startswith("-"):
        return None
    path = asked.words[0].text.rstrip("/")
    return Printed((os.path.dirname(path) or ("." if path else "/")) + "\n")  # noqa: PTH120


def _print_real(asked: Asked) -> Printed | None:
    paths = [word for word in asked.words if not word.text.startswith("-")]
    joined = join_path(asked.cwd, paths[0].text) if len(paths) == 1 else None
    return Printed(os.path.realpath(joined) + "\n") if joined else None


def _print_git(asked: Asked) -> Printed | None:
    texts = [word.text for word in asked.words]
    cwd = asked.cwd
    if texts[:1] == ["-C"] and len(texts) > 1:
        cwd = join_path(cwd, texts[1])
        texts = texts[2:]
    if cwd is None or _leads_away(asked.variables):
        return None
    if texts[:1] == ["ls-files"] or texts[:2] == ["grep", "-l"] or texts[:2] == ["grep", "-rl"]:
        return _print_listed(texts)
    top = find_top(cwd)
    if top is None:
        return None
    if texts == ["rev-parse", "--show-toplevel"]:
        return Printed(f"{top}\n")
    if texts in (["branch", "--show-current"], ["rev-parse", "--abbrev-ref", "HEAD"]):
        branch = None if asked.has_moved else _read_branch(top)
        return Printed(branch + "\n") if branch else None
    if texts[:1] == ["rev-parse"] and texts[1:] in (["HEAD"], ["--short", "HEAD"]):
        return Printed(FOUND + "\n")
    return None


def _leads_away(variables: Mapping[str, str]) -> bool:
    """Whether git is told to answer otherwise than from the folder it runs in."""
    count = variables.get("GIT_CONFIG_COUNT", "0")
    # Some clients set which repositories git trusts for all that they start: that is no matter.
    keys = [variables.get(f"GIT_CONFIG_KEY_{number}", "") for number in range(_count(count))]
    harmless = all(key.lower().startswith("safe.") for key in keys)
    return not harmless or any(map(_LEADING.fullmatch, variables))


def _count(text: str) -> int:
    return int(text) if re.fullmatch("[0-9]{1,2}", text) else 1


def _print_listed(texts: Sequence[str]) -> Printed | None:
    """Files below the folders that pathspecs name."""
    operands = [text for text in texts[1:] if not text.startswith("-")]
    if texts[0] == "grep":
        operands = operands[1:]
    if any(text.startswith(":") or ".." in text for text in operands):
        return None
    lines = [_list_below(re.sub(r"[^/]*[*?\[].*", "", text)) for text in operands or [""]]
    return Printed("\n".join(lines) + "\n", is_exact=False)


def _list_below(folder: str) -> str:
    return f"{folder.rstrip('/')}/{FOUND}" if folder.rstrip("/") else folder + FOUND


def find_top(cwd: str) -> Path | None:
    """The top of the worktree that a folder is in."""
    around = (folder for folder in (Path(cwd), *Path(cwd).parents) if (folder / ".git").exists())
    found = next(around, None)
    return found.resolve() if found else None


def _read_branch(top: Path) -> str | None:
    try:
        folder = top / ".git"
        if folder.is_file():
            folder = top / folder.read_text("utf-8").removeprefix("gitdir: ").strip()
        head = (folder / "HEAD").read_text("utf-8").strip()
    except (OSError, ValueError):
        return None
    return head.removeprefix("ref: refs/heads/") if head.startswith("ref: refs/heads/") else None


def _print_found(asked: Asked) -> Printed | None:
    """`find`: files below its starting points."""
    texts = [word.text for word in asked.words]
    if any(text.startswith(("-printf", "-fprint", "-print0", "-exec", "-ok")) for text in texts
           if text != "-print0"):  # fmt: skip
        return None
    count = next(
        (n for n, text in enumerate(texts) if text.startswith(("-", "(", "!"))), len(texts)
    )
    only = "-maxdepth" in texts and texts[texts.index("-maxdepth") + 1 :][:1] == ["0"]
    return _print_below(asked, texts[:count] or ["."], itself=only)


def _print_below(asked: Asked, starts: Sequence[str], *, itself: bool = False) -> Printed:
    lines = []
    for start in starts:
        path = join_path(asked.cwd, start)
        is_file = itself or (path is not None and os.path.isfile(path))  # noqa: PTH113
        lines.append(start if is_file else f"{start.rstrip('/')}/{FOUND}")
    return Printed("\n".join(lines) + "\n", is_exact=False)


def _print_searched(asked: Asked) -> Printed | None:
    """`grep -l` and `rg -l` print names of files; a filter prints some of what it reads."""
    parsed = parse_command(asked.name, asked.words)
    if parsed.has("-l", "-L", "--files-with-matches", "--files-without-match", "--files"):
        given = parsed.has("-e", "-f", "--regexp", "--file", "--files")
        starts = [word.text for word in parsed.operands[0 if given else 1 :]]
        recursive = parsed.has("-r", "-R", "--recursive") or asked.name == "rg"
        if starts or recursive:
            return _print_below(asked, starts or ["."])
    return _filter(asked, parsed, 0 if parsed.has("-e", "-f") else 1)


def _print_filtered(asked: Asked) -> Printed | None:
    parsed = parse_command(asked.name, asked.words)
    if asked.name in {"head", "tail"}:
        numbers = [word for word in parsed.operands if re.fullmatch(r"[+-]?\d+\w?", word.text)]
        return _filter(asked, parsed, len(numbers))
    return _filter(asked, parsed, 0)


def _filter(asked: Asked, parsed: Parsed, own: int) -> Printed | None:
    """Some of the lines that it reads, where these are so plain that to lose one does no harm."""
    if len(parsed.operands) > own or parsed.has("-o", "-c", "--only-matching", "--count"):
        return None
    text = asked.stdin.text
    return Printed(text, is_exact=False) if text and _TAME.fullmatch(text) else None


def _print_files(asked: Asked) -> Printed | None:
    if not asked.words:
        return Printed(asked.stdin.text) if asked.stdin.text is not None else None
    texts = [asked.files.get(join_path(asked.cwd, word.text) or "") for word in asked.words]
    return Printed("".join(text or "" for text in texts)) if None not in texts else None


def _print_folder(asked: Asked) -> Printed | None:
    """`ls`: names in the folder where it is."""
    operands = [word.text for word in asked.words if not word.text.startswith("-")]
    letters = "".join(word.text for word in asked.words if word.text.startswith("-"))
    if set(letters) & set("lRsid") or len(operands) > 1:
        return None
    path = join_path(asked.cwd, operands[0]) if operands else asked.cwd
    if path is None:
        return None
    is_folder = os.path.isdir(path)  # noqa: PTH112
    return Printed((operands[0] if operands and not is_folder else FOUND) + "\n", is_exact=False)


def _print_word(asked: Asked) -> Printed | None:
    return Printed(FOUND + "\n")


def _print_program(asked: Asked) -> Printed | None:
    texts = [word.text for word in asked.words]
    if asked.name == "command" and texts[:1] == ["-v"]:
        texts = texts[1:]
    elif asked.name == "command":
        return None
    return Printed(f"/usr/bin/{texts[0]}\n") if len(texts) == 1 else None


def _print_nothing(asked: Asked) -> Printed | None:
    return Printed("")


_RULES: Final[dict[str, Callable[[Asked], Printed | None]]] = {
    "echo": _print_words,
    "printf": _print_format,
    "pwd": _print_cwd,
    "mktemp": _print_temporary,
    "date": _print_date,
    "basename": _print_basename,
    "dirname": _print_dirname,
    **dict.fromkeys(("realpath", "readlink"), _print_real),
    "git": _print_git,
    "find": _print_found,
    **dict.fromkeys(("grep", "egrep", "fgrep", "rg"), _print_searched),
    **dict.fromkeys(("head", "shuf", "sort", "tac", "tail", "uniq"), _print_filtered),
    "cat": _print_files,
    "ls": _print_folder,
    **dict.fromkeys(("arch", "hostname", "nproc", "uname", "uuidgen", "whoami"), _print_word),
    "command": _print_program,
    "which": _print_program,
    **dict.fromkeys((":", "[", "cd", "false", "mkdir", "set", "shopt", "sleep", "test", "true",
                     "touch", "wait"), _print_nothing),
}  # fmt: skip
