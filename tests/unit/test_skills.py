"""What the shipped skills tell agents to run is there."""

import re
from pathlib import Path

import click
import pytest

from gitslices.cli.commands import COMMANDS
from gitslices.cli.main import app

SKILLS = Path(__file__).parents[2] / "gitslices" / "skills"
CALL = re.compile(r"gitslices ([a-z][^`\n]*)")


def find_faults(line: str) -> list[str]:
    """Commands and options of a line such as `task add ID --write PATTERN...` that do not exist."""
    context = click.Context(app)
    words = line.split("   ")[0].split()
    command = app.get_command(context, words[0]) if words[0] in COMMANDS else None
    if command is None:
        return [f"no command {words[0]}"]
    if isinstance(command, click.Group):
        parts = words[1].split("|") if len(words) > 1 else []
        if not set(parts) <= command.commands.keys():
            return [f"no command {words[0]} {words[1]}"]
        command = command.commands[parts[0]]
    known = {name for param in command.params for name in param.opts} | {"--help"}
    asked = {re.sub(r"[^a-z-]", "", word) for word in words if word.lstrip("[").startswith("--")}
    return [f"{words[0]}: no option {name}" for name in asked - known]


@pytest.mark.parametrize("skill", ["gitslices", "plan-slices"])
def test_every_command_in_a_skill_exists(skill: str) -> None:
    text = (SKILLS / skill / "SKILL.md").read_text()
    lines = [re.sub(r"[;.,].*$", "", one) for one in CALL.findall(text.partition("---\n")[2])]
    lines = [line for line in lines if line.split()[0] in COMMANDS or "`" in line]
    assert len(lines) > 6
    assert [fault for line in lines for fault in find_faults(line)] == []
