"""A graph brought up to date with another tool's tasks: theirs follow, what people wrote stays."""

import json
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from gitslices.core.errors import GraphError, InputError
from gitslices.graph.load import load_graph
from gitslices.importing.formats import ImportSource
from gitslices.ops.import_tasks import ImportReport, ImportRequest, import_tasks

ISSUES: list[dict[str, Any]] = [
    {"id": "w-1", "title": "One", "status": "open", "priority": 2,
     "description": "First line\r\nsecond \"quoted\" '''line''' \\ \u001b[31m\n\n"
     "## Files\n- src/a.py\n"},
    {"id": "w-2", "title": "Two", "status": "open",
     "dependencies": [{"issue_id": "w-2", "depends_on_id": "w-1", "type": "blocks"},
                      {"issue_id": "w-2", "depends_on_id": "w-77", "type": "blocks"}]},
]  # fmt: skip


def run(
    folder: Path, issues: object, *, into: str | None = None, dry: bool = False
) -> ImportReport:
    text = issues if isinstance(issues, str) else json.dumps(issues)
    wanted = ImportSource(
        source="-", stream=BytesIO(text.encode()), root=folder, cwd=folder, home=folder
    )
    target = folder / into if into else None
    return import_tasks(ImportRequest(format="beads", wanted=wanted, into=target, dry_run=dry))


@pytest.mark.parametrize("name", ["gitslices.toml", "gitslices.yaml", "gitslices.json"])
def test_a_graph_is_begun_and_the_second_time_nothing_changes(tmp_path: Path, name: str) -> None:
    made = run(tmp_path, ISSUES, into=name)
    assert (made.is_new, made.written, made.added) == (True, True, ("w-1", "w-2"))
    assert made.needs_scope == ("w-2",)
    assert [(one.key, one.reason) for one in made.left_out] == [
        ("w-2", "it waits for 'w-77', which is not among these tasks")
    ]
    text = (tmp_path / name).read_text()
    first, second = load_graph(tmp_path / name).graph.tasks
    assert first.write_set == ("src/a.py",)
    assert first.description.startswith("First line\nsecond")
    assert "\x1b[31m" in first.description
    assert first.metadata["beads"] == {"status": "open", "priority": 2}
    assert (second.dependencies, second.metadata["beads"]["waits_outside"]) == (("w-1",), ["w-77"])
    again = run(tmp_path, ISSUES, into=name)
    assert (again.written, again.added, again.updated, again.unchanged) == (False, (), (), 2)
    assert (tmp_path / name).read_text() == text


@pytest.mark.parametrize("name", ["gitslices.toml", "gitslices.yaml", "gitslices.json"])
def test_what_the_tool_changed_follows_and_what_people_wrote_stays(
    tmp_path: Path, name: str
) -> None:
    from gitslices.graph.edit import change_task
    from gitslices.graph.load import load_text

    run(tmp_path, ISSUES, into=name)
    path = tmp_path / name
    edited = change_task(
        load_text(path), "w-2", {"write_set": ["src/b.py"], "risk": "high", "title": "Mine"}
    )
    path.write_text(edited.text)
    changed = [
        {**ISSUES[0], "title": "One!", "status": "closed", "priority": None, "labels": ["x"]},
        {**ISSUES[1], "title": "Two!", "acceptance_criteria": "- works"},
        {"id": "w-3", "title": "Three"},
    ]
    made = run(tmp_path, changed, into=name)
    assert (made.added, made.updated) == (("w-3",), ("w-1", "w-2"))
    assert [(one.task_id, one.fields) for one in made.kept] == [
        ("w-2", ("title", "write_set", "risk"))
    ]
    one, two, _ = load_graph(path).graph.tasks
    assert (one.title, one.status) == ("One!", "done")
    assert one.metadata["beads"] == {"status": "closed", "labels": ["x"]}
    assert (two.title, two.write_set, two.risk) == ("Mine", ("src/b.py",), "high")
    assert two.acceptance == ("works",)
    assert run(tmp_path, changed, into=name).written is False


def test_comments_and_other_tasks_stay(tmp_path: Path) -> None:
    mine = '[[tasks]]\nid = "w-1"\nowner_role = "x"\nwrite_set = ["a"]\n'
    text = f'# head\ngoal_id = "g"\n\n# mine\n{mine}'
    (tmp_path / "gitslices.toml").write_text(text)
    made = run(tmp_path, ISSUES)
    assert made.added == ("w-w-1", "w-2")
    assert (tmp_path / "gitslices.toml").read_text().startswith(text)
    tasks = {str(one.id): one for one in made.graph.tasks}
    assert tasks["w-w-1"].owner_role == "executor"
    assert tasks["w-2"].dependencies == ("w-w-1",)
    gone = run(tmp_path, ISSUES[:1])
    assert (gone.gone, gone.unchanged, len(gone.graph.tasks)) == (("w-2",), 1, 3)


def test_a_dry_run_writes_nothing(tmp_path: Path) -> None:
    made = run(tmp_path, ISSUES, dry=True)
    assert (made.written, made.added, len(made.graph.tasks)) == (False, ("w-1", "w-2"), 2)
    assert list(tmp_path.iterdir()) == []


def test_a_scope_of_everything_is_not_taken(tmp_path: Path) -> None:
    issue = {"id": "w-1", "title": "All", "description": "## Files\n- .\n- **\n- ../x\n- a.py\n"}
    made = run(tmp_path, [issue])
    (task,) = made.graph.tasks
    assert task.write_set == ("a.py",)
    assert len(made.left_out) == len(task.metadata["beads"]["refused_scope"]) == 3


def test_tasks_that_make_no_graph_are_refused(tmp_path: Path) -> None:
    (tmp_path / "gitslices.toml").write_text("[[tasks]]\nid = 'x'\n")
    loop = [
        {"id": "w-1", "dependencies": [{"depends_on_id": "w-2", "type": "blocks"}]},
        {"id": "w-2", "dependencies": [{"depends_on_id": "w-1", "type": "blocks"}]},
    ]
    with pytest.raises(GraphError) as caught:
        run(tmp_path, loop)
    assert "w-1 -> w-2 -> w-1" in caught.value.problems[0].message
    for bad in ([{"id": "w-1"}, {"id": "w-1"}], [{"id": "a\u0007b"}], [{"id": "-"}]):
        with pytest.raises((GraphError, InputError)):
            run(tmp_path, bad)
    assert (tmp_path / "gitslices.toml").read_text() == "[[tasks]]\nid = 'x'\n"
    with pytest.raises(InputError, match="no task"):
        run(tmp_path, [{"id": "w-1", "issue_type": "event"}], into="new.toml")


def test_many_tasks_are_written_at_once(tmp_path: Path) -> None:
    issues = [{"id": f"w-{n}", "title": f"T{n}", "description": "x\ny"} for n in range(400)]
    assert len(run(tmp_path, issues).added) == 400
    issues[7]["title"] = "other"
    assert run(tmp_path, issues).updated == ("w-7",)
