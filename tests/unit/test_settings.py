"""`.gitslices/config.toml`: read strictly, refused with everything that is wrong in it."""

from pathlib import Path

import pytest
from msgspec import Struct

from gitslices.core.model import Requirement, When
from gitslices.core.naming import SETTINGS_TABLES
from gitslices.system.settings import SettingsError, load_settings
from gitslices.system.settings_tables import (
    Gate,
    MergeSettings,
    NotifySettings,
    PlanTable,
    PublishSettings,
    RemoteSettings,
    RunSettings,
    Settings,
    Setup,
    SuggestSettings,
    Teardown,
)
from tests.support.repositories import write_settings


def load(root: Path, text: str | bytes) -> Settings:
    write_settings(root, text)
    return load_settings(root)


def find_problems(root: Path, text: str | bytes) -> list[tuple[str, str, str | None]]:
    with pytest.raises(SettingsError) as caught:
        load(root, text)
    return [(one.place, one.message, one.hint) for one in caught.value.problems]


def test_a_whole_file(tmp_path: Path) -> None:
    settings = load(
        tmp_path,
        """
        [setup]
        commands = ["npm ci", "make seed"]
        timeout = 90
        [gates]
        lint = "make lint"
        local_verification_wall = {command = "make check", timeout = 60.5}
        [merge]
        style = "squash"
        sync = "rebase"
        rerun_gates = true
        required_reviews = ["code_review"]
        """,
    )
    assert settings == Settings(
        setup=Setup(commands=("npm ci", "make seed"), timeout=90),
        gates={
            "lint": Gate(command="make lint"),
            "local_verification_wall": Gate(command="make check", timeout=60.5),
        },
        merge=MergeSettings(
            style="squash", sync="rebase", rerun_gates=True, required_reviews=("code_review",)
        ),
    )


def test_the_texts_to_approve_are_every_command_once(tmp_path: Path) -> None:
    settings = load(tmp_path, '[setup]\ncommands = ["a", "b", "a"]\n[gates]\nx = "b"\ny = "c"\n')
    assert settings.texts == ("a", "b", "c")
    settings = load(tmp_path, '[setup]\ncommands = ["a"]\n[notify]\ncommand = "n"\n')
    assert (settings.texts, settings.notify.timeout) == (("a", "n"), 10)


def test_the_gates_to_run_again_are_all_or_those_named_and_have_commands(tmp_path: Path) -> None:
    gates = '[gates]\nlint = "make lint"\nwall = "make check"\n'
    assert load(tmp_path, gates).rerun_gates == ()
    assert load(tmp_path, gates + "[merge]\nrerun_gates = true\n").rerun_gates == ("lint", "wall")
    named = gates + '[merge]\nrerun_gates = ["wall", "wall", "tests"]\n'
    assert find_problems(tmp_path, named) == [
        (
            "merge.rerun_gates",
            "gate 'tests' has no command to run again",
            "give it one under [gates]",
        )
    ]
    assert load(tmp_path, named.replace(', "tests"', "")).rerun_gates == ("wall",)


def test_gates_and_reviews_have_any_name_and_a_condition(tmp_path: Path) -> None:
    settings = load(
        tmp_path,
        """
        [gates.lint]
        command = "ruff check"
        when = { risk = ["high"], paths = ["src/", "*.py"] }
        [gates.local_verification_wall]
        command = "true"
        [merge]
        required_reviews = ["code_review", { review = "dba", when = { paths = ["db/"] } }]
        """,
    )
    lint = Requirement(name="lint", when=When(risk=("high",), paths=("src/", "*.py")))
    assert settings.gate_requirements == (lint,)
    assert settings.review_requirements == (
        Requirement(name="code_review"),
        Requirement(name="dba", when=When(paths=("db/",))),
    )


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ("[gates.lint]\ncommand = 'x'\nwhen = { pathes = [] }", "gates.lint.when",
         "expected a table with risk and paths, each a list of texts"),
        ("[gates.lint]\ncommand = 'x'\nwhen = { risk = 'high' }", "gates.lint.when.risk",
         "expected a table with risk and paths, each a list of texts"),
        ("[gates.lint]\ncommand = 'x'\nwhen = { paths = ['/etc'] }", "gates.lint.when.paths",
         "'/etc': it is an absolute path"),
        ("[gates]\n'../up' = 'x'", "gates", "'../up' is no name"),
        ("[merge]\nrequired_reviews = ['a b']", "merge.required_reviews", "'a b' is no name"),
        ("[merge]\nrequired_reviews = [{ kind = 'dba' }]", "merge.required_reviews[0]",
         "expected the name of a review, or a table with review and when"),
    ],
)  # fmt: skip
def test_a_wrong_condition_or_name_is_told(
    tmp_path: Path, text: str, place: str, message: str
) -> None:
    assert [one[:2] for one in find_problems(tmp_path, text)] == [(place, message)]


def test_no_file_means_the_defaults(tmp_path: Path) -> None:
    assert load_settings(tmp_path) == load(tmp_path, "") == Settings()


def test_every_mistake_is_reported_with_its_place(tmp_path: Path) -> None:
    problems = find_problems(
        tmp_path,
        """
        colour = "red"
        [setup]
        comands = ["npm ci"]
        timeout = 0
        commands = ["fine", " "]
        [gates]
        lint = 7
        wall = {timeout = 5}
        [merge]
        style = "octopus"
        rerun_gates = "yes"
        [setpu]
        """,
    )
    assert problems == [
        (
            "colour",
            "this key is not known",
            f"known here: {', '.join(SETTINGS_TABLES)}",
        ),
        ("setpu", "this key is not known", "is 'setup' meant?"),
        ("setup.comands", "this key is not known", "is 'commands' meant?"),
        ("setup.commands[1]", "expected a text that is not blank", None),
        ("setup.timeout", "expected a number of seconds above 0, one week at most", None),
        ("gates.lint", "expected a command, or a table with one", None),
        ("gates.wall", "it has no command", None),
        ("merge.style", "expected one of merge, squash and rebase", None),
        ("merge.rerun_gates", "expected true, false or a list of gates", None),
    ]


@pytest.mark.parametrize(
    ("kind", "table"),
    [
        (Setup, "setup"),
        (Teardown, "teardown"),
        (Gate, "gates.lint"),
        (MergeSettings, "merge"),
        (PlanTable, "plan"),
        (RunSettings, "run"),
        (NotifySettings, "notify"),
        (RemoteSettings, "remote"),
        (PublishSettings, "publish"),
        (SuggestSettings, "suggest"),
    ],
)
def test_every_key_says_what_it_expects(tmp_path: Path, kind: type[Struct], table: str) -> None:
    keys = kind.__struct_fields__
    wrong = "".join(f"{key} = 1979-05-27\n" for key in keys)
    problems = find_problems(tmp_path, f"[{table}]\n{wrong}")
    assert [place for place, _, _ in problems] == [f"{table}.{key}" for key in keys]
    assert all(message.startswith("expected ") for _, message, _ in problems)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[setup", "this is not TOML: Expected"),
        (b"x = '\xe9'", "this is not TOML: 'utf-8' codec"),
        ("x = " + "[" * 30_000, "its lists and tables are nested too deep"),
        ("#" * 70_000, "the file is larger than 64 KiB"),
        ("x = " + "9" * 5_000, "this is not TOML: Exceeds"),
    ],
    ids=["syntax", "encoding", "depth", "size", "digits"],
)
def test_a_hostile_file_is_one_problem(tmp_path: Path, text: str | bytes, says: str) -> None:
    ((place, message, _),) = find_problems(tmp_path, text)
    assert place == ""
    assert message.startswith(says)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / ".gitslices" / "config.toml").mkdir(parents=True)
    with pytest.raises(SettingsError, match=r"config\.toml' cannot be read"):
        load_settings(tmp_path)
