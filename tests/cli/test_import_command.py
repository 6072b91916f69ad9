"""`gitslices import`: where tasks are found, and what is said of them."""

import json
import os
from pathlib import Path

from tests.support.commands import Cli

TASKS = """\
- [ ] Token endpoint
  - Files: src/api/tokens.py
- [ ] Docs (depends on token endpoint)
"""


def test_tasks_become_a_graph_that_can_be_planned(cli: Cli, repo: Path) -> None:
    (repo / "TODO.md").write_text(TASKS)
    tried = cli("import", "markdown", "--dry-run")
    first, needs, perhaps, next_ = tried.out.splitlines()
    assert first == "gitslices.toml would be begun: 2 tasks added (from markdown:TODO)"
    assert needs == "needs scope: 1 task: docs-depends-on-token-endpoint"
    assert perhaps.startswith("  docs-depends-on-token-endpoint: perhaps src/api/tokens.py ")
    assert next_ == "next: gitslices suggest --write, or gitslices task set ID --write PATTERN"
    assert not (repo / "gitslices.toml").exists()
    made = cli("import", "markdown", "TODO.md", "--json").document
    assert (made["ok"], made["written"], made["goal_id"]) == (True, True, "TODO")
    assert made["needs_scope"] == ["docs-depends-on-token-endpoint"]
    assert [one["task_id"] for one in made["suggestions"]] == made["needs_scope"]
    assert [one["id"] for one in made["graph"]["tasks"]] == made["added"]
    assert cli("plan", "--json").document["waves"] == [["token-endpoint"]]
    assert cli("import", "markdown", "TODO.md").out.startswith(
        "gitslices.toml 0 tasks added, 2 as before (from markdown:TODO)\n"
    )


def test_a_source_is_found_in_its_usual_place(cli: Cli, repo: Path) -> None:
    for name in ("001-a", "002-b"):
        (repo / "specs" / name).mkdir(parents=True)
        (repo / "specs" / name / "tasks.md").write_text("- [ ] T001 Do it in src/x.py\n")
    several = cli("import", "speckit")
    assert several.code == 2
    assert several.err == (
        "error: there are 2 of them: specs/001-a/tasks.md, specs/002-b/tasks.md\n"
        "hint: name one: gitslices import speckit specs/001-a/tasks.md\n"
    )
    assert cli("import", "speckit", "specs/002-b", "--json").document["goal_id"] == "002-b"
    assert cli("import", "speckit", "specs/001-a", "--json").document["added"] == ["001-a-T001"]
    nothing = cli("import", "taskmaster")
    assert nothing.code == 2
    assert nothing.err.startswith("error: there is nothing of taskmaster at .taskmaster/")
    assert cli("import", "linear").code == 2
    assert cli("import", "jira").code == 2


def test_the_tasks_of_a_session_are_found_by_its_name(cli: Cli, repo: Path, tmp_path: Path) -> None:
    folder = tmp_path / "home" / ".claude" / "tasks" / "s1"
    folder.mkdir(parents=True)
    (folder / "1.json").write_text('{"id": "1", "subject": "One", "status": "pending"}')
    (folder / ".lock").write_text("")
    made = cli("import", "claude-tasks", "s1", "--json", env={"HOME": str(tmp_path / "home")})
    assert made.document["origin"] == "claude-tasks:s1"


def test_gh_is_asked_and_an_older_one_for_less(cli: Cli, repo: Path, tmp_path: Path) -> None:
    issues = [{"number": 5, "title": "One", "state": "OPEN", "body": "## Files\n- src/api/\n"}]
    gh = tmp_path / "bin" / "gh"
    gh.parent.mkdir()
    gh.write_text(
        "#!/bin/sh\necho \"$*\" >>calls\ncase \"$*\" in *blockedBy*)"
        " echo 'Unknown JSON field: \"blockedBy\"' >&2; exit 1;; esac\n"
        f"cat <<'END'\n{json.dumps(issues)}\nEND\n"
    )  # fmt: skip
    gh.chmod(0o755)
    env = {"PATH": f"{gh.parent}:{os.environ['PATH']}"}
    made = cli("import", "github", "me/shop", "--json", env=env).document
    (task,) = made["graph"]["tasks"]
    assert (task["id"], task["write_set"]) == ("5", ["src/api/"])
    calls = (repo / "calls").read_text().splitlines()
    assert len(calls) == 2
    assert all("--repo me/shop" in call for call in calls)
    gh.write_text("#!/bin/sh\necho 'not logged in' >&2\nexit 4\n")
    failed = cli("import", "github", env=env)
    assert (failed.code, "not logged in" in failed.err) == (3, True)
