"""What a Python text writes that stands in a command, by the calls that everybody knows.

Its grammar is Python's own. Values are followed as far as they are spelled out.
"""

import ast
import os
import re
import shlex
from collections.abc import Callable, Sequence
from itertools import product
from typing import Final

from gitslices.agents.shell.programs.embedded import Script
from gitslices.agents.shell.reading.words import Word

_MOST: Final = 64
_DEEPEST: Final = 8
_FIRST: Final = frozenset({
    "os.chmod", "os.chown", "os.makedirs", "os.mkdir", "os.mkfifo", "os.mknod", "os.remove",
    "os.removedirs", "os.rmdir", "os.truncate", "os.unlink", "os.utime", "shutil.rmtree",
})  # fmt: skip
_SECOND: Final = frozenset({
    "os.symlink", "shutil.copy", "shutil.copy2", "shutil.copyfile", "shutil.copytree",
})  # fmt: skip
_BOTH: Final = frozenset({"os.link", "os.rename", "os.renames", "os.replace", "shutil.move"})
_OWN: Final = frozenset({
    "chmod", "mkdir", "rmdir", "symlink_to", "touch", "unlink", "write_bytes", "write_text",
})  # fmt: skip
_OWN_AND_FIRST: Final = frozenset({"hardlink_to", "rename", "replace"})
_OPENERS: Final = frozenset({
    "builtins.open", "bz2.open", "codecs.open", "gzip.open", "io.open", "lzma.open", "open",
    "shelve.open", "tarfile.open", "zipfile.ZipFile",
})  # fmt: skip
_SHELL: Final = frozenset({
    "os.popen", "os.system", "subprocess.Popen", "subprocess.call", "subprocess.check_call",
    "subprocess.check_output", "subprocess.getoutput", "subprocess.getstatusoutput",
    "subprocess.run",
})  # fmt: skip
_PATHS: Final = frozenset({
    "os.path.abspath", "os.path.expanduser", "os.path.join", "os.path.normpath",
    "os.path.realpath", "pathlib.Path", "pathlib.PosixPath", "pathlib.PurePath", "str", "os.fspath",
})  # fmt: skip
_FOUND: Final = "…"

Values = tuple[str, ...]


def read_python(text: str, args: Values = ()) -> Script:
    """The files that it writes and the commands that it runs; nothing for what is no Python."""
    finder = _Finder(args)
    try:
        finder.visit(ast.parse(text))
    except (SyntaxError, ValueError, RecursionError):
        return finder.script
    return finder.script


class _Finder(ast.NodeVisitor):
    def __init__(self, args: Values) -> None:
        self._args = args
        self.script = Script()
        self._names: dict[str, Values] = {}
        self._modules: dict[str, str] = {}
        self._functions: dict[str, ast.FunctionDef] = {}
        self._folder = ""
        self._depth = 0

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            self._modules[alias.asname or alias.name] = alias.name

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        for alias in node.names:
            self._modules[alias.asname or alias.name] = f"{node.module}.{alias.name}"

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self._functions[node.name] = node
        self._visit_body(node)

    def _visit_body(self, node: ast.FunctionDef) -> None:
        before = dict(self._names)
        for argument in node.args.args:
            self._names.pop(argument.arg, None)
        for statement in node.body:
            self.visit(statement)
        self._names = before

    def visit_Assign(self, node: ast.Assign) -> None:
        self.generic_visit(node)
        for target in node.targets:
            self._assign(target, self._evaluate(node.value))

    def visit_comprehensions(self, node: ast.AST) -> None:
        """Look at what is gone through before what is done with it."""
        for one in getattr(node, "generators", ()):
            self._assign(one.target, self._evaluate(one.iter))
        self.generic_visit(node)

    visit_ListComp = visit_SetComp = visit_GeneratorExp = visit_DictComp = visit_comprehensions  # noqa: N815

    def visit_For(self, node: ast.For) -> None:
        self.visit(node.iter)
        if isinstance(node.iter, ast.List | ast.Tuple | ast.Set):
            values = [self._evaluate(one) for one in node.iter.elts]
            self._assign(node.target, tuple(one for value in values for one in value))
        else:
            self._assign(node.target, self._evaluate(node.iter))
        for statement in (*node.body, *node.orelse):
            self.visit(statement)

    def _assign(self, target: ast.expr, values: Values) -> None:
        if isinstance(target, ast.Tuple) and target.elts:
            # `for folder, folders, files in os.walk(…)`
            target = target.elts[0]
        if isinstance(target, ast.Name):
            self._names[target.id] = values[:_MOST]

    def visit_Call(self, node: ast.Call) -> None:
        self.generic_visit(node)
        name = self._name(node.func)
        first, second = self._evaluate_two(node)
        self._note_files(node, name, first, second)
        if name in _SHELL:
            self._run(node)
        elif name.startswith(("os.exec", "os.spawn", "os.posix_spawn")):
            texts = [one for value in node.args for one in self._evaluate(value)]
            # The program stands twice: as a path, and as its own first argument.
            self.script.texts.append(Word(shlex.join(texts[1:])))
        elif name in {"exec", "eval"} and first:
            self.script_of(first)
        elif name in self._functions and self._depth < _DEEPEST:
            self._call(self._functions[name], node)
        elif isinstance(node.func, ast.Attribute):
            self._call_method(node, node.func, first)

    def _evaluate_two(self, node: ast.Call) -> tuple[Values, Values]:
        named = [one.value for one in node.keywords if one.arg in {"file", "path", "filename"}]
        given = [*node.args, *named][:2]
        first, second = (*(self._evaluate(one) for one in given), (), ())[:2]
        return first, second

    def _note_files(self, node: ast.Call, name: str, first: Values, second: Values) -> None:
        edits = name.startswith("fileinput.") and any(one.arg == "inplace" for one in node.keywords)
        opens = name in _OPENERS and _writes(node, 1)
        if name in _FIRST | _BOTH or edits or opens:
            self._write(first)
        if name in _SECOND | _BOTH:
            self._write(second)
        if name == "os.open" and _opens_to_write(node):
            self._write(first)
        if name == "os.chdir":
            self._folder = first[0] if first else _FOUND

    def script_of(self, texts: Values) -> None:
        """Look at a text that is itself run."""
        for text in texts:
            inner = read_python(text, self._args)
            self.script.files += inner.files
            self.script.texts += inner.texts

    def _call(self, function: ast.FunctionDef, node: ast.Call) -> None:
        before = dict(self._names)
        given = {one.arg: value for one, value in zip(function.args.args, node.args, strict=False)}
        given |= {one.arg: one.value for one in node.keywords if one.arg}
        values = {name: self._evaluate(value) for name, value in given.items()}
        self._depth += 1
        self._names |= values
        for statement in function.body:
            self.visit(statement)
        self._depth -= 1
        self._names = before

    def _call_method(self, node: ast.Call, method: ast.Attribute, first: Values) -> None:
        paths = self._evaluate(method.value)
        if method.attr in _OWN or (method.attr == "open" and _writes(node, 0)):
            self._write(paths)
        elif method.attr in _OWN_AND_FIRST and len(node.args) == 1:
            self._write(paths + first)

    def _write(self, paths: Values) -> None:
        self.script.files += [Word(os.path.join(self._folder, path)) for path in paths if path]  # noqa: PTH118

    def _run(self, node: ast.Call) -> None:
        if not node.args:
            return
        asked = node.args[0]
        if isinstance(asked, ast.List | ast.Tuple):
            words = [self._evaluate(one) for one in asked.elts]
            known = [word[0] if word else "$X" for word in words]
            self.script.texts.append(Word(shlex.join(known).replace("'$X'", "$X")))
            return
        self.script.texts += [Word(text) for text in self._evaluate(asked)]

    def _name(self, node: ast.expr) -> str:
        """A dotted name in full, whatever it was imported as."""
        if isinstance(node, ast.Name):
            return self._modules.get(node.id, node.id)
        if isinstance(node, ast.Attribute):
            return f"{self._name(node.value)}.{node.attr}"
        if isinstance(node, ast.Call) and self._name(node.func) in {
            "__import__", "importlib.import_module",
        }:  # fmt: skip
            return "".join(self._evaluate(node.args[0])) if node.args else ""
        return ""

    def _evaluate(self, node: ast.expr | None) -> Values:
        """The texts that an expression may stand for, none where nobody knows."""
        if isinstance(node, ast.Constant):
            return (node.value,) if isinstance(node.value, str) else ()
        if isinstance(node, ast.Name):
            return self._names.get(node.id, ())
        if isinstance(node, ast.Subscript) and self._name(node.value) == "sys.argv":
            return self._args
        if isinstance(node, ast.BinOp):
            return self._evaluate_pair(node)
        if isinstance(node, ast.JoinedStr):
            parts = [
                one.value if isinstance(one, ast.FormattedValue) else one for one in node.values
            ]
            return self._combine(parts, "".join)
        if isinstance(node, ast.Attribute):
            return self._evaluate_attribute(node)
        if isinstance(node, ast.Call):
            return self._evaluate_call(node)
        if isinstance(node, ast.List | ast.Tuple):
            return tuple(one for value in map(self._evaluate, node.elts) for one in value)[:_MOST]
        return ()

    def _evaluate_pair(self, node: ast.BinOp) -> Values:
        joins: dict[type, Callable[[Sequence[str]], str]] = {
            ast.Add: "".join,
            ast.Div: lambda parts: os.path.join(*parts),  # noqa: PTH118
            ast.Mod: lambda parts: re.sub("%[sd]", lambda _: parts[1], parts[0]),
        }
        join = joins.get(type(node.op))
        return self._combine([node.left, node.right], join) if join else ()

    def _combine(self, nodes: Sequence[ast.expr], join: Callable[[Sequence[str]], str]) -> Values:
        values = [self._evaluate(one) for one in nodes]
        return tuple(join(parts) for parts in product(*values))[:_MOST]

    def _evaluate_attribute(self, node: ast.Attribute) -> Values:
        if node.attr == "parent":
            return tuple(os.path.dirname(one) or "." for one in self._evaluate(node.value))  # noqa: PTH120
        if node.attr == "name":
            return tuple(os.path.basename(one) for one in self._evaluate(node.value))  # noqa: PTH119
        return ()

    def _evaluate_call(self, node: ast.Call) -> Values:
        name = self._name(node.func)
        if name in _PATHS and node.args:
            return self._combine(node.args, lambda parts: os.path.join(*parts))  # noqa: PTH118
        if name in {"os.getcwd", "pathlib.Path.cwd", "pathlib.Path"}:
            return (".",)
        if name in {"glob.glob", "glob.iglob"} and node.args:
            return tuple(_list_below(one) for one in self._evaluate(node.args[0]))
        if name in {"os.walk", "os.scandir", "os.listdir"} and node.args:
            return tuple(f"{one}/{_FOUND}" for one in self._evaluate(node.args[0]))
        if not isinstance(node.func, ast.Attribute):
            return ()
        paths, method = self._evaluate(node.func.value), node.func.attr
        if method in {"glob", "rglob", "iterdir"}:
            return tuple(f"{one}/{_FOUND}" for one in paths)
        if method in {"absolute", "expanduser", "resolve", "strip", "as_posix"}:
            return paths
        if method == "format" and node.args:
            parts = [node.func.value, *node.args]
            return self._combine(parts, lambda p: re.sub(r"\{\w*\}", lambda _: p[1], p[0]))
        if method == "joinpath":
            return self._combine([node.func.value, *node.args], lambda p: os.path.join(*p))  # noqa: PTH118
        return ()


def _list_below(pattern: str) -> str:
    folder = pattern.partition("*")[0].rpartition("/")[0]
    return f"{folder}/{_FOUND}" if folder else _FOUND


def _opens_to_write(node: ast.Call) -> bool:
    flags = "".join(map(ast.dump, node.args[1:]))
    return any(flag in flags for flag in ("O_WRONLY", "O_RDWR", "O_CREAT", "O_TRUNC"))


def _writes(node: ast.Call, place: int) -> bool:
    named = [one.value for one in node.keywords if one.arg == "mode"]
    modes = [*node.args[place : place + 1], *named]
    return any(
        isinstance(mode, ast.Constant)
        and isinstance(mode.value, str)
        and set(mode.value) & set("wax+")
        for mode in modes
    )
