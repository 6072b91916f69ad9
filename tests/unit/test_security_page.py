"""SECURITY.md: every test that it relies on is there."""

import re
import sys
from pathlib import Path

import pytest

from gitslices.agents.adapters.table import ADAPTERS, load_adapter

ROOT = Path(__file__).parents[2]


def test_every_test_it_names_exists() -> None:
    named = re.findall(r"`([\w.]*)::(\w+)`", (ROOT / "SECURITY.md").read_text())
    assert len(named) > 30
    files = {path.name: path.read_text() for path in (ROOT / "tests").rglob("test_*.py")}
    file = ""
    for where, function in named:
        file = where or file
        assert f"def {function}(" in files[file], f"{file}::{function}"


def test_every_kind_of_trial_it_names_is_played() -> None:
    named = set(re.findall(r"`agents:([a-z]+)`", (ROOT / "SECURITY.md").read_text()))
    played = "".join(path.read_text() for path in (ROOT / "scripts" / "clients").glob("*.py"))
    assert len(named) > 8
    assert {kind for kind in named if f'"{kind}"' not in played} == set()


def test_it_names_each_client_by_its_version_and_the_number_of_its_trials(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    from clients.cases import make_cases
    from clients.programs import CLIENTS, VERSIONS

    text = (ROOT / "SECURITY.md").read_text()
    rows = dict(re.findall(r"^\| [\w ]+ \| ([\d.]+) \| (\d+) \|", text, re.MULTILINE))
    for name, (_, version) in VERSIONS.items():
        client = CLIENTS[name]
        cases = make_cases({}, {tool: one.ending for tool, one in client.changes.items()})
        played = [case for case in cases if client.takes_folder or not case.folder]
        assert rows[version] == str(len(played)), name
    for one in [one for one in sys.modules if one.split(".")[0] == "clients"]:
        monkeypatch.delitem(sys.modules, one)


def test_it_says_what_the_hooks_of_each_agent_do_not_see() -> None:
    text = " ".join((ROOT / "SECURITY.md").read_text().split())
    for name in ADAPTERS:
        for limit in load_adapter(name).limits:
            assert f"{name}: " in text
            assert limit.replace(" (write_stdin)", "") in text, (name, limit)
