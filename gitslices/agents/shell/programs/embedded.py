"""What scripts write that stand in a command: of sed and awk, perl, ruby and node.

Found are files and shell commands that the script spells out; what it works out itself is not.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from msgspec import Struct, field

from gitslices.agents.shell.programs.options import Parsed
from gitslices.agents.shell.reading.words import Word


class Script(Struct):
    """What a script does: the files that it writes, the shell texts that it runs."""

    files: list[Word] = field(default_factory=list)
    texts: list[Word] = field(default_factory=list)


_ADDRESS: Final = re.compile(
    r"\s*(?:\d+|\$|/(?:\\.|[^/\\\n])*/[IM]*|\\(.)(?:\\.|(?!\1)[^\\\n])*\1[IM]*)?"
    r"(?:\s*[,~+]\s*(?:[+~]?\d+|\$|/(?:\\.|[^/\\\n])*/[IM]*))?\s*!*\s*"
)
_SUBSTITUTION: Final = re.compile(
    r"[sy](?P<d>[^\n\\])(?:\\.|(?!(?P=d)).)*(?P=d)(?:\\.|(?!(?P=d)).)*(?P=d)"
    r"(?P<flags>[gpiIeEmM\d]*)(?:w[ \t]*(?P<file>[^\n]+))?",
    re.DOTALL,
)
_TO_FILE: Final = re.compile(r"[wW][ \t]*([^\n]*)")
_TO_SHELL: Final = re.compile(r"e[ \t]*([^\n]*)")
_OF_A_LINE: Final = re.compile(r"[rRaicbtT:v][^\n]*(?:\\\n[^\n]*)*")
_LABEL: Final = re.compile(r"[btT:][^\n;}]*")
_STEP: Final = re.compile(r"[\s;{}]+|[=dDgGhHlLnNpPqQxzF#](?:[ \t]*\d+|(?<=#)[^\n]*)?")
_ANY_FILE: Final = re.compile(r"(?:^|[^\w\\])[wW][ \t]+([^\s;}]+)")


def read_sed(parsed: Parsed) -> Script:
    """The operands that `sed -i` edits, and what the script writes by `w` and runs by `e`."""
    script = Script()
    texts = [value for name, value in parsed.options if name in {"-e", "--expression"}]
    scripted = bool(texts) or parsed.has("-f", "--file")
    # On macOS `sed -i ''` spells that there is no backup.
    operands = [word for word in parsed.operands if word.text]
    if not scripted:
        texts, operands = operands[:1], operands[1:]
    if parsed.has("-i", "--in-place"):
        script.files += operands
    for text in texts:
        if text.plain:
            _read_sed_text(text.text, script)
    return script


def _read_sed_text(text: str, script: Script) -> None:
    at = 0
    while at < len(text):
        address = _ADDRESS.match(text, at)
        at = address.end() if address else at
        for rule in (_SUBSTITUTION, _TO_FILE, _TO_SHELL, _LABEL, _OF_A_LINE, _STEP):
            if found := rule.match(text, at):
                break
        else:
            # Lost: whatever looks like a file to be written counts as one.
            script.files += [Word(name) for name in _ANY_FILE.findall(text)]
            return
        if rule is _TO_FILE:
            script.files.append(Word(found[1].strip()))
        elif rule is _TO_SHELL:
            script.texts.append(Word(found[1]) if found[1].strip() else Word("e", plain=False))
        elif rule is _SUBSTITUTION:
            script.files += [Word(found["file"].strip())] if found["file"] else []
            script.texts += [Word(found[0], plain=False)] if "e" in found["flags"] else []
        at = max(found.end(), at + 1)


_STRING: Final = r'"(?:\\.|[^"\\\n])*"'
_PRINT: Final = re.compile(rf"\bprintf?\b((?:{_STRING}|[^;}}\n\"])*)")
_AWK_SHELL: Final = re.compile(rf"\bsystem\s*\(([^)]*)\)|({_STRING})\s*\|&?\s*getline")


def read_awk(parsed: Parsed) -> Script:
    """What an awk program prints to files and pipes."""
    script = Script()
    named = parsed.has("-f", "--file")
    texts = [value for name, value in parsed.options if name in {"-e", "--source"}]
    values = dict(
        value.text.split("=", 1)
        for name, value in parsed.options
        if name in {"-v", "--assign"} and "=" in value.text and value.plain
    )
    operands = list(parsed.operands)
    if not named and not texts:
        texts, operands = operands[:1], operands[1:]
    if any(
        value.text == "inplace" for name, value in parsed.options if name in {"-i", "--include"}
    ):
        script.files += operands
    for text in texts:
        if text.plain:
            _read_awk_text(text.text, values, script)
    return script


def _read_awk_text(text: str, values: Mapping[str, str], script: Script) -> None:
    for found in _PRINT.finditer(text):
        sign, target = _find_redirection(found[1])
        if sign:
            place = script.texts if sign.startswith("|") else script.files
            place.append(_evaluate_awk(target.strip(), values))
    for found in _AWK_SHELL.finditer(text):
        script.texts.append(_evaluate_awk((found[1] or found[2]).strip(), values))


def _find_redirection(text: str) -> tuple[str, str]:
    depth, at = 0, 0
    while at < len(text):
        if found := re.compile(_STRING).match(text, at):
            at = found.end()
            continue
        depth += {"(": 1, ")": -1, "[": 1, "]": -1}.get(text[at], 0)
        if depth == 0 and (sign := re.compile(r">>?(?!=)|\|(?!\|)&?").match(text, at)):
            return sign[0], text[sign.end() :]
        at += 1
    return "", ""


def _evaluate_awk(text: str, values: Mapping[str, str]) -> Word:
    while text.startswith("(") and text.endswith(")"):
        text = text[1:-1].strip()
    if re.fullmatch(_STRING, text):
        return Word(re.sub(r"\\(.)", r"\1", text[1:-1]))
    return Word(values[text]) if text in values else Word(text, plain=False)


_QUOTED: Final = re.compile(r"""(["'`])((?:\\.|(?!\1).)*)\1""", re.DOTALL)
_CALL: Final = re.compile(
    r"\b(writeFileSync|writeFile|appendFileSync|appendFile|createWriteStream|unlinkSync|unlink"
    r"|rmSync|rmdirSync|rmdir|mkdirSync|mkdir|truncateSync|truncate|renameSync|rename"
    r"|copyFileSync|copyFile|cpSync|symlinkSync|symlink|linkSync|link|chmodSync|chmod|rm_rf|rm_r"
    r"|rm_f|rm|touch|mkdir_p|mv|cp|cp_r|ln_s|ln|delete|(?:File|IO)\.(?:bin)?write"
    r"|file_put_contents|move|copy|Bun\.write|Deno\.\w+|os\.remove|file\.remove)\b\s*\(?([^;\n]*)"
)
_BOTH: Final = re.compile(r"rename|link|mv|move")
_SECOND: Final = re.compile(r"copy|cp|symlink|ln_s")
_OPEN: Final = re.compile(
    r"""open\s*\(?[^;"'\n]*["']\s*\+?(>{1,2}|<)\s*([^"']*)["'](?:\s*,\s*["']([^"']+)["'])?"""
    r"""|open\w*\s*\(\s*["']([^"']+)["']\s*,\s*["'][^"']*[wa+]"""
)
_RUN: Final = re.compile(
    r"""\b(?:system|exec|execute|execSync|spawn|spawnSync|execFileSync|popen|shell_exec|passthru|qx)\b"""
    r"""\s*[({]?\s*(["'`])((?:\\.|(?!\1).)*)\1((?:\s*,\s*\[?\s*["'][^"']*["'])*)"""
    r"""|(?<![\w$])`([^`$]+)`"""
)


def read_script(text: str) -> Script:
    """What a text of perl, ruby, php or node writes by the calls that everybody knows."""
    script = Script()
    for found in _CALL.finditer(text):
        literals = [one[1] for one in _QUOTED.findall(found[2])]
        if _SECOND.search(found[1]):
            literals = literals[1:2]
        elif not _BOTH.search(found[1]):
            literals = literals[:1]
        script.files += [Word(one) for one in literals if one]
    for found in _OPEN.finditer(text):
        mode, joined, apart, other = found.groups()
        name = other or apart or joined
        if name and (mode != "<" or "+<" in found[0]):
            script.files.append(Word(name.strip()))
    for found in _RUN.finditer(text):
        further = " ".join(one[1] for one in _QUOTED.findall(found[3] or ""))
        script.texts.append(Word(f"{found[2] or found[4]} {further}".strip()))
    return script


_EDITOR_FILE: Final = re.compile(
    r"(?:^|[|%\s\d,$])(?:sav\w*|up\w*|w\w*|x\w*)!?\s+(?:>>\s*)?([^\s|!]+)"
)
_EDITOR_SHELL: Final = re.compile(r"!\s*([^|\n]*)|\bsystem\(\s*['\"]([^'\"]*)")


def read_editor(parsed: Parsed) -> Script:
    """The operands of an editor, and what its commands write and run."""
    script = Script(files=[word for word in parsed.operands if word.text[:1] not in "-+"])
    given = [value for name, value in parsed.options if name in {"-c", "--cmd"}]
    # `-s` has a value, unless it stands behind `-e`.
    words = [*parsed.operands, *(value for name, value in parsed.options if name == "-s")]
    given += [Word(word.text[1:], word.plain) for word in words if word.text[:1] == "+"]
    for text in given:
        script.files += [Word(one) for one in _EDITOR_FILE.findall(text.text)]
        found = _EDITOR_SHELL.search(text.text) if not _EDITOR_FILE.search(text.text) else None
        script.texts += [Word(found[1] or found[2] or ":")] if found else []
    return script


def read_debugger(parsed: Parsed) -> Script:
    """What gdb is told to run in a shell."""
    given = [value.text for name, value in parsed.options if name in {"-ex", "-eval-command"}]
    found = [re.match(r"(?:shell|!|python)\s*(.*)", text) for text in given]
    return Script(texts=[Word(one[1]) for one in found if one])


_CHANGING: Final = re.compile(
    r"\b(insert|update|delete|create|drop|alter|replace|vacuum|reindex)\b", re.IGNORECASE
)
_WRITTEN: Final = re.compile(r"\b(?:writefile\s*\(|vacuum\s+into)\s*'([^']+)'", re.IGNORECASE)
_DOT: Final = re.compile(r"^\.(\w+)\s+(.*)$", re.MULTILINE)


def read_database(parsed: Parsed) -> Script:
    """The file of `sqlite3` where it is changed, and what its own commands write and run."""
    script = Script()
    texts = [*parsed.operands[1:], *(value for name, value in parsed.options if name == "-cmd")]
    if any(_CHANGING.search(text.text) for text in texts):
        script.files += parsed.operands[:1]
    for text in texts:
        script.files += [Word(one) for one in _WRITTEN.findall(text.text)]
        for name, rest in _DOT.findall(text.text):
            if name in {"shell", "system"}:
                script.texts.append(Word(rest))
            elif name in {"backup", "clone", "excel", "log", "once", "output", "save", "trace"}:
                script.files += [Word(rest.split()[-1].strip("'\""))]
    return script


_SPAWN: Final = re.compile(r"(?:\b(?:spawn|exec|system)\s+|do shell script \\?\")([^;\n\"]+)")


def read_spawning(parsed: Parsed) -> Script:
    """What `expect` and `osascript` start."""
    given = [word.text for word in parsed.operands] + [value.text for _, value in parsed.options]
    return Script(texts=[Word(one) for text in given for one in _SPAWN.findall(text)])


SCRIPTS: Final[dict[str, Callable[[Parsed], Script]]] = {
    "sed": read_sed,
    "gsed": read_sed,
    **dict.fromkeys(("awk", "gawk", "mawk", "nawk"), read_awk),
    **dict.fromkeys(("ex", "nvim", "vi", "vim"), read_editor),
    "gdb": read_debugger,
    "sqlite3": read_database,
    **dict.fromkeys(("expect", "osascript"), read_spawning),
}


def list_edited(parsed: Parsed) -> Iterator[Word]:
    """The operands of `perl -i` and `ruby -i`; without `-i` none is written."""
    if parsed.has("-i"):
        # Where no option has brought the script it is the first operand, be it after `-pe`.
        scripted = parsed.find("-e", "-E")
        yield from parsed.operands[0 if scripted else 1 :]
