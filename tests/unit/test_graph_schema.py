"""The JSON Schema says what the loader does."""

import json

import msgspec

from gitslices.core.model import Task, TaskGraph
from gitslices.graph.schema import make_graph_schema


def test_the_schema_knows_every_key_and_no_other() -> None:
    definitions = make_graph_schema()["$defs"]
    graph, task, defaults = (definitions[name] for name in ("TaskGraph", "Task", "Defaults"))
    assert set(graph["properties"]) == {*fields(TaskGraph), "defaults"}
    assert set(task["properties"]) == fields(Task)
    assert set(defaults["properties"]) == fields(Task) - {"id"}
    assert not any(each["additionalProperties"] for each in (graph, task, defaults))


def fields(kind: type[msgspec.Struct]) -> set[str]:
    return {field.name for field in msgspec.structs.fields(kind)}


def test_only_tasks_and_their_ids_are_required() -> None:
    definitions = make_graph_schema()["$defs"]
    assert definitions["TaskGraph"]["required"] == ["tasks"]
    assert definitions["TaskGraph"]["properties"]["tasks"]["minItems"] == 1
    assert definitions["Task"]["required"] == ["id"]
    assert "required" not in definitions["Defaults"]


def test_every_key_is_described() -> None:
    definitions = make_graph_schema()["$defs"]
    for name in ("TaskGraph", "Task", "Defaults"):
        for key, schema in definitions[name]["properties"].items():
            assert schema.get("description") or "$ref" in schema, key


def test_the_schema_is_json_and_always_the_same() -> None:
    assert json.dumps(make_graph_schema()) == json.dumps(make_graph_schema())
    assert make_graph_schema()["$ref"] == "#/$defs/TaskGraph"
