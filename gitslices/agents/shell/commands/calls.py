"""A command whose words are known is called: functions, aliases, and what stands for programs."""

import os
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from msgspec import Struct, structs

from gitslices.agents.shell.commands.notes import Notes
from gitslices.agents.shell.programs.outputs import FOUND, Asked, find_printed
from gitslices.agents.shell.reading.syntax import Node
from gitslices.agents.shell.reading.words import (
    Aftermath,
    Printed,
    State,
    Word,
    assign,
    join_outcomes,
    join_states,
)

_DEEPEST: Final = 16
_DOCUMENT: Final = "END-OF-VALUE"
_RUN_BY_OTHERS: Final = frozenset({
    "BROWSER", "EDITOR", "GIT_ASKPASS", "GIT_EDITOR", "GIT_EXTERNAL_DIFF", "GIT_PAGER",
    "GIT_SEQUENCE_EDITOR", "GIT_SSH_COMMAND", "LESSOPEN", "MANPAGER", "PAGER", "PROMPT_COMMAND",
    "SSH_ASKPASS", "VISUAL",
})  # fmt: skip
"""Variables whose value other programs run as a command."""
_EVALUATING: Final = frozenset({
    "[", "declare", "export", "let", "local", "mapfile", "printf", "read", "readarray", "readonly",
    "test", "typeset", "unset",
})  # fmt: skip
_MOVING: Final = (("branch",), ("checkout",), ("rebase",), ("switch",), ("symbolic-ref",))


class Started(Struct, frozen=True, kw_only=True):
    """A command about to run: its name, the words after that, the variables set for it alone.

    `path` is how its program is spelled.
    """

    name: str
    path: str = ""
    words: Sequence[Word]
    env: Mapping[str, Word]
    state: State

    def done(self, printed: Printed | None = None) -> Aftermath:
        """The outcome of a command that changes nothing of the shell's."""
        return Aftermath(self.state, self.state, printed)


Handler = Callable[["Invoker", Started], Aftermath]


class Invoker(Notes):
    """Calls commands in thought; `handlers` know what each of them does, by its name."""

    def __init__(self, handlers: Mapping[str, Handler], otherwise: Handler) -> None:
        super().__init__()
        self._handlers = handlers
        self._otherwise = otherwise
        self._depth = 0

    def read(self, text: str, state: State) -> Aftermath:
        """Go through a text in a state of the shell."""
        raise NotImplementedError

    def run(self, node: Node, state: State) -> Aftermath:
        """Go through one command."""
        raise NotImplementedError

    def read_apart(self, text: str, state: State) -> Aftermath:
        """Go through a text in a shell of its own, which nothing comes back from."""
        found = self.read(text, state)
        return Aftermath(state, state, found.printed)

    def deeper(self, act: Callable[[], Aftermath]) -> Aftermath:
        """Do something that belongs to a command, and not too deep in it."""
        if self._depth == _DEEPEST:
            raise ValueError("commands are nested too deeply")
        self._depth += 1
        outcome = act()
        self._depth -= 1
        return outcome

    def call(
        self,
        words: Sequence[Word],
        env: Mapping[str, Word],
        state: State,
        *,
        is_program: bool = False,
    ) -> Aftermath:
        """Go through a command whose words are expanded; functions are passed over by a program."""
        nothing = Aftermath(state, state)
        if not words:
            return nothing
        first, *rest = [*self.match(words[0], state), *words[1:]]
        # zsh finds the path of `=name`.
        name = os.path.basename(first.text).removeprefix("=")  # noqa: PTH119
        known = first.plain or ("/" in first.text and re.fullmatch(r"[\w.+-]+", name))
        if not known or not first.is_certain or FOUND in name:
            self.unseen.append(first.text)
            return nothing
        started = Started(name=name, path=first.text, words=rest, env=env, state=state)
        bodies = state.functions.get(first.text, (None,)) if not is_program else (None,)
        found: Aftermath | None = None
        for body in bodies:
            one = self._call_function(first.text, body, started) if body else self._start(started)
            found = one if found is None else join_outcomes(found, one)
        assert found  # noqa: S101
        return found

    def _start(self, started: Started) -> Aftermath:
        if alias := self.aliases.pop(started.name, None):
            further = " ".join(_quote(word) for word in started.words)
            self.read(f"{alias} {further}", started.state)
            self.aliases[started.name] = alias
        for name, value in started.env.items():
            self.note_variable(name, value, started.state)
        if started.name in _EVALUATING:
            for word in started.words:
                self._note_subscript(word, started.state)
        found = self._handlers.get(started.name, self._otherwise)(self, started)
        if found.printed is None:
            return Aftermath(found.ok, found.failed, self.find_printed(started))
        return found

    def note_variable(self, name: str, value: Word, state: State) -> None:
        """Look at the value of a variable that other programs get, if they run it."""
        if name in _RUN_BY_OTHERS and value.plain and value.text:
            self.read_apart(value.text, state)
        else:
            self._note_subscript(value, state)

    def _note_subscript(self, value: Word, state: State) -> None:
        """Arithmetic runs what stands in a subscript: `x='a[$(…)]'; ((x))`."""
        if value.plain and re.search(r"\[.*(\$\(|`)|^\$\(|^`", value.text, re.DOTALL):
            self.read_apart(f"cat <<{_DOCUMENT}\n{value.text}\n{_DOCUMENT}\n", state)

    def _call_function(self, name: str, body: Node, started: Started) -> Aftermath:
        self.called.add(name)
        state = started.state
        inner = structs.replace(state, args=tuple(started.words))
        for variable, value in started.env.items():
            inner = assign(inner, variable, ((value,),))
        found = self.deeper(lambda: self.run(body, inner))
        # A `return` in it ends the function only.
        after = join_states(found.ok, found.failed) or inner
        ok, failed = (structs.replace(one or after, args=state.args)
                      for one in (found.ok, found.failed))  # fmt: skip
        return Aftermath(ok, failed, found.printed)

    def find_printed(self, started: Started) -> Printed | None:
        """What a command prints, if that is known."""
        state = started.state
        single = {name: values[0][0].text for name, values in state.variables.items()
                  if len(values) == 1 and len(values[0]) == 1 and values[0][0].plain}  # fmt: skip
        return find_printed(
            Asked(
                name=started.name,
                words=started.words,
                cwd=state.cwds[0] if len(state.cwds) == 1 else None,
                stdin=state.stdin,
                variables=single,
                files=self.files,
                has_moved=any(one.words[:1] in _MOVING for one in self.calls),
            )
        )


def _quote(word: Word) -> str:
    return "'" + word.text.replace("'", "'\\''") + "'" if word.plain else "$unknown"
