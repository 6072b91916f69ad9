"""Every command on a how-to page does what it is shown to do, in a repository that fits it."""

import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import pytest
from msgspec import Struct

from tests.support.documents import ROOT, Reader, Step, normalise, read_examples

SPECKIT = "".join(
    f"- [ ] T{number:03} Write {'it' if number in {1, 21, 24} else f'src/f{number}.py'}\n"
    for number in range(1, 25)
)
GRAPH_ERRORS = """\
[defaults]
owner_role = "executor"
[[tasks]]
id = "schema"
write_set = ["db/"]

[[tasks]]
id = "api"
write_sets = ["src/api/"]

[[tasks]]
id = "ui"
write_set = ["web/"]
dependencies = ["shema"]
"""
AGENT = "#!/bin/sh\ngit commit --quiet --allow-empty --message Work\n"
WORK = "mkdir -p {0} && echo {0} >{0}/file && git add . && git commit --quiet --message {0}"
API = "cd ../webshop.slices/auth-rework--api"


class World(Struct, frozen=True, kw_only=True):
    """Where a page's reader is: slices by what they write, or wait for; scripts before a command.

    `elsewhere` are commands for a repository of somebody else's, or for a program.
    """

    slices: Mapping[str, str] = MappingProxyType({"api": "src/api/", "ui": "web/"})
    waits: Mapping[str, str] = MappingProxyType({})
    before: Mapping[str, str] = MappingProxyType({})
    elsewhere: tuple[str, ...] = ()
    goal: str = "auth-rework"
    applied: bool = True


CHAIN = World(
    slices={name: f"{name}/" for name in "abcde"},
    waits={"b": "a", "c": "b", "d": "c", "e": "d"},
    before={"gitslices plan": "mkdir .gitslices;"
            " printf '[plan]\\nstart = \"done\"\\n' >.gitslices/config.toml"},
    applied=False,
)  # fmt: skip
WORLDS = {
    "how-to/agents.md": World(slices={"api": "src/api/", "nav": "web/nav.ts", "docs": "docs/"}),
    "how-to/ci.md": World(
        before={
            "gitslices check": "git init -q --bare ../o.git && git remote add origin $PWD/../o.git"
            f" && git push -q origin main && {API} && {WORK.format('src/api')}"
            " && git push -q origin HEAD && git clone -q -b slices/auth-rework/api $PWD/../../o.git"
            " ../../ci && cd ../../ci"
        }
    ),
    "how-to/doctor.md": World(),
    "how-to/early-starts.md": CHAIN,
    "how-to/import-tasks.md": World(
        before={
            "gitslices import": "rm gitslices.toml; mkdir -p specs/003-login;"
            f" printf -- '{SPECKIT}' >specs/003-login/tasks.md"
        },
        applied=False,
    ),
    "how-to/merge.md": World(
        waits={"ui": "api"},
        before={
            "gitslices conflicts": f"({API} && {WORK.format('src/api')}"
            " && gitslices claim api && gitslices done)"
        },
    ),
    "how-to/run.md": World(
        before={
            "gitslices run": f"printf '{AGENT}' >agent.sh; chmod +x agent.sh; git add ."
            " && git commit --allow-empty -m Agent"
        },
        elsewhere=("gitslices run --agent", "gitslices run --detach", "gitslices run --st"),
    ),
    "how-to/sandbox.md": World(),
    "how-to/scopes.md": World(
        slices={"api": "src/api/", "web": "web/"},
        before={
            "gitslices check": f"{API} && mkdir web && touch Makefile web/nav.ts",
            "gitslices scope allow": "rm -r Makefile web",
            "gitslices scope request": "gitslices claim web",
        },
        elsewhere=("gitslices scopes",),
    ),
    "how-to/sparse.md": World(),
    "how-to/squash-merges.md": World(
        goal="login",
        before={
            "git push": "git init -q --bare ../../o.git && git remote add origin $PWD/../../o.git"
        },
    ),
    "how-to/undo.md": World(before={"gitslices undo --list": "gitslices remove api >/dev/null"}),
    "how-to/workers.md": World(),
    "reference/graph.md": World(
        before={"gitslices validate": f"printf '{GRAPH_ERRORS}' >tasks.toml"}
    ),
}
OTHERS = {
    # It asks a history of somebody else's.
    "how-to/find-scopes.md",
    # A forge, and its client.
    "how-to/pull-requests.md",
    # More than one machine, and a remote.
    "how-to/several-machines.md",
    # More than one person at work, for a while.
    "how-to/watch.md",
    # Run by test_documents.
    "tutorial.md",
}


def write_graph(world: World) -> str:
    tasks = [
        f'[[tasks]]\nid = "{id_}"\nwrite_set = ["{entry}"]\n'
        f"dependencies = [{repr(world.waits[id_]) if id_ in world.waits else ''}]\n"
        for id_, entry in world.slices.items()
    ]
    return f'goal_id = "{world.goal}"\n\n' + "\n".join(tasks)


def fits(printed: str, shown: str) -> bool:
    """Whether a text is as it is shown, where `…` stands for any lines."""
    lines = [line.rstrip() for line in normalise(shown).splitlines()]
    printed = printed.replace(str(Path.home()), "~")
    parts = (r"(.*\n)*" if line.strip() == "…" else re.escape(line) + r"\n" for line in lines)
    return re.fullmatch("".join(parts), printed + "\n") is not None


@pytest.mark.usefixtures("own_home")
@pytest.mark.parametrize("page", WORLDS)
def test_examples_do_what_is_shown(page: str, tmp_path: Path) -> None:
    world = WORLDS[page]
    (tmp_path / "webshop").mkdir()
    reader = Reader(tmp_path / "webshop", home=tmp_path)
    (tmp_path / "webshop" / "gitslices.toml").write_text(write_graph(world))
    apply = " && gitslices plan --apply" if world.applied else ""
    started = "git init -q -b main && git add . && git commit -q -m Start" + apply
    assert reader.run(Step(command=started, shown=""))[0] == 0
    steps = [one for one in read_examples(ROOT / "docs" / page) if isinstance(one, Step)]
    for step in steps:
        if step.command.startswith(world.elsewhere or "\0"):
            continue
        for begin, script in world.before.items():
            if step.command.startswith(begin):
                code, printed = reader.run(Step(command=script, shown=""))
                assert code == 0, printed
        code, printed = reader.run(step)
        assert code == 0 or (code in {1, 2} and step.shown), f"{step.command}\n{printed}"
        assert not step.shown or fits(printed, step.shown), f"{step.command}\n{printed}"


def test_no_page_is_left_out() -> None:
    pages = {
        str(path.relative_to(ROOT / "docs"))
        for path in (ROOT / "docs").rglob("*.md")
        if any(isinstance(one, Step) for one in read_examples(path))
    }
    assert pages == {*WORLDS, *OTHERS}
