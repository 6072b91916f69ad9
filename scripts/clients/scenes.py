"""Sessions that need more than one line each: each scene says what came of it."""

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from clients.arena import Arena, Session, look, make_arena
from clients.battery import Outcome
from clients.model import Step
from clients.programs import Client, CodexServer, prepare
from gitslices.agents.adapters.table import load_adapter

Scene = Callable[[Arena], Iterator[Outcome]]
_SLOW = """\
#!/bin/sh
exec {python} -P -c '
import sys, time
import gitslices.agents.guard as guard
guard.load_adapter = lambda name: time.sleep(60)
sys.exit(guard.run(["any"]))
'
"""


def prepare_guard(arena: Arena) -> None:
    """The guard in the repository's settings, and git's hooks."""
    arena.run("gitslices", "agent", "install", arena.client.name)
    arena.run("gitslices", "hook", "install")
    arena.trust_hooks(arena.worktree("api"))


def prepare_user(arena: Arena) -> None:
    """The guard in the user's settings alone."""
    arena.run("gitslices", "agent", "install", arena.client.name, "--user")
    arena.trust_hooks(arena.worktree("api"))


def play_scenes(
    base: Path, client: Client, programs: Sequence[Path], *, short: bool
) -> list[Outcome]:
    """All scenes of a client, those that set the same stage on one."""
    outcomes: list[Outcome] = []
    for stage in _list_stages(client, short=short):
        with make_arena(base, client, programs) as arena:
            for scene in stage:
                outcomes += scene(arena)
    return outcomes


def _list_stages(client: Client, *, short: bool) -> list[list[Scene]]:
    stages: list[list[Scene]] = [[_ask_in_all_folders], [_go_elsewhere]]
    if client.delegate:
        stages += [[_hand_on]]
    if client.runs:
        stages += [[_run_otherwise]]
    if not short:
        stages += [[_lose_the_guard], [_take_too_long], [_move_the_repository], [_clone_it]]
    if client.name == "claude":
        stages += [[_hand_out_worktrees]]
    if client.name == "codex":
        stages += [[_review_hooks]]
    return stages


def _judge(kind: str, name: str, good: bool, said: object = "") -> Outcome:
    return Outcome(name=name, kind=kind, good=good, said=str(said))


def _play_no(
    arena: Arena, kind: str, name: str, steps: Sequence[Step], *options: str,
    at: Path | None = None, checked: Sequence[int] = (),
) -> Iterator[Outcome]:  # fmt: skip
    """A session of which every turn, or those of `checked`, is to be refused and change nothing."""
    roots = (arena.main, arena.other, arena.worktree("web"), arena.top / "out")
    before = look(roots)
    session = arena.play({"main": steps}, *options, at=at)
    after = look(roots)
    changed = [path for path in before.keys() | after.keys() if before.get(path) != after.get(path)]
    # git refreshes what it remembers of files, gitslices what it knows of a slice, and opencode
    # has a name for the repository.
    own = ("/.git/index", "ORIG_HEAD", "/gitslices-scope", "/.git/opencode")
    changed = [path for path in changed if not path.endswith(own)]
    for turn in checked or range(len(steps)):
        said = session.get(turn)
        yield _judge(kind, f"{name}: {_show(steps[turn])}", session.refused(turn), said)
    yield _judge(kind, f"{name}: nothing has changed", not changed, changed[:5])


def _show(step: Step) -> str:
    return f"{step.tool} {step.text or json.dumps(dict(step.arguments))}"[:160]


def _is_done(session: Session, turn: int, path: Path, conversation: str = "main") -> bool:
    return path.exists() and not session.refused(turn, conversation)


def _ask_in_all_folders(arena: Arena) -> Iterator[Outcome]:
    """Hooks of the user: asked in every folder of a slice, silent elsewhere."""
    prepare_user(arena)
    edit, shell = arena.client.edit, arena.client.shell
    deep = arena.worktree("api") / "src" / "web"
    steps = [edit(str(deep / "u.ts")), shell(f"touch {arena.main}/u", ""), shell("touch u.ts", "")]
    yield from _play_no(arena, "folders", "started below the top", steps, at=deep)
    for place in (arena.main, arena.other):
        steps = [edit(str(place / "free.txt")), shell("touch free-too.txt", "")]
        session = arena.play({"main": steps}, at=place)
        done = [_is_done(session, turn, place / name)
                for turn, name in enumerate(("free.txt", "free-too.txt"))]  # fmt: skip
        yield _judge("folders", f"in no slice nothing is refused: {place.name}", all(done),
                     session.results)  # fmt: skip
    told = arena.run("gitslices", "agent", "status", arena.client.name, "--try", check=False)
    yield _judge("folders", "agent status says so", told.returncode == 0, told.stdout + told.stderr)


def _go_elsewhere(arena: Arena) -> Iterator[Outcome]:
    """`cd`, further folders and repositories inside do not make a session another slice's."""
    prepare_guard(arena)
    edit, shell = arena.client.edit, arena.client.shell
    web, out = arena.worktree("web"), arena.top / "out"
    steps = [
        shell("git init -q src/api/inner && cd src/api/inner && pwd", ""),
        edit(str(arena.main / "n1")), shell(f"touch {out}/n2", ""), edit(str(web / "src/web/n3")),
        shell(f"cd {web} && pwd", ""), shell("pwd", ""),
        shell(f"touch {web}/src/web/n4", ""), edit(str(web / "src/web/n5")),
        shell(f"cd {web} && git commit -q --allow-empty -m n6", ""),
        # Whichever folder the shell is in then, the guard is to know it.
        shell(f"cd {arena.main}", ""), shell("touch src/api/n7", ""),
    ]  # fmt: skip
    options = ("--add-dir", str(web)) if arena.client.name == "claude" else ()
    yield from _play_no(
        arena, "elsewhere", "gone elsewhere", steps, *options, checked=(1, 2, 3, 6, 7, 8)
    )
    inner = arena.worktree("api") / "src" / "api" / "inner"
    if arena.client.takes_folder:
        steps = [shell(f"touch {web}/src/web/w1", str(web)), shell("touch w3", str(arena.main)),
                 shell("touch w2", str(web / "src/web"))]  # fmt: skip
        yield from _play_no(arena, "elsewhere", "a command's folder", steps)
    arena.run("rm", "-rf", str(inner))


def _hand_on(arena: Arena) -> Iterator[Outcome]:
    """An agent that the session starts is asked as the session itself is."""
    prepare_guard(arena)
    assert arena.client.delegate
    edit, shell = arena.client.edit, arena.client.shell
    own = arena.worktree("api") / "src" / "api" / "s1.py"
    sub = [edit(str(own)), edit(str(arena.main / "s2")), shell(f"touch {arena.main}/s3", ""),
           shell("touch src/web/s4", "")]  # fmt: skip
    main = [arena.client.delegate("SCRIPT:sub go"), shell("sleep 3", "")]
    session = arena.play({"main": main, "sub": sub})
    yield _judge("delegated", "inside the scope it may write", _is_done(session, 0, own, "sub"),
                 session.results)  # fmt: skip
    for turn in (1, 2, 3):
        no = session.refused(turn, "sub")
        yield _judge("delegated", _show(sub[turn]), no, session.get(turn, "sub"))
    there = [path for path in (arena.main / "s2", arena.main / "s3") if path.exists()]
    yield _judge("delegated", "nothing has changed", not there, there)


def _run_otherwise(arena: Arena) -> Iterator[Outcome]:
    """Commands run by other tools than the client's shell are asked about, too."""
    prepare_guard(arena)
    for name, make in arena.client.runs.items():
        steps = [*make(f"touch {arena.main}/o1"), arena.client.shell("ls src/api", "")]
        yield from _play_no(arena, "tools", name, steps, checked=(len(steps) - 2,))


def _lose_the_guard(arena: Arena) -> Iterator[Outcome]:
    """A guard that is gone, may not run or crashes: the answer is no, and `agent status` tells."""
    prepare_guard(arena)
    launcher = arena.main / ".git" / "hooks" / "gitslices-agent"
    text = launcher.read_text()
    python = next(line for line in text.splitlines() if line.startswith("python="))
    steps = [arena.client.edit(str(arena.main / "l1")), arena.client.shell("touch src/web/l2", "")]
    for name, broken in (
        ("may not be executed", None),
        ("crashes", text.replace(python, "python=/bin/false")),
        ("says nothing and fails", "#!/bin/sh\nexit 3\n"),
        ("is cut off", text[:200]),
    ):
        if broken is None:
            launcher.chmod(0o644)
            # Then `gitslices` on PATH answers, which has to say no, too.
        else:
            launcher.write_text(broken)
            launcher.chmod(0o755)
        yield from _play_no(arena, "crashes", f"a guard that {name}", steps)
        told = arena.run("gitslices", "agent", "status", "--try", check=False)
        yield _judge("crashes", f"{name}: agent status tells", told.returncode == 1, told.stdout)
        launcher.write_text(text)
        launcher.chmod(0o755)
    launcher.unlink()
    bare = {**arena.environment, "PATH": arena.environment["PATH"].partition(":")[2]}
    lonely = Arena(top=arena.top, client=arena.client, environment=bare, free=arena.free)
    yield from _play_no(lonely, "crashes", "no guard at all", steps)
    launcher.write_text(text)
    launcher.chmod(0o755)


def _take_too_long(arena: Arena) -> Iterator[Outcome]:
    """A guard that would take longer than the agent waits says no before."""
    prepare_guard(arena)
    launcher = arena.main / ".git" / "hooks" / "gitslices-agent"
    slow = launcher.with_name("slow-python")
    slow.write_text(_SLOW.format(python=sys.executable))
    slow.chmod(0o755)
    text = launcher.read_text()
    python = next(line for line in text.splitlines() if line.startswith("python="))
    launcher.write_text(text.replace(python, f"python={slow}"))
    steps = [arena.client.shell(f"touch {arena.main}/t1", "")]
    yield from _play_no(arena, "slow", "a guard that takes a minute", steps)


def _move_the_repository(arena: Arena) -> Iterator[Outcome]:
    """A repository that was moved guards its slices as before, once git has repaired the links."""
    prepare_guard(arena)
    moved = arena.main.rename(arena.top / "moved")
    arena.run("git", "worktree", "repair", *(str(arena.worktree(one)) for one in ("api", "web")),
              at=moved)  # fmt: skip
    trusted = [moved, arena.worktree("api")]
    if arena.client.name == "codex":
        prepare(arena.client, arena.home, trusted)
        arena.trust_hooks(arena.worktree("api"))
    arena.main.mkdir()  # what is looked at before and after
    own = arena.worktree("api") / "src" / "api" / "m1.py"
    steps = [arena.client.edit(str(own)), arena.client.edit(str(moved / "m2")),
             arena.client.shell(f"touch {moved}/m3 src/web/m4", "")]  # fmt: skip
    yield from _play_no(arena, "moved", "a repository that was moved", steps, checked=(1, 2))
    gone = [(moved / name).exists() for name in ("m2", "m3")]
    yield _judge("moved", "inside the scope it may write", own.exists() and not any(gone))


def _clone_it(arena: Arena) -> Iterator[Outcome]:
    """Settings that are tracked hold in a colleague's clone, in which nobody has installed them."""
    prepare_guard(arena)
    arena.run("git", "add", "--force", load_adapter(arena.client.name).settings)
    arena.run("git", "commit", "--quiet", "-m", "Have agents ask")
    clone = arena.top / "colleague"
    arena.run("git", "clone", "--quiet", str(arena.main), str(clone), at=arena.top)
    arena.run("gitslices", "plan", "--apply", at=clone)
    worktree = arena.top / "colleague.slices" / "g--api"
    if arena.client.name == "codex":
        prepare(arena.client, arena.home, [clone, worktree])
        arena.trust_hooks(worktree)
    steps = [arena.client.edit(str(clone / "c1")), arena.client.shell("touch src/web/c2", "")]
    yield from _play_no(arena, "clone", "a colleague's clone", steps, at=worktree)
    there = [path for path in (clone / "c1", worktree / "src" / "web" / "c2") if path.exists()]
    yield _judge("clone", "nothing has changed in the clone", not there, there)


def _find_holders(arena: Arena) -> dict[str, str | None]:
    told = json.loads(arena.run("gitslices", "status", "--json").stdout)
    return {one["slice_id"]: one.get("holder") for one in told["slices"]}


def _hand_out_worktrees(arena: Arena) -> Iterator[Outcome]:
    """Claude Code's sessions and subagents with worktrees of their own, and their leases."""
    prepare_guard(arena)
    edit, shell = arena.client.edit, arena.client.shell
    web = arena.worktree("web")
    steps = [edit(str(web / "src/web/h1.ts")), edit(str(arena.main / "h2")),
             shell(f"touch {web}/h3", "")]  # fmt: skip
    options = ("--output-format", "json", "-w", "web")
    session = arena.play({"main": steps}, *options, at=arena.main)
    done = _is_done(session, 0, web / "src/web/h1.ts")
    # Claude Code itself says no to edits in the main worktree, from a worktree of its own.
    no = [session.refused(2), not (arena.main / "h2").exists(), not (web / "h3").exists()]
    yield _judge("worktrees", "-w gives the slice of that name", done, session.results)
    yield _judge("worktrees", "and holds it in its scope", all(no), session.results)
    holders = _find_holders(arena)
    yield _judge("worktrees", "the end gives it back", not any(holders.values()), holders)
    named = json.loads(session.said.strip().splitlines()[-1])["session_id"]
    script = {"main": [*steps, shell("gitslices status --json", "")]}
    told = arena.play(script, "--resume", named, at=web).get(len(steps))
    yield _judge("worktrees", "a resumed session has its slice", f"claude {named}" in told, told)
    holders = _find_holders(arena)
    yield _judge("worktrees", "and gives it back again", not any(holders.values()), holders)
    again = arena.play({"main": [shell("gitslices status --json", "")]}, "-w", "web", at=arena.main)
    told = again.get(0)
    yield _judge("worktrees", "the same name has it again", '"holder": "claude' in told, told)

    sub = [shell("gitslices status --json", ""), edit(str(arena.main / "h4")),
           shell(f"touch {arena.top}/out/h5", "")]  # fmt: skip
    call = {"description": "sub", "prompt": "SCRIPT:sub go", "subagent_type": "general-purpose",
            "isolation": "worktree"}  # fmt: skip
    main = [Step(tool="Agent", arguments=call), shell("sleep 3", "")]
    session = arena.play({"main": main, "sub": sub}, at=arena.main)
    told = session.get(0, "sub")
    yield _judge("worktrees", "a subagent has a slice", " agent-" in told, session.results)
    no = [session.refused(2, "sub"), not (arena.main / "h4").exists()]
    yield _judge("worktrees", "and stays in its scope", all(no), session.results)
    holders = _find_holders(arena)
    yield _judge("worktrees", "which is open again", not any(holders.values()), holders)

    enter = Step(tool="EnterWorktree", arguments={"path": str(web)})
    steps = [enter, edit(str(web / "src/web/h6.ts")), shell(f"touch {web}/src/web/h7", "")]
    yield from _play_no(arena, "worktrees", "EnterWorktree with another's path", steps,
                        checked=(1, 2))  # fmt: skip


def _review_hooks(arena: Arena) -> Iterator[Outcome]:
    """What Codex skips, because nobody has reviewed it, `agent status` tells; and open shells."""
    arena.run("gitslices", "agent", "install", "codex")
    told = arena.run("gitslices", "agent", "status", "codex", check=False)
    yield _judge("reviews", "hooks that nobody has reviewed are told of", told.returncode == 1
                 and "nobody has reviewed" in told.stdout, told.stdout)  # fmt: skip
    arena.trust_hooks(arena.worktree("api"))
    with CodexServer(arena.environment) as server:
        states = {hook["trustStatus"] for hook in server.list_hooks(arena.worktree("api"))}
    told = arena.run("gitslices", "agent", "status", "codex", check=False)
    yield _judge("reviews", "reviewed hooks are seen as such", states == {"trusted"}
                 and told.returncode == 0, f"{states} {told.stdout}")  # fmt: skip
    steps = [Step(tool="exec_command", arguments={"cmd": command, "tty": True})
             for command in ("bash", "bash -i", "python3")]  # fmt: skip
    yield from _play_no(arena, "reviews", "a shell that stays open", steps)
