"""Tasks changed in the text of a graph, and the rest of the text as it was."""

import pytest

from gitslices.core.errors import GraphError, InputError, UnknownSliceError
from gitslices.graph.edit import add_task, change_task, remove_task
from gitslices.graph.lines import GraphText
from gitslices.graph.load import check_text

TOML = """\
# head
goal_id = "g" # why

# first
[[tasks]]
id = "a"   # name
write_set = ["src/", # source
  "tests/",
]
[tasks.metadata]
x = 1

# second
# of them
[[tasks]]
id = "b"
write_set = []

# the rest
[defaults]
owner_role = "x"
"""
YAML = """\
# head
tasks:
  # first
  - id: a   # name
    write_set: [src/, tests/]   # source
    title: 'quoted: yes'

  # second
  - id: b
    write_set:
      - docs/   # d
# end
goal_id: g   # why
"""
NEW = {"id": "c", "write_set": ["a/", "!b"], "title": "no", "estimate": 2.5}


def text_of(form: str) -> GraphText:
    return GraphText(f"g.{form.lower()}", {"TOML": TOML, "YAML": YAML}[form], form)


def test_a_task_is_added_at_the_end_of_toml() -> None:
    assert add_task(text_of("TOML"), NEW).text == TOML + (
        '\n[[tasks]]\nid = "c"\ntitle = "no"\nwrite_set = ["a/", "!b"]\nestimate = 2.5\n'
    )


def test_a_task_is_added_to_the_list_in_yaml() -> None:
    added = "  - id: c\n    title: \"no\"\n    write_set:\n      - a/\n      - '!b'\n"
    added += "    estimate: 2.5\n"
    assert add_task(text_of("YAML"), NEW).text == YAML.replace("goal_id", added + "goal_id")


def test_new_fields_stand_in_their_task_and_not_below_the_next_comment() -> None:
    fields = {"title": "T", "write_set": ["q"]}
    assert change_task(text_of("TOML"), "a", fields).text == TOML.replace(
        'write_set = ["src/", # source\n  "tests/",\n]\n', 'write_set = ["q"]\ntitle = "T"\n\n'
    )
    changed = change_task(text_of("YAML"), "a", {"risk": "no", "title": "T"}).text
    assert changed == YAML.replace("name\n", 'name\n    risk: "no"\n').replace("quoted: yes", "T")


def test_a_task_goes_with_its_own_comment() -> None:
    first, second = TOML.index("# first"), TOML.index("# second")
    assert remove_task(text_of("TOML"), "a").text == TOML[:first] + TOML[second:]
    assert (
        remove_task(text_of("TOML"), "b").text == TOML[:second] + TOML[TOML.index("# the rest") :]
    )
    first, second = YAML.index("  # first"), YAML.index("  # second")
    assert remove_task(text_of("YAML"), "a").text == YAML[:first] + YAML[second:]
    assert remove_task(text_of("YAML"), "b").text == YAML[:second] + YAML[YAML.index("# end") :]


def test_json_keeps_its_margin() -> None:
    source = GraphText("g", '{\n\t"tasks": [\n\t\t{"id": "é"}\n\t]\n}\n', "JSON")
    made = add_task(source, {"id": "b"}).text
    assert made.startswith('{\n\t"tasks": [\n\t\t{\n\t\t\t"id": "é"\n\t\t},\n\t\t{\n')
    assert made.endswith("\n\t]\n}\n")


def test_a_graph_without_tasks_gets_its_first() -> None:
    for form, text in (("TOML", 'goal_id = "g"\n'), ("YAML", "goal_id: g\n"), ("JSON", "{}")):
        assert check_text(add_task(GraphText("g", text, form), NEW)).graph.tasks[0].id == "c"


@pytest.mark.parametrize("form", ["TOML", "YAML"])
def test_what_would_be_no_graph_is_refused(form: str) -> None:
    source = text_of(form)
    with pytest.raises(InputError, match="has a task 'a' already"):
        add_task(source, {"id": "a"})
    with pytest.raises(GraphError) as caught:
        add_task(source, {"id": "c", "dependencies": ["aa"]})
    assert caught.value.problems[0].message == "no task has the id 'aa'"
    with pytest.raises(GraphError):
        change_task(source, "a", {"status": "oops"})
    with pytest.raises(UnknownSliceError, match="has no task 'aa'"):
        change_task(source, "aa", {"title": "x"})
    waiting = change_task(source, "b", {"dependencies": ["a"]})
    with pytest.raises(InputError, match="'b' waits for task 'a'"):
        remove_task(waiting, "a")
    alone = remove_task(waiting, "b")
    with pytest.raises(InputError, match="the only task"):
        remove_task(alone, "a")
