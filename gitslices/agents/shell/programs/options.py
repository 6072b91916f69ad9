"""The words of a simple command, told apart into options, their values and operands."""

from collections.abc import Iterator, Sequence
from typing import Final

from msgspec import Struct

from gitslices.agents.shell.reading.words import Word

_SHELL: Final = {"-O", "-o", "--init-file", "--rcfile"}
_AWK: Final = {
    "-F", "-e", "-f", "-i", "-o", "-p", "-v", "--assign", "--field-separator", "--file",
    "--include", "--source",
}  # fmt: skip
_EDITOR: Final = {"-S", "-c", "-s", "-u", "--cmd"}
_NODE: Final = {"-e", "-p", "-r", "--eval", "--print", "--require"}
_OUTPUT: Final = {"-o", "--output"}
_COPY: Final = {"-S", "-t", "--suffix", "--target-directory"}
_PACKER: Final = {"-S", "-T", "-b", "--suffix", "--threads"}
_WITH_VALUE: Final[dict[str, set[str]]] = {
    **dict.fromkeys(("bash", "dash", "ksh", "sh", "zsh"), _SHELL),
    **dict.fromkeys(("awk", "gawk", "mawk", "nawk"), _AWK),
    **dict.fromkeys(("cp", "ln", "mv"), _COPY),
    **dict.fromkeys(("cc", "c++", "clang", "g++", "gcc", "go", "ld", "rustc"), _OUTPUT),
    **dict.fromkeys(("bzip2", "gzip", "gunzip", "xz", "unxz", "zstd"), _PACKER),
    **dict.fromkeys(("node", "bun"), _NODE),
    "python": {"-c", "-m", "-W", "-X"},
    "python-cProfile": {"-o", "-s"},
    "python-tarfile": {"-c", "-e", "-l", "-t", "--create", "--extract", "--list", "--test"},
    "python-timeit": {"-n", "-r", "-s", "-u", "--number", "--repeat", "--setup", "--unit"},
    "python-zipapp": {"-o", "-p", "-m", "--output", "--python", "--main"},
    "python-zipfile": {"-c", "-e", "-l", "-t", "--create", "--extract", "--list", "--test"},
    "php": {"-B", "-E", "-R", "-c", "-d", "-f", "-r", "-z"},
    "lua": {"-e", "-l"},
    "gdb": {"-ex", "-eval-command", "-x", "-p"},
    "sqlite3": {"-cmd", "-separator", "-init"},
    **dict.fromkeys(("nvim", "vi", "view", "vim"), _EDITOR),
    "ex": {"-S", "-c", "-u", "--cmd"},
    "chmod": {"--reference"},
    "chown": {"--from", "--reference"},
    "chrt": set(),
    "cpio": {"-C", "-E", "-F", "-H", "-I", "-M", "-O", "-R"},
    "csplit": {"-b", "-f", "-n", "--digits", "--prefix", "--suffix-format"},
    "curl": {
        *(f"-{letter}" for letter in "ACDEFHKPQTUXYbcdehmortuwxyz"),
        "--cookie-jar", "--data", "--data-raw", "--dump-header", "--etag-save", "--header",
        "--hsts", "--libcurl", "--max-time", "--output", "--output-dir", "--request", "--stderr",
        "--trace", "--trace-ascii", "--url", "--user",
    },
    "env": {"-C", "-S", "-u", "--chdir", "--split-string", "--unset"},
    "exec": {"-a"},
    "find": set(),
    "flock": {"-E", "-c", "-w", "--command", "--conflict-exit-code", "--timeout"},
    "git": {
        "-C", "-c", "--attr-source", "--config-env", "--git-dir", "--namespace", "--super-prefix",
        "--work-tree",
    },
    "git-apply": {"-C", "-p", "--directory", "--exclude", "--include", "--whitespace"},
    "git-clone": {
        "-B", "-b", "-c", "-j", "-o", "-u", "--branch", "--config", "--depth", "--filter",
        "--initial-branch", "--jobs", "--object-format", "--origin", "--reason", "--reference",
        "--separate-git-dir", "--template", "--upload-pack",
    },
    "git-config": {"-f", "--blob", "--default", "--file", "--type"},
    "git-restore": {"-s", "--source"},
    "grep": {
        "-A", "-B", "-C", "-D", "-d", "-e", "-f", "-m", "--exclude", "--exclude-dir", "--include",
        "--max-count", "--regexp", "--file", "--label",
    },
    "install": {"-S", "-g", "-m", "-o", "-t", "--group", "--mode", "--owner", "--target-directory"},
    "ionice": {"-c", "-n", "-p", "--class", "--classdata"},
    "make": {"-C", "-I", "-W", "-f", "-o", "--eval", "--file", "--makefile"},
    "mkdir": {"-m", "--mode"},
    "mktemp": {"-p", "--suffix", "--tmpdir"},
    "nice": {"-n", "--adjustment"},
    "openssl": {"-in", "-out"},
    "pandoc": {"-f", "-o", "-t", "--from", "--output", "--to"},
    "parallel": {"-I", "-N", "-P", "-a", "-d", "-j", "-n", "--arg-file", "--jobs", "--joblog",
                 "--results", "--tmpdir"},
    "patch": {
        "-B", "-D", "-F", "-V", "-Y", "-d", "-g", "-i", "-o", "-p", "-r", "-x", "-z", "--directory",
        "--input", "--output", "--reject-file", "--strip",
    },
    "perl": {"-E", "-e"},
    "rg": {
        "-A", "-B", "-C", "-e", "-f", "-g", "-j", "-m", "-t", "-T", "--file", "--glob", "--iglob",
        "--max-count", "--pre", "--regexp", "--type", "--type-not",
    },
    "rsync": {
        "-B", "-M", "-T", "-e", "-f", "--backup-dir", "--exclude", "--exclude-from", "--filter",
        "--include", "--log-file", "--partial-dir", "--rsh", "--temp-dir", "--write-batch",
    },
    "Rscript": {"-e"},
    "ruby": {"-e", "-I", "-r"},
    "cpulimit": {"-l", "-p", "-e"},
    "numactl": {"-C", "-N", "-i", "-m", "-p"},
    "runuser": {"-c", "-g", "-s", "-u", "--command", "--group", "--shell", "--user"},
    "script": {"-B", "-E", "-I", "-O", "-T", "-c", "-m", "-o", "--command", "--log-in", "--log-io",
               "--log-out", "--log-timing"},
    "sed": {"-e", "-f", "-l", "--expression", "--file", "--line-length"},
    "shred": {"-n", "-s", "--iterations", "--size"},
    "sort": {"-S", "-T", "-k", "-o", "-t", "--key", "--output", "--temporary-directory"},
    "split": {"-C", "-a", "-b", "-l", "-n", "--additional-suffix", "--bytes", "--filter", "--lines",
              "--number", "--suffix-length"},
    "stdbuf": {"-e", "-i", "-o", "--error", "--input", "--output"},
    "ssh": {f"-{letter}" for letter in "BDEFIJLOQRSWbceilmopw"},
    "strace": {"-E", "-P", "-S", "-a", "-b", "-e", "-o", "-p", "-s", "-u", "--output"},
    "su": {"-c", "-g", "-s", "--command", "--group", "--shell"},
    "sudo": {"-C", "-D", "-R", "-T", "-g", "-h", "-p", "-r", "-t", "-u", "--chdir", "--group",
             "--user"},
    "tar": {
        "-C", "-F", "-I", "-K", "-L", "-N", "-T", "-V", "-X", "-b", "-f", "-g",
        "--checkpoint-action", "--directory", "--exclude", "--exclude-from", "--file",
        "--files-from", "--info-script", "--listed-incremental", "--new-volume-script",
        "--rsh-command",
        "--strip-components", "--to-command", "--transform", "--use-compress-program",
        "--index-file", "--xform", "--mode", "--owner", "--group", "--mtime", "--format",
    },
    "taskset": set(),
    "time": {"-f", "-o", "--format", "--output"},
    "timeout": {"-k", "-s", "--kill-after", "--signal"},
    "touch": {"-A", "-d", "-r", "-t", "--date", "--reference"},
    "truncate": {"-r", "-s", "--reference", "--size"},
    "bsdtar": {"-C", "-f", "-T", "-X", "-b", "-s", "--file", "--directory"},
    "unzip": {"-P", "-d", "-x"},
    "watch": {"-n", "--interval"},
    "wget": {
        *(f"-{letter}" for letter in "ABDIOPQRTUXaeilotw"),
        "--append-output", "--directory-prefix", "--output-document", "--output-file",
        "--save-cookies", "--warc-file",
    },
    "xargs": {
        "-E", "-I", "-L", "-P", "-a", "-d", "-n", "-s", "--arg-file", "--delimiter", "--max-args",
        "--max-chars", "--max-procs", "--process-slot-var",
    },
    "xxd": {"-c", "-g", "-l", "-o", "-s"},
    "yq": {"-o", "-p"},
    "zip": {"-O", "-b", "-i", "-n", "-t", "-x"},
}  # fmt: skip
"""Options that have a value: the rest of their word, or else the word that follows."""
_WITH_REST: Final[dict[str, set[str]]] = {
    "perl": {"-D", "-F", "-I", "-M", "-V", "-i", "-m", "-x"},
    "ruby": {"-F", "-i", "-x"},
    "sed": {"-i"},
    "xargs": {"-e", "-i", "-l"},
}
"""Options that have a value only where it is the rest of their word."""
_WITHOUT_VALUE: Final[dict[str, set[str]]] = {
    "cp": {"--attributes-only", "--link", "--no-target-directory", "--symbolic-link"},
    "install": {"--directory", "--no-target-directory"},
    "ln": {"--no-dereference", "--no-target-directory", "--symbolic"},
    "mv": {"--no-target-directory", "--no-clobber"},
    "rsync": {"--remove-source-files", "--delete"},
    "sed": {"--in-place", "--quiet", "--silent"},
    "tar": {"--append", "--create", "--delete", "--extract", "--get", "--list", "--to-stdout",
            "--update", "--remove-files", "--concatenate", "--catenate"},
}  # fmt: skip
"""Long options without one, as far as their start may be all that is written."""
_SINGLE_DASH: Final = frozenset({"find", "gdb", "openssl", "sqlite3"})


class Parsed(Struct, frozen=True):
    """A simple command: its options with their values, and its operands."""

    options: Sequence[tuple[str, Word]]
    operands: Sequence[Word]

    def find(self, *names: str) -> Word | None:
        """The value of an option by any of its names."""
        return next((value for name, value in self.options if name in names and value.text), None)

    def has(self, *names: str) -> bool:
        """Whether an option is given by any of its names."""
        return any(name in names for name, _ in self.options)


def parse_command(name: str, words: Sequence[Word], *, stop: bool = False) -> Parsed:
    """Options and operands; with `stop` all from the first operand on are operands."""
    options: list[tuple[str, Word]] = []
    operands: list[Word] = []
    rest = _undo_old_style(words) if name in {"tar", "bsdtar"} else list(words)
    while rest:
        word = rest.pop(0)
        if word.text == "--":
            operands += rest
            break
        if not word.text.startswith("-") or word.text == "-":
            operands.append(word)
            if stop:
                operands += rest
                break
        elif word.text.startswith("--") or name not in _WITH_VALUE or name in _SINGLE_DASH:
            option, equals, value = word.text.partition("=")
            option = _complete(name, option)
            follows = rest and not equals and option in _WITH_VALUE.get(name, ())
            options.append((option, rest.pop(0) if follows else Word(value, word.plain)))
        else:
            options += _split_letters(name, word, rest)
    return Parsed(options, operands)


def _undo_old_style(words: Sequence[Word]) -> list[Word]:
    """`tar cf a b` as `tar -c -f a b`: the values follow in the order of their letters."""
    if not words or words[0].text.startswith("-"):
        return list(words)
    letters, *rest = words
    spread: list[Word] = []
    for letter in letters.text:
        spread.append(Word(f"-{letter}"))
        if f"-{letter}" in _WITH_VALUE["tar"] and rest:
            spread.append(rest.pop(0))
    return spread + rest


def _complete(name: str, option: str) -> str:
    """A long option in full: its start is enough for most programs."""
    known = _WITH_VALUE.get(name, set()) | _WITHOUT_VALUE.get(name, set())
    if option in known or len(option) < 4:
        return option
    return min((one for one in known if one.startswith(option)), default=option)


def _split_letters(name: str, word: Word, rest: list[Word]) -> Iterator[tuple[str, Word]]:
    """The options in a word like `-rt`; one that has a value ends it, and may take it of `rest`."""
    for at, letter in enumerate(word.text[1:], 2):
        option, value = f"-{letter}", Word(word.text[at:], word.plain, word.pattern)
        if option in _WITH_VALUE[name]:
            yield option, value if value.text or not rest else rest.pop(0)
            return
        if option in _WITH_REST.get(name, ()):
            yield option, value
            return
        yield option, Word("")
