"""Goes through the commands of a shell text in their order, in all ways that they may run.

What it finds on the way it notes; which command does what, others tell it.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from msgspec import structs

from gitslices.agents.shell.commands.calls import Handler, Invoker
from gitslices.agents.shell.reading.expansion import Expander
from gitslices.agents.shell.reading.globs import MOST_MATCHES
from gitslices.agents.shell.reading.parser import parse
from gitslices.agents.shell.reading.syntax import (
    AndOr,
    Apart,
    Block,
    Case,
    Choice,
    Compared,
    Defined,
    Each,
    Inserted,
    Loop,
    Node,
    Pipeline,
    Redirected,
    Redirection,
    Simple,
    list_names,
)
from gitslices.agents.shell.reading.words import (
    UNKNOWN_INPUT,
    Aftermath,
    Input,
    Printed,
    State,
    Word,
    add_printed,
    add_to_value,
    assign,
    join_states,
    list_worlds,
    widen_state,
)

_MOST_STEPS: Final = 20_000
_ROUNDS: Final = 4


class Walker(Invoker):
    """Runs commands in thought; `handlers` know what each of them does, by its name."""

    def __init__(self, handlers: Mapping[str, Handler], otherwise: Handler) -> None:
        super().__init__(handlers, otherwise)
        self._steps = 0

    def read(self, text: str, state: State) -> Aftermath:
        """Go through a text in a state of the shell."""
        return self.deeper(lambda: self.run(parse(text), state))

    def run(self, node: Node, state: State) -> Aftermath:
        """Go through one command."""
        if isinstance(node, Simple):
            return self._run_simple(node, state)
        rule = _RULES[type(node)]
        return rule(self, node, state)

    def _run_block(self, node: Block, state: State) -> Aftermath:
        outcome = Aftermath(state, state, Printed(""))
        for one in node.nodes:
            # Behind an `exit` all is looked at as if it were not there.
            state = join_states(outcome.ok, outcome.failed) or state
            before = outcome.printed
            outcome = self.run(one, state)
            outcome = Aftermath(outcome.ok, outcome.failed, add_printed(before, outcome.printed))
        return outcome

    def _run_and_or(self, node: AndOr, state: State) -> Aftermath:
        found = self.run(node.first, state)
        for operator, following in node.rest:
            start = found.ok if operator == "&&" else found.failed
            then = self.run(following, start or state)
            printed = add_printed(found.printed, then.printed) if operator == "&&" else None
            if start is None:
                continue
            if operator == "&&":
                found = Aftermath(then.ok, join_states(found.failed, then.failed), printed)
            else:
                found = Aftermath(join_states(found.ok, then.ok), then.failed, printed)
        return found

    def _run_pipeline(self, node: Pipeline, state: State) -> Aftermath:
        stdin, last, printed = state.stdin, state, None
        for one in node.nodes:
            outcome = self.run(one, structs.replace(state, stdin=stdin))
            last = join_states(outcome.ok, outcome.failed) or state
            printed = outcome.printed
            stdin = Input(printed.text, is_exact=printed.is_exact) if printed else UNKNOWN_INPUT
        # zsh runs the last one in the shell itself, bash does not.
        after = join_states(state, structs.replace(last, stdin=state.stdin)) or state
        return Aftermath(after, after, printed)

    def _run_apart(self, node: Apart, state: State) -> Aftermath:
        return Aftermath(state, state, self.run(node.node, state).printed)

    def _run_choice(self, node: Choice, state: State) -> Aftermath:
        after: State | None = None
        for condition, body in node.branches:
            tested = self.run(condition, state)
            chosen = self.run(body, tested.ok or state)
            after = join_states(after, join_states(chosen.ok, chosen.failed))
            state = tested.failed or state
        last = self.run(node.otherwise, state)
        after = join_states(after, join_states(last.ok, last.failed)) or state
        return Aftermath(after, after)

    def _run_loop(self, node: Loop, state: State) -> Aftermath:
        def once(start: State) -> State | None:
            tested = self.run(node.condition, start)
            body = self.run(node.body, tested.ok or start)
            return join_states(tested.failed, join_states(body.ok, body.failed))

        after = self._repeat(state, once)
        return Aftermath(after, after)

    def _run_each(self, node: Each, state: State) -> Aftermath:
        values = self._list_values(node, state)

        def once(start: State) -> State | None:
            after: State | None = None
            for value in values:
                found = self.run(node.body, assign(start, node.name, ((value,),)))
                after = join_states(after, join_states(found.ok, found.failed))
            return after

        after = self._repeat(state, once)
        return Aftermath(after, after)

    def _list_values(self, node: Each, state: State) -> Sequence[Word]:
        if node.words is None:
            return state.args if state.args is not None else [Word(f"${node.name}", plain=False)]
        values: list[Word] = []
        expander = self._make_expander(state)
        for raw in node.words:
            inserted = raw.parts[0] if len(raw.parts) == 1 else None
            if isinstance(inserted, Inserted) and not inserted.direction:
                values += self._list_printed(inserted, state)
                continue
            for word in expander.expand(raw):
                values += self.match(word, state)
        return values if len(values) <= MOST_MATCHES else [Word(f"${node.name}", plain=False)]

    def _list_printed(self, inserted: Inserted, state: State) -> Sequence[Word]:
        printed = self._insert(inserted, state)
        if printed is None:
            return [Word(inserted.source, plain=False)]
        return [Word(one, is_certain=printed.is_exact) for one in printed.text.split()]

    def _repeat(self, state: State, once: Callable[[State], State | None]) -> State:
        """What is known after a body that runs any number of times."""
        for number in range(_ROUNDS):
            after = join_states(state, once(state)) or state
            if after == state:
                break
            state = after if number < 1 else widen_state(state, after)
        return state

    def _run_case(self, node: Case, state: State) -> Aftermath:
        expander = self._make_expander(state)
        expander.expand(node.word)
        after: State | None = state
        for patterns, body in node.arms:
            expander.expand_all(patterns)
            chosen = self.run(body, state)
            after = join_states(after, join_states(chosen.ok, chosen.failed))
        return Aftermath(after, after)

    def _run_defined(self, node: Defined, state: State) -> Aftermath:
        state = structs.replace(state, functions={**state.functions, node.name: (node.body,)})
        return Aftermath(state, state, Printed(""))

    def _run_compared(self, node: Compared, state: State) -> Aftermath:
        self._make_expander(state).expand_all(node.words)
        return Aftermath(state, state, Printed(""))

    def _run_redirected(self, node: Redirected, state: State) -> Aftermath:
        inner, is_silent, _ = self._redirect(node.redirections, state)
        found = self.run(node.node, inner)
        ok, failed = (one and structs.replace(one, stdin=state.stdin)
                      for one in (found.ok, found.failed))  # fmt: skip
        return Aftermath(ok, failed, Printed("") if is_silent else found.printed)

    def _run_simple(self, node: Simple, state: State) -> Aftermath:
        self._steps += 1
        if self._steps > _MOST_STEPS:
            raise ValueError("the commands are too many to be looked at")
        found = [
            self._run_in_world(node, world) for world in list_worlds(_list_variables(node), state)
        ]
        if len(found) == 1:
            return found[0]
        ok: State | None = None
        failed: State | None = None
        for one in found:
            ok, failed = join_states(ok, one.ok), join_states(failed, one.failed)
        same = all(one.printed == found[0].printed for one in found)
        return Aftermath(ok, failed, found[0].printed if same else None)

    def _run_in_world(self, node: Simple, state: State) -> Aftermath:
        expander = self._make_expander(state)
        words = expander.expand_all(node.words)
        inner, is_silent, target = self._redirect(node.redirections, state)
        assigned = {}
        for one in node.assignments:
            values = (
                tuple(expander.expand_all(one.values))
                if one.is_array
                else tuple(expander.expand_one(raw) for raw in one.values)
            )
            if one.adds:
                values = add_to_value(state.variables.get(one.name), values, is_array=one.is_array)
            assigned[one.name] = values
        if not words:
            for name, value in assigned.items():
                self.note_variable(name, value[0] if value else Word(""), state)
                state = assign(state, name, (value,))
            return Aftermath(state, state, Printed(""))
        env = {name: value[0] if value else Word("") for name, value in assigned.items()}
        found = self.call(words, env, inner)
        self._remember(target, found.printed, state)
        # `exec < file` alone changes what the shell reads.
        if not (words[0].text == "exec" and len(words) == 1):
            ok, failed = (one and structs.replace(one, stdin=state.stdin)
                          for one in (found.ok, found.failed))  # fmt: skip
            found = Aftermath(ok, failed, found.printed)
        return Aftermath(found.ok, found.failed, Printed("")) if is_silent else found

    def _remember(self, target: Word | None, printed: Printed | None, state: State) -> None:
        path = self._place(target, state) if target else None
        if path is None:
            return
        if printed is not None and printed.is_exact:
            self.files[path] = self.files.get(path, "") + printed.text
        else:
            self.files.pop(path, None)

    def _redirect(
        self, redirections: Sequence[Redirection], state: State
    ) -> tuple[State, bool, Word | None]:
        """The state with standard input replaced; whether standard output is, and by which file."""
        expander = self._make_expander(state)
        stdin, is_silent, target = state.stdin, False, None
        for one in redirections:
            operator = one.operator
            word = expander.expand_one(one.target)
            if operator in {"<<", "<<-", "<<<"}:
                text = word.text + ("\n" if operator == "<<<" else "")
                stdin = Input(text) if word.plain else UNKNOWN_INPUT
            elif operator in {"<", "<&"}:
                known = self.read_file(word, state)
                # A device or a socket is no file that anybody has looked at before.
                path = "" if word.text.startswith(("/dev/", "/proc/")) else word.text
                stdin = word.content or Input(known, path=path)
                stdin = state.stdin if operator == "<&" and word.text == "0" else stdin
            elif not (operator.startswith(">&") and re.fullmatch(r"\d+-?|-", word.text)):
                self.write(word, state)
                target = word if one.descriptor in {"", "1"} and operator[0] == ">" else target
            if operator not in {"<<", "<<-", "<<<", "<", "<&"} and one.descriptor in {"", "1"}:
                is_silent = True
        return structs.replace(state, stdin=stdin), is_silent, target

    def _make_expander(self, state: State) -> Expander:
        return Expander(state, lambda part: self._insert(part, state))

    def _insert(self, part: Inserted, state: State) -> Printed | None:
        if part.direction == ">":
            state = structs.replace(state, stdin=UNKNOWN_INPUT)
        return self.deeper(lambda: self.run(part.body, state)).printed


def _list_variables(node: Simple) -> Iterator[str]:
    for raw in (
        *node.words,
        *(raw for one in node.assignments for raw in one.values),
        *(one.target for one in node.redirections),
    ):
        yield from (name.partition("[")[0].lstrip("!#") for name in list_names(raw))


_RULES: Final[dict[type, Callable[..., Aftermath]]] = {
    AndOr: Walker._run_and_or,
    Apart: Walker._run_apart,
    Block: Walker._run_block,
    Case: Walker._run_case,
    Choice: Walker._run_choice,
    Compared: Walker._run_compared,
    Defined: Walker._run_defined,
    Each: Walker._run_each,
    Loop: Walker._run_loop,
    Pipeline: Walker._run_pipeline,
    Redirected: Walker._run_redirected,
}
