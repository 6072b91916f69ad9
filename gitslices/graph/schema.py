"""The JSON Schema of task graph files, for editors that complete and check as one writes."""

from typing import Any, Final

import msgspec

from gitslices.core.model import TaskGraph
from gitslices.graph.rules import MAX_ID_LENGTH

_GRAPH: Final = {
    "version": "The version of this format.",
    "goal_id": "The name of the whole work; branches and worktrees are named after it.",
    "generated_at": "When the file was written, for the record.",
    "shared": "Files that many tasks append to: overlaps inside them force no order.",
    "relaxed": "Files that tasks may change at once; git merges them, and may find a conflict.",
    "tasks": "The tasks of the goal.",
}
_TASK: Final = {
    "id": "The name of the task, unlike every other in the file.",
    "title": "The task in one line; the id when there is none.",
    "description": "What is to be done.",
    "status": "A task that is done is not planned; a blocked one is planned and not given out.",
    "owner_role": "Who does it; executor where no task names anybody. Beside tasks with an owner"
    " one without is planned only if it writes everything.",
    "dependencies": "The ids of the tasks that have to be finished first.",
    "read_set": "What the task reads: paths and gitignore patterns, less each !entry.",
    "write_set": "What the task may change: paths and gitignore patterns, less each !entry.",
    "checkout_set": "What a sparse worktree has besides; it orders nobody.",
    "risk": "low, medium, high or any text; high, or security in it, adds a security gate.",
    "acceptance": "What must be true when the task is done.",
    "estimate": "What the task costs relative to the others.",
    "metadata": "Whatever else is to be kept with the task.",
    "completed_at": "When the task was done, for the record.",
    "evidence": "What shows that the task is done, for the record.",
    "retry_count": "How often the task was tried again, for the record.",
    "max_retries": "How often the task may be tried again, for the record.",
    "lease_expires_at": "Until when somebody had the task, for the record.",
    "delivery": "How the work was delivered, for the record.",
}
_EXAMPLES: Final[dict[str, list[object]]] = {
    "dependencies": [["schema"]],
    "read_set": [["docs/api.md"]],
    "write_set": [["src/api/", "tests/api/**/*.py", "!src/api/vendor/"]],
    "checkout_set": [["package.json", "tools/"]],
    "risk": ["low", "medium", "high"],
    "acceptance": [["expired tokens are refused"]],
}


def make_graph_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of a task graph file, in whichever of the formats."""
    (reference,), definitions = msgspec.json.schema_components(
        [TaskGraph], ref_template="#/$defs/{name}"
    )
    graph, task = definitions["TaskGraph"], definitions["Task"]
    _describe(graph, _GRAPH)
    _describe(task, _TASK)
    task["description"] = "One task; a key it lacks is taken from the defaults."
    task["properties"]["id"] |= {"minLength": 1, "maxLength": MAX_ID_LENGTH}
    del task["properties"]["title"]["default"]
    defaults = {name: each for name, each in task["properties"].items() if name != "id"}
    graph["properties"]["defaults"] = {"$ref": "#/$defs/Defaults"}
    graph["properties"]["tasks"] |= {"minItems": 1}
    graph["properties"]["version"] = {
        "const": 1, "default": 1, "description": _GRAPH["version"],
    }  # fmt: skip
    del graph["properties"]["tasks"]["default"]
    graph["required"] = ["tasks"]
    definitions["Defaults"] = {
        "title": "Defaults",
        "description": "What every task has that does not say otherwise.",
        "type": "object",
        "properties": defaults,
        "additionalProperties": False,
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "gitslices task graph",
        **reference,
        "$defs": definitions,
    }


def _describe(definition: dict[str, Any], descriptions: dict[str, str]) -> None:
    for name, schema in definition["properties"].items():
        schema["description"] = descriptions[name]
        if name in _EXAMPLES:
            schema["examples"] = _EXAMPLES[name]
