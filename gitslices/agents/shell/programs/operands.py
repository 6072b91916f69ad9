"""What programs write that are called in a shell, as far as their words tell."""

import os
import re
from collections.abc import Callable, Sequence
from typing import Final

from gitslices.agents.shell.programs.options import Parsed
from gitslices.agents.shell.programs.outputs import FOUND
from gitslices.agents.shell.reading.words import Word, join_path

Rule = Callable[[Parsed, str | None], Sequence[Word]]


_LOCAL: Final = re.compile(
    r"(localhost|.*\.localhost|ip6-localhost|127(\.\d+){0,3}|0|0\.0\.0\.0|::1|\[::1\])"
)


def is_this_machine(host: Word) -> bool:
    """Whether a host may be the machine itself; one that nobody knows may."""
    name = host.text.rpartition("@")[2].removeprefix("ssh://").rstrip("/")
    unknown = not host.plain or not host.is_certain or FOUND in name
    return unknown or bool(_LOCAL.fullmatch(name)) or name == os.uname().nodename


def _list_operands(parsed: Parsed, cwd: str | None) -> Sequence[Word]:
    return [word for word in parsed.operands if word.text != "-"]


def _list_after_mode(parsed: Parsed, cwd: str | None) -> Sequence[Word]:
    # `chmod -x f`: what looks like an option is the mode.
    has_mode = any(re.fullmatch("-[rwxXstugo]|--reference", name) for name, _ in parsed.options)
    return parsed.operands[0 if has_mode else 1 :]


def _list_destinations(parsed: Parsed, cwd: str | None) -> Sequence[Word]:
    """Where a copy goes: a file, or a name in a folder for each source."""
    folder = parsed.find("-t", "--target-directory")
    *sources, last = parsed.operands if parsed.operands else [Word("")]
    if folder:
        return [_put_into(folder, source) for source in parsed.operands]
    if not sources:
        return [] if not last.text else [Word(os.path.basename(last.text), last.plain)]  # noqa: PTH119
    # One that stands for several may end where the last one seems to be.
    unsure = [word for word in sources if not word.is_certain]
    if parsed.has("-T", "--no-target-directory"):
        return [last, *unsure]
    place = join_path(cwd, last.text)
    if last.text.endswith("/") or len(sources) > 1 or (place and os.path.isdir(place)):  # noqa: PTH112
        return [*(_put_into(last, source) for source in sources), *unsure]
    return [last, *unsure]


def _list_copied(parsed: Parsed, cwd: str | None) -> Sequence[Word]:
    # Who writes a file by one of its hard links writes it by all of them.
    linked = parsed.operands[:-1] if parsed.has("-l", "--link") else ()
    return [*_list_destinations(parsed, cwd), *linked]


def _list_linked(parsed: Parsed, cwd: str | None) -> Sequence[Word]:
    sources = parsed.operands if parsed.find("-t", "--target-directory") else parsed.operands[:-1]
    hard = [] if parsed.has("-s", "--symbolic") else sources or parsed.operands
    return [*_list_destinations(parsed, cwd), *hard]


def _list_installed(parsed: Parsed, cwd: str | None) -> Sequence[Word]:
    if parsed.has("-d", "--directory"):
        return parsed.operands
    return _list_destinations(parsed, cwd)


def _list_synced(parsed: Parsed, cwd: str | None) -> Sequence[Word]:
    *sources, last = parsed.operands if parsed.operands else [Word("")]
    logs = [value for name, value in parsed.options
            if name in {"--log-file", "--write-batch", "--backup-dir"}]  # fmt: skip
    taken = sources if parsed.has("--remove-source-files") else []
    if not sources or is_elsewhere(last):
        return [*logs, *taken]  # it only lists, or copies to another machine
    last = _strip_host(last)
    # Unlike `cp`, it copies what is in `a/`, and not the folder itself.
    if any(source.text.endswith("/") for source in sources):
        return [last, *logs, *taken]
    return [*_list_destinations(parsed, cwd), *logs, *taken]


def _list_received(parsed: Parsed, cwd: str | None) -> Sequence[Word]:
    *sources, last = parsed.operands if parsed.operands else [Word("")]
    if is_elsewhere(last):
        return []
    return _list_destinations(Parsed(parsed.options, [*sources, _strip_host(last)]), cwd)


def is_elsewhere(place: Word) -> bool:
    """Whether it is `HOST:PATH` of another machine."""
    host, colon, _ = place.text.partition(":")
    return bool(colon) and "/" not in host and not is_this_machine(Word(host, place.plain))


def _strip_host(place: Word) -> Word:
    host, colon, path = place.text.partition(":")
    if not colon or "/" in host:
        return place
    # Whatever has no `/` in front counts from the home of whoever is named.
    return Word(path, place.plain and path.startswith("/"))


def _put_into(folder: Word, source: Word) -> Word:
    name = os.path.basename(source.text.rstrip("/"))  # noqa: PTH119
    if source.pattern or not source.plain or name in {"", ".", ".."}:
        return folder
    return Word(os.path.join(folder.text, name), folder.plain)  # noqa: PTH118


def _list_moved(parsed: Parsed, cwd: str | None) -> Sequence[Word]:
    folder = parsed.find("-t", "--target-directory")
    sources = parsed.operands if folder else parsed.operands[:-1]
    return [*sources, *_list_destinations(parsed, cwd)]


def _list_outputs(*names: str) -> Rule:
    """The rule for a program that writes the values of these options."""

    def list_outputs(parsed: Parsed, cwd: str | None) -> Sequence[Word]:
        return [value for name, value in parsed.options if name in names and value.text != "-"]

    return list_outputs


def _list_last(count: int) -> Rule:
    """The rule for a program that writes the operand after the first `count`."""

    def list_last(parsed: Parsed, cwd: str | None) -> Sequence[Word]:
        return [word for word in parsed.operands[count : count + 1] if word.text != "-"]

    return list_last


def _list_downloads(parsed: Parsed, cwd: str | None) -> Sequence[Word]:
    named = _list_outputs(
        "-D", "-c", "-o", "--cookie-jar", "--dump-header", "--etag-save", "--hsts", "--libcurl",
        "--output", "--stderr", "--trace", "--trace-ascii",
    )(parsed, cwd)  # fmt: skip
    named = [word for word in named if not word.text.startswith("/dev/")]
    if parsed.has("-T", "--upload-file"):
        # It uploads to files, too.
        local = [word for word in parsed.operands if word.text.startswith("file:")]
        named += [Word(word.text.removeprefix("file:").replace("///", "/"), word.plain)
                  for word in local]  # fmt: skip
    folder = parsed.find("--output-dir")
    if parsed.has("-O", "-J", "--remote-name", "--remote-name-all"):
        named = [*named, *(_name_download(url) for url in parsed.operands)]
    return [_put_below(folder, word) for word in named] if folder else named


def _list_fetched(parsed: Parsed, cwd: str | None) -> Sequence[Word]:
    named = _list_outputs(
        "-O", "-a", "-o", "--append-output", "--output-document", "--output-file",
        "--save-cookies", "--warc-file",
    )(parsed, cwd)  # fmt: skip
    if parsed.has("-O", "--output-document", "--spider", "--version", "--help"):
        return named
    folder = parsed.find("-P", "--directory-prefix")
    fetched = [_name_download(url) for url in parsed.operands]
    return [*named, *([_put_below(folder, one) for one in fetched] if folder else fetched)]


def _name_download(url: Word) -> Word:
    name = url.text.partition("?")[0].rstrip("/").rpartition("/")[2]
    return Word(name or "index.html", url.plain)


def _put_below(folder: Word, word: Word) -> Word:
    return Word(os.path.join(folder.text, word.text), folder.plain and word.plain)  # noqa: PTH118


def _list_dd(parsed: Parsed, cwd: str | None) -> Sequence[Word]:
    return [
        Word(word.text.removeprefix("of="), word.plain)
        for word in parsed.operands
        if word.text.startswith("of=")
    ]


def _list_packed(parsed: Parsed, cwd: str | None) -> Sequence[Word]:
    """`gzip` and its kin put a file with another name in the place of each operand."""
    if parsed.has("-c", "-l", "-t", "--list", "--stdout", "--test", "--to-stdout"):
        return []
    return _list_operands(parsed, cwd)


def _list_split(parsed: Parsed, cwd: str | None) -> Sequence[Word]:
    prefix = parsed.operands[1] if len(parsed.operands) > 1 else Word("x")
    return [Word(f"{prefix.text}aa", prefix.plain)]


def _list_cut(parsed: Parsed, cwd: str | None) -> Sequence[Word]:
    prefix = parsed.find("-f", "--prefix") or Word("xx")
    return [Word(f"{prefix.text}00", prefix.plain)]


def _list_made(parsed: Parsed, cwd: str | None) -> Sequence[Word]:
    """The file of `mktemp`; without a template it is a temporary one."""
    if parsed.has("-u", "--dry-run"):
        return []
    folder = parsed.find("-p", "--tmpdir")
    if folder:
        return [_put_below(folder, one) for one in parsed.operands] or [
            _put_below(folder, Word("t"))
        ]
    temporary = parsed.has("-t", "--tmpdir")
    return [] if temporary else parsed.operands


def _list_unzipped(parsed: Parsed, cwd: str | None) -> Sequence[Word]:
    if parsed.has("-l", "-p", "-t", "-v", "-Z", "-z") or not parsed.operands:
        return []
    return [parsed.find("-d") or Word(".")]


def _list_zipped(parsed: Parsed, cwd: str | None) -> Sequence[Word]:
    moved = parsed.operands[1:] if parsed.has("-m", "--move") else []
    return [*parsed.operands[:1], *moved]


def _list_archived(parsed: Parsed, cwd: str | None) -> Sequence[Word]:
    """`tar`: the archive when it is made, the folder where it is unpacked."""
    letters = {name for name, _ in parsed.options}
    folders = [value for name, value in parsed.options if name in {"-C", "--directory"}]
    archive = parsed.find("-f", "--file")
    logs = _list_outputs("--index-file", "-g", "--listed-incremental")(parsed, cwd)
    if letters & {"-t", "--list", "-d", "--diff", "--compare"}:
        return logs
    if letters & {"-x", "--extract", "--get"}:
        if letters & {"-O", "--to-stdout"}:
            return logs
        # Each counts from the one before, and an option may come after it.
        return [*(_join_words(folders[: number + 1]) for number in range(len(folders))),
                *([] if folders else [Word(".")]), *logs]  # fmt: skip
    taken = parsed.operands if parsed.has("--remove-files") else []
    return [*([archive] if archive and archive.text != "-" else []), *logs, *taken]


def _join_words(words: Sequence[Word]) -> Word:
    text = os.path.join(*(word.text for word in words))  # noqa: PTH118
    return Word(text, all(word.plain for word in words))


def _list_passed_through(parsed: Parsed, cwd: str | None) -> Sequence[Word]:
    """`cpio`: the folder that it copies to, or unpacks in."""
    if parsed.has("-p", "--pass-through"):
        return parsed.operands[-1:]
    return [Word(".")] if parsed.has("-i", "--extract") and not parsed.has("-t", "--list") else []


def _list_final(parsed: Parsed, cwd: str | None) -> Sequence[Word]:
    """Converters: what comes last is made of what stands before."""
    return [word for word in parsed.operands[1:][-1:] if word.text != "-"]


def _list_by_flag(*flags: str) -> Rule:
    """The rule for a program that writes its operands only where one of `flags` is given."""

    def list_by_flag(parsed: Parsed, cwd: str | None) -> Sequence[Word]:
        return _list_operands(parsed, cwd) if parsed.has(*flags) else []

    return list_by_flag


# What each program writes, of a command and the folder that it runs in.
PROGRAMS: Final[dict[str, Rule]] = {
    **dict.fromkeys(
        (
            "del-cli", "dos2unix", "ed", "emacs", "mkdir", "mkfifo", "nano", "pico", "rm", "rmdir",
            "shred", "sponge", "srm", "strip", "tee", "touch", "trash", "trash-put", "truncate",
            "unix2dos", "unlink", "rename", "rimraf", "mount", "umount",
        ),
        _list_operands,
    ),
    "mknod": lambda parsed, cwd: parsed.operands[:1],
    **dict.fromkeys(("chattr", "chgrp", "chmod", "chown", "setfacl"), _list_after_mode),
    "cp": _list_copied,
    "ln": _list_linked,
    "link": lambda parsed, cwd: parsed.operands,
    "curl": _list_downloads,
    "cpio": _list_passed_through,
    "csplit": _list_cut,
    **dict.fromkeys(("convert", "ffmpeg", "gm", "magick", "pdftotext", "ps2pdf", "sox",
                     "wkhtmltoimage", "wkhtmltopdf"), _list_final),
    **dict.fromkeys(("jpegoptim", "mogrify", "optipng", "pngquant"), _list_operands),
    "install": _list_installed,
    "mv": _list_moved,
    "dd": _list_dd,
    "rsync": _list_synced,
    "scp": _list_received,
    **dict.fromkeys(("cc", "c++", "clang", "g++", "gcc", "ld", "rustc", "pandoc", "sort", "shuf",
                     "base64", "iconv"), _list_outputs("-o", "--output")),
    "openssl": _list_outputs("-out"),
    "strace": _list_outputs("-o", "--output"),
    "time": _list_outputs("-o", "--output"),
    **dict.fromkeys(("bunzip2", "bzip2", "compress", "gunzip", "gzip", "uncompress", "unxz",
                     "unzstd", "xz", "zstd"), _list_packed),
    "split": _list_split,
    "mktemp": _list_made,
    "tar": _list_archived,
    "bsdtar": _list_archived,
    "unzip": _list_unzipped,
    "zip": _list_zipped,
    "uniq": _list_last(1),
    "xxd": _list_last(1),
    "yq": _list_by_flag("-i", "--inplace"),
    "history": _list_by_flag("-a", "-w"),
    "ssh-keygen": _list_outputs("-f"),
    "wget": _list_fetched,
}  # fmt: skip

# Options of further programs that name a file or folder to be written.
OUTPUTS: Final[dict[str, tuple[str, ...]]] = {
    "7z": ("-o",), "aria2c": ("-o", "-d", "--out", "--dir"), "esbuild": ("--outfile", "--outdir"),
    "go": ("-o",), "gpg": ("-o", "--output"), "http": ("-o", "--output"),
    "iconv": ("-o", "--output"),
    "cloc": ("--out", "--report-file"), "flake8": ("--output-file",),
    "info": ("-o", "--output"), "less": ("-o", "-O", "--log-file", "--LOG-FILE"),
    "scc": ("-o", "--output"), "sdiff": ("-o", "--output"), "tree": ("-o",),
    "cwebp": ("-o",), "dot": ("-o",), "inkscape": ("--export-filename",),
    "libreoffice": ("--outdir",), "mmdc": ("-o", "--output"), "rsvg-convert": ("-o", "--output"),
    "soffice": ("--outdir",),
    "javac": ("-d",), "mysqldump": ("-r", "--result-file"), "openssl": ("-keyout", "-out"),
    "pg_dump": ("-f", "--file"), "pip": ("-t", "--target", "-d", "--dest"),
    "pip3": ("-t", "--target", "-d", "--dest"), "redis-cli": ("--rdb",),
    "ssh-keygen": ("-f",), "tsc": ("--outDir", "--outFile"), "xmllint": ("--output",),
}  # fmt: skip


def list_outputs(name: str, words: Sequence[Word]) -> Sequence[Word]:
    """The values of such options, in a word of their own or behind them."""
    found: list[Word] = []
    for number, word in enumerate(words):
        for option in OUTPUTS.get(name, ()):
            if word.text == option:
                found += words[number + 1 : number + 2]
            elif word.text.startswith(f"{option}=") or (
                word.text.startswith(option) and not option.startswith("--")
            ):
                found.append(Word(word.text[len(option) :].lstrip("="), word.plain))
    return [word for word in found if word.text != "-"]


# Options whose value a program runs as a shell text.
TEXT_OPTIONS: Final = {
    "rg": ("--pre", "--hostname-bin"),
    "rsync": ("-e", "--rsh", "--rsync-path"),
    "sort": ("--compress-program",),
    "split": ("--filter",),
    "tar": (
        "-F", "-I", "--checkpoint-action", "--info-script", "--new-volume-script", "--rsh-command",
        "--to-command", "--use-compress-program",
    ),
}  # fmt: skip
