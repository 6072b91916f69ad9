"""What belongs in the other of the two files says so."""

from pathlib import Path

import pytest

from gitslices.core.errors import GraphError
from gitslices.core.naming import GRAPH_FILE, SETTINGS_FILE, SETTINGS_TABLES
from gitslices.graph.load import load_graph
from gitslices.system.settings import SettingsError, load_settings
from gitslices.system.settings_tables import Settings
from tests.support.repositories import write_settings

TASKS = '[[tasks]]\nid = "a"\nwrite_set = ["src/"]\n'


def test_the_tables_of_the_settings_are_known_to_graphs() -> None:
    assert Settings.__struct_fields__ == SETTINGS_TABLES


@pytest.mark.parametrize("table", SETTINGS_TABLES)
def test_a_table_of_the_settings_in_a_graph(tmp_path: Path, table: str) -> None:
    (tmp_path / GRAPH_FILE).write_text(f"{TASKS}[{table}]\nlint = 'make lint'\n")
    with pytest.raises(GraphError) as caught:
        load_graph(tmp_path / GRAPH_FILE)
    (problem,) = caught.value.problems
    assert (problem.place, problem.hint) == (table, f"it belongs in the settings, {SETTINGS_FILE}")


@pytest.mark.parametrize(
    "text", [TASKS, "goal_id = 'g'\n", "version = 1\n", "[defaults]\n", "shared = []\n"]
)
def test_what_is_a_graph_s_in_the_settings(tmp_path: Path, text: str) -> None:
    write_settings(tmp_path, text)
    with pytest.raises(SettingsError) as caught:
        load_settings(tmp_path)
    (problem,) = caught.value.problems
    assert problem.hint == f"it belongs in the task graph, {GRAPH_FILE}"


def test_a_table_of_the_graph_s_name_inside_another_is_a_typo(tmp_path: Path) -> None:
    write_settings(tmp_path, "[setup]\ntasks = 1\n")
    with pytest.raises(SettingsError) as caught:
        load_settings(tmp_path)
    assert caught.value.problems[0].hint == "known here: commands, background, timeout, ports"
