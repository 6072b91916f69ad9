"""Other tools' tasks read into our fields: for each format a table made by hand."""

import json
from collections.abc import Callable, Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from gitslices.core.errors import GraphError, InputError
from gitslices.importing.claude_tasks import read_claude_tasks
from gitslices.importing.foreign import ForeignTask, ForeignTasks
from gitslices.importing.formats import FORMATS, ImportSource, read_foreign
from gitslices.importing.sources import SourceText

Row = tuple[str, str, tuple[str, ...], tuple[str, ...]]
"""Key, status, what it waits for, what it may write."""


def read(format_: str, data: object, **options: Any) -> ForeignTasks:
    text = data if isinstance(data, str) else json.dumps(data)
    here = Path("/nowhere")
    wanted = ImportSource(
        source="-", stream=BytesIO(text.encode()), root=here, cwd=here, home=here, **options
    )
    return read_foreign(format_, wanted)


def rows(tasks: ForeignTasks) -> list[Row]:
    return [(one.key, one.status, one.dependencies, one.write_set) for one in tasks.tasks]


def by_key(tasks: ForeignTasks) -> Mapping[str, ForeignTask]:
    return {one.key: one for one in tasks.tasks}


TASKMASTER: dict[str, Any] = {
    "master": {
        "tasks": [
            {
                "id": 1, "title": "Schema", "description": "Tables.", "details": "Two of them.",
                "testStrategy": "Migrate twice.", "status": "done", "priority": "high",
                "complexity": 4, "subtasks": [],
            },
            {
                "id": "2", "title": "Endpoint", "status": "in-progress", "dependencies": [1],
                "acceptanceCriteria": "- refuses expired tokens\n- logs them",
                "relevantFiles": [
                    {"path": "src/token.py", "description": "", "action": "modify"},
                    {"path": "src/new.py", "action": "create"},
                    {"path": "docs/api.md", "action": "reference"},
                ],
                "subtasks": [
                    {"id": 1, "title": "Parse", "status": "pending", "dependencies": []},
                    {"id": 2, "title": "Check", "status": "review", "dependencies": [1, "1"]},
                ],
            },
            {"id": 3, "title": "Page", "status": "deferred", "dependencies": [2, "2.1"]},
            {"id": 4, "title": "Old", "status": "cancelled", "dependencies": [],
             "metadata": {"touches": ["web/"]}},
        ],
        "metadata": {"created": "2026-01-01"},
    },
    "side": {"tasks": [{"id": 9, "title": "Other", "status": "blocked"}]},
}  # fmt: skip


def test_taskmaster() -> None:
    found = read("taskmaster", TASKMASTER)
    assert (found.origin, found.goal_id) == ("taskmaster:master", "master")
    assert rows(found) == [
        ("1", "done", (), ()),
        ("2", "pending", ("1",), ("src/token.py", "src/new.py")),
        ("3", "blocked", ("2", "2.1"), ()),
        ("4", "done", (), ("web/",)),
    ]
    tasks = by_key(found)
    assert tasks["1"].description == "Tables.\n\nTwo of them."
    assert tasks["1"].acceptance == ("Migrate twice.",)
    assert (tasks["1"].estimate, tasks["1"].rest) == (4, {"status": "done", "priority": "high"})
    assert tasks["2"].acceptance == ("refuses expired tokens", "logs them")
    assert [one["title"] for one in tasks["2"].rest["subtasks"]] == ["Parse", "Check"]
    assert len(tasks["2"].rest["relevantFiles"]) == 3


def test_taskmaster_subtasks_are_parts_whose_numbers_are_siblings() -> None:
    found = read("taskmaster", TASKMASTER, subtasks=True)
    assert [(one.key, one.dependencies, one.parent) for one in found.tasks] == [
        ("1", (), None),
        ("2", ("1", "2.1", "2.2"), None),
        ("2.1", ("1",), "2"),
        ("2.2", ("1", "2.1"), "2"),
        ("3", ("2", "2.1"), None),
        ("4", (), None),
    ]


def test_taskmaster_has_tags_or_none() -> None:
    assert rows(read("taskmaster", TASKMASTER, tag="side")) == [("9", "blocked", (), ())]
    assert rows(read("taskmaster", {"tasks": [{"id": 1}]})) == [("1", "pending", (), ())]
    with pytest.raises(InputError, match="there is no tag 'x'") as caught:
        read("taskmaster", TASKMASTER, tag="x")
    assert caught.value.hint == "choose one with --tag: master, side"


BEADS: list[dict[str, Any]] = [
    {"id": "web-1", "title": "Epic", "issue_type": "epic", "status": "open", "priority": 1,
     "dependencies": [{"issue_id": "web-1", "depends_on_id": "web-9", "type": "blocks"}]},
    {"id": "web-1.1", "title": "Part", "status": "in_progress", "issue_type": "task",
     "description": "Do it.\n\n## Files\n- `src/a.py` - the parser\n- src/b/: new\n\n"
     "## Notes\nx.py",
     "design": "As drawn.", "estimated_minutes": 90, "assignee": "kim", "labels": ["security"],
     "dependencies": [{"issue_id": "web-1.1", "depends_on_id": "web-1", "type": "parent-child"}]},
    {"id": "web-2", "title": "After", "status": "deferred", "acceptance_criteria": "- is green",
     "dependencies": [
         {"issue_id": "web-2", "depends_on_id": "web-1", "type": "blocks"},
         {"issue_id": "web-2", "depends_on_id": "web-9", "type": "discovered-from"},
     ]},
    {"id": "web-9", "title": "First", "status": "closed", "closed_at": "2026-01-02T03:04:05Z"},
    {"id": "web-10", "title": "Mail", "status": "open", "issue_type": "message"},
    {"id": "web-11", "title": "Gone", "status": "tombstone"},
]  # fmt: skip
BEADS_ROWS: list[Row] = [
    ("web-1", "pending", ("web-9", "web-1.1"), ()),
    ("web-1.1", "pending", ("web-9",), ("src/a.py", "src/b/")),
    ("web-2", "blocked", ("web-1",), ()),
    ("web-9", "done", (), ()),
]


@pytest.mark.parametrize(
    "write",
    [
        json.dumps,
        lambda issues: json.dumps(issues, indent=2),
        lambda issues: "\n".join(map(json.dumps, issues)) + "\n",
        lambda issues: json.dumps({"schema_version": 1, "data": issues}, indent=1),
        lambda issues: "\n".join(json.dumps({"schema_version": 1, "data": one}) for one in issues),
    ],
    ids=["list", "indented", "lines", "envelope", "lines of envelopes"],
)
def test_beads(write: Callable[[Sequence[object]], str]) -> None:
    found = read("beads", write(BEADS))
    assert (found.origin, found.goal_id) == ("beads:web", "web")
    assert rows(found) == BEADS_ROWS
    assert [(one.key, one.reason) for one in found.left_out] == [
        ("web-10", "its type is message"),
        ("web-11", "it is deleted"),
    ]
    part = by_key(found)["web-1.1"]
    assert (part.estimate, part.risk, part.parent) == (1.5, "security", "web-1")
    assert part.description.endswith("## Notes\nx.py\n\nAs drawn.")
    assert part.rest == {
        "status": "in_progress", "issue_type": "task", "assignee": "kim", "labels": ["security"],
    }  # fmt: skip
    after = by_key(found)["web-2"]
    assert after.acceptance == ("is green",)
    assert [one["type"] for one in after.rest["dependencies"]] == ["discovered-from"]


SPECKIT = """\
# Tasks: Login

## Format: `[ID] [P?] [Story] Description`
- **[P]**: can run in parallel

## Phase 1: Setup (Shared Infrastructure)
- [X] T001 Create the structure
- [ ] T002 [P] Linting in pyproject.toml and `.eslintrc.json`

## Phase 2: Foundational (Blocking Prerequisites)
- [ ] T003 Schema in src/db/schema.sql with Node.js, see https://x.example/y.sql

## Phase 3: User Story 1 - Login (Priority: P1)
### Tests
- [ ] T004 [P] [US1] Contract test in tests/contract/test_login.py
- [ ] T005 [P] [US1] Service in src/login.py (depends on T004)
  and its words

## Phase 4: User Story 2 - Logout
- [ ] T006 [US2] Page in app/(auth)/[id]/page.tsx

## Phase N: Polish
- [ ] T007 [P] Docs in docs/

```
- [ ] T008 no task
```
"""


def test_speckit() -> None:
    found = read("speckit", SPECKIT)
    assert rows(found) == [
        ("T001", "done", (), ()),
        ("T002", "pending", (), (".eslintrc.json", "pyproject.toml")),
        ("T003", "pending", ("T001", "T002"), ("src/db/schema.sql",)),
        ("T004", "pending", ("T003",), ("tests/contract/test_login.py",)),
        ("T005", "pending", ("T004", "T003"), ("src/login.py",)),
        ("T006", "pending", ("T003",), ("app/(auth)/[id]/page.tsx",)),
        ("T007", "pending", ("T004", "T005", "T006"), ()),
    ]
    task = by_key(found)["T005"]
    assert (task.title, task.description) == (
        "Service in src/login.py (depends on T004)", "and its words",
    )  # fmt: skip
    assert task.rest == {
        "phase": "Phase 3: User Story 1 - Login (Priority: P1)", "story": "US1", "parallel": True,
    }  # fmt: skip


OPENSPEC = """\
# Tasks
## 1. Schema
- [x] 1.1 Add the table
- [ ] 1.2 Fill it
  - Files: `db/fill.sql`, db/more.sql
  - Run it twice.
## 2. Server
- [ ] 2.1 Endpoint (depends on 1.1)
- [ ] Without a number
## 10. Docs
- [ ] 10.1 Write them
"""


def test_openspec() -> None:
    found = read("openspec", OPENSPEC)
    assert rows(found) == [
        ("1.1", "done", (), ()),
        ("1.2", "pending", (), ("db/fill.sql", "db/more.sql")),
        ("2.1", "pending", ("1.1", "1.2"), ()),
        ("2.2", "pending", ("1.1", "1.2"), ()),
        ("10.1", "pending", ("2.1", "2.2"), ()),
    ]
    assert by_key(found)["1.2"].description == "- Run it twice."
    assert by_key(found)["2.2"].rest == {"group": "2. Server"}


KIRO = """\
# Implementation Plan

- [x] 1. Set up
  - Make the folders
  - _Requirements: 1.1, 2.3_
- [ ] 2. Models
- [ ] 2.1 Types
  - Files: src/types.ts
  - _Requirements: 1.2_
- [ ]* 2.2 Tests of the types
- [ ] 3. Page
"""


def test_kiro() -> None:
    found = read("kiro", KIRO)
    assert rows(found) == [
        ("1", "done", (), ()),
        ("2", "pending", ("1", "2.1", "2.2"), ()),
        ("2.1", "pending", ("1",), ("src/types.ts",)),
        ("2.2", "pending", ("1",), ()),
        ("3", "pending", ("2",), ()),
    ]
    tasks = by_key(found)
    assert tasks["1"].description == "- Make the folders"
    assert tasks["1"].rest == {"requirements": ["1.1", "2.3"]}
    assert tasks["2.2"].rest == {"optional": True}
    assert (tasks["2.1"].title, tasks["2.1"].parent) == ("Types", "2")


def test_kiro_says_itself_what_waits() -> None:
    text = "- [ ] 1. A\n- [ ] 2. B\n- [ ] 3. C\n  - _Depends: 1_\n"
    assert [one.dependencies for one in read("kiro", text).tasks] == [(), (), ("1",)]


HOME = "https://github.com/me/shop/issues"
GITHUB: list[dict[str, Any]] = [
    {"number": 1, "title": "All", "state": "OPEN", "url": f"{HOME}/1", "body": "",
     "subIssues": {"nodes": [{"number": 2, "url": f"{HOME}/2"}], "totalCount": 1}},
    {"number": 2, "title": "Server", "state": "OPEN", "url": f"{HOME}/2",
     "body": "Do it.\r\n\r\n## Files\r\n- [ ] src/api/\r\n- `src/a.py`, `src/b.py`\r\n\r\n"
             "## Acceptance criteria\r\n- [ ] it answers\r\n",
     "labels": [{"name": "api"}, {"name": "risk: High"}], "assignees": [{"login": "kim"}],
     "milestone": {"title": "v2", "number": 1}, "issueType": {"name": "Task"},
     "blockedBy": {"nodes": [{"number": 3, "state": "CLOSED"},
                             {"number": 7, "url": "https://github.com/me/lib/issues/7"}]}},
    {"number": 3, "title": "Schema", "state": "CLOSED", "body": None, "blocking": [],
     "labels": [], "url": f"{HOME}/3"},
    {"number": 4, "title": "Old gh", "state": "OPEN", "url": f"{HOME}/4", "body": "**Files:**\n"
     "src/c.py:12\n", "blocking": {"nodes": [{"number": 2}]}, "parent": {"number": 1}},
]  # fmt: skip


def test_github() -> None:
    found = read("github", GITHUB)
    assert (found.origin, found.goal_id) == ("github:me/shop", "shop")
    assert rows(found) == [
        ("1", "pending", ("2", "4"), ()),
        ("2", "pending", ("3", "me/lib#7", "4"), ("src/api/", "src/a.py", "src/b.py")),
        ("3", "done", (), ()),
        ("4", "pending", (), ("src/c.py",)),
    ]
    server = by_key(found)["2"]
    assert (server.acceptance, server.risk, server.parent) == (("it answers",), "high", "1")
    assert server.rest == {
        "url": f"{HOME}/2", "labels": ["api", "risk: High"], "assignees": ["kim"],
        "milestone": "v2", "issueType": "Task",
    }  # fmt: skip
    assert "\r" not in server.description


def _link(name: str) -> dict[str, str]:
    return {"identifier": name}


LINEAR: dict[str, Any] = {
    "data": {"team": {"name": "Web", "issues": {
        "nodes": [
            {"id": "u1", "identifier": "WEB-1", "title": "Whole", "state": {"type": "started"},
             "children": {"nodes": [{"id": "u2"}]}, "priority": 2},
            {"id": "u2", "identifier": "WEB-2", "title": "Part", "estimate": 5,
             "description": "## Files\n- src/a.ts", "state": {"name": "Todo", "type": "unstarted"},
             "relations": {"nodes": [
                 {"type": "blocks", "relatedIssue": _link("WEB-3")},
                 {"type": "related", "relatedIssue": _link("WEB-4")}]},
             "labels": {"nodes": [{"name": "Security"}]}},
            {"id": "u3", "identifier": "WEB-3", "title": "After", "state": {"type": "backlog"},
             "inverseRelations": {"nodes": [{"type": "blocks", "issue": {"id": "u4"}}]}},
            {"id": "u4", "identifier": "WEB-4", "title": "Never", "state": {"type": "canceled"}},
        ],
        "pageInfo": {"hasNextPage": True},
    }}}
}  # fmt: skip


def test_linear() -> None:
    found = read("linear", LINEAR)
    assert found.origin == "linear:WEB"
    assert rows(found) == [
        ("WEB-1", "pending", ("WEB-2",), ()),
        ("WEB-2", "pending", (), ("src/a.ts",)),
        ("WEB-3", "pending", ("WEB-2", "WEB-4"), ()),
        ("WEB-4", "done", (), ()),
    ]
    part = by_key(found)["WEB-2"]
    assert (part.estimate, part.risk, part.parent) == (5, "security", "WEB-1")
    assert part.rest["relations"] == [{"type": "related", "relatedIssue": _link("WEB-4")}]
    assert part.rest["state"] == {"name": "Todo", "type": "unstarted"}
    assert [one.reason for one in found.left_out] == ["there are more pages after these 4 issues"]
    nodes = LINEAR["data"]["team"]["issues"]["nodes"]
    assert rows(read("linear", nodes)) == rows(found)


def test_claude_tasks() -> None:
    files: list[dict[str, Any]] = [
        {"id": "1", "subject": "Schema", "description": "", "status": "completed",
         "blocks": ["2"], "blockedBy": [], "activeForm": "Making it"},
        {"id": "2", "subject": "Server", "description": "## Files\n- src/a.py\n", "owner": "kim",
         "status": "in_progress", "blocks": [], "blockedBy": ["10"],
         "metadata": {"touches": "src/b.py, src/c.py", "own": 1}},
        {"id": "10", "subject": "Late", "status": "pending"},
    ]  # fmt: skip
    texts = [SourceText(name=f"{one['id']}.json", text=json.dumps(one)) for one in files]
    found = read_claude_tasks(texts, "s1")
    assert found.origin == "claude-tasks:s1"
    assert rows(found) == [
        ("1", "done", (), ()),
        ("2", "pending", ("1", "10"), ("src/b.py", "src/c.py", "src/a.py")),
        ("10", "pending", (), ()),
    ]
    assert by_key(found)["2"].rest == {
        "owner": "kim", "status": "in_progress",
        "metadata": {"touches": "src/b.py, src/c.py", "own": 1},
    }  # fmt: skip


def test_omk() -> None:
    delivery = {"branch": "b", "status": "merged", "odd": [1]}
    graph = {
        "version": 1, "goal_id": "g", "generated_at": "2026-01-02T00:00:00Z", "unknown": 1,
        "tasks": [
            {"id": "a", "title": "A", "status": "done", "owner_role": "executor", "risk": "High",
             "dependencies": [], "read_set": [], "write_set": ["project files"],
             "acceptance": ["ok"], "evidence": ["e.txt"], "completed_at": "2026-01-02T00:00:00Z",
             "retry_count": 1, "max_retries": 3, "lease_expires_at": None, "delivery": delivery},
            {"id": "b", "title": "B", "status": "in_progress", "dependencies": ["a"],
             "write_set": "src/", "new_field": {"x": [None, 2]}},
        ],
    }  # fmt: skip
    found = read("omk", graph)
    assert found.graph == {"version": 1, "goal_id": "g", "generated_at": "2026-01-02T00:00:00Z"}
    first, second = found.tasks
    assert (first.key, first.status, first.rest) == ("a", "done", {})
    assert first.more == {
        "title": "A", "owner_role": "executor", "risk": "High", "read_set": [],
        "write_set": ["project files"], "acceptance": ["ok"], "evidence": ["e.txt"],
        "completed_at": "2026-01-02T00:00:00Z", "retry_count": 1, "max_retries": 3,
        "delivery": delivery,
    }  # fmt: skip
    assert (second.status, second.dependencies) == ("pending", ("a",))
    assert second.rest == {"status": "in_progress", "write_set": "src/", "new_field": {"x": [2]}}


MARKDOWN = """\
# Next
- [ ] Token endpoint
  Files: `src/token.py`, src/errors.py
  - [x] expired ones are refused
  - [ ] logged
    with the reason
- [x] 2.1 Schema
* [ ] WEB-7: Page (depends on WEB-8)
  - After: Token endpoint, 2.1

Some text
    - [ ] is no item of it

## Later
1. [ ] Token endpoint
- no box
"""


def test_markdown() -> None:
    found = read("markdown", MARKDOWN)
    assert rows(found) == [
        ("token-endpoint", "pending", (), ("src/token.py", "src/errors.py")),
        ("2.1", "done", (), ()),
        ("WEB-7", "pending", ("WEB-8", "token-endpoint", "2.1"), ()),
        ("is-no-item-of-it", "pending", (), ()),
        ("token-endpoint-2", "pending", (), ()),
    ]
    first = found.tasks[0]
    assert first.acceptance == ("expired ones are refused", "logged")
    assert first.description == "with the reason"
    assert first.rest == {"section": "Next", "checked": ["expired ones are refused"]}
    assert by_key(found)["token-endpoint-2"].rest == {"section": "Next / Later"}


def test_markdown_subtasks_are_parts() -> None:
    found = read("markdown", MARKDOWN, subtasks=True)
    assert [(one.key, one.parent, one.status) for one in found.tasks][:3] == [
        ("token-endpoint", None, "pending"),
        ("token-endpoint.expired-ones-are-refused", "token-endpoint", "done"),
        ("token-endpoint.logged", "token-endpoint", "pending"),
    ]
    assert found.tasks[0].dependencies == (
        "token-endpoint.expired-ones-are-refused", "token-endpoint.logged",
    )  # fmt: skip


@pytest.mark.parametrize("format_", FORMATS)
@pytest.mark.parametrize("text", ["", "[", "{}", "[1]", "null", '{"a": 1, "a": 2}', "\x00", "text"])
def test_what_is_no_such_format_is_refused(format_: str, text: str) -> None:
    try:
        found = read(format_, text)
    except (InputError, GraphError):
        return
    assert (format_, text) in {("beads", ""), ("github", "[]")} or not found.tasks


@pytest.mark.parametrize("format_", ["taskmaster", "beads", "github", "linear", "omk"])
def test_json_that_is_nested_too_deep_is_refused(format_: str) -> None:
    with pytest.raises(GraphError):
        read(format_, '[{"id": ' + "[" * 5000 + "]" * 5000 + "}]")


@pytest.mark.parametrize("format_", ["speckit", "openspec", "kiro", "markdown", "beads", "github"])
@pytest.mark.parametrize("piece", ["#", "(", ")", "`", " ", "- [ ] ", "a/", "x://", "_", "[", "*"])
def test_long_lines_take_no_time(format_: str, piece: str) -> None:
    line = piece * (200_000 // len(piece))
    text = f"- [ ] T1 1. x {line}\n  {line}\n# {line}\n"
    issues = [{"id": "a-1", "number": 1, "description": text, "body": text}]
    read(format_, issues if format_ in {"beads", "github"} else f"- [ ] T001 a\n- [ ] 1. b\n{text}")
