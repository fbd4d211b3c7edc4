"""The program as a whole: exit codes, help, JSON and completion, in a process of its own."""

import json
import re

import click
import pytest
from click.testing import CliRunner

from app.cli import main


def commands(group=main, path=()):
    for name in sorted(group.list_commands(None)):
        command = group.get_command(None, name)
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))
        else:
            yield (*path, name), command


# Processes that serve until they are stopped: they answer nobody.
SERVERS = {("serve",), ("work",)}


def test_commands_are_those_of_the_contract():
    assert {" ".join(path) for path, _ in commands()} == {
        *(
            "up",
            "serve",
            "work",
            "sweep",
            "db upgrade",
            "clock check",
            "clock confirm",
            "db check",
            "db adopt",
            "backup",
            "restore",
            "keys export",
            "keys rotate",
            "keys status",
            "keys shred",
        ),
        *(
            "user add",
            "user list",
            "gateway add",
            "gateway list",
            "account add",
            "account list",
            "account link",
            "account afresh",
        ),
        *("account desks", "account end-desk"),
        *("token add", "token list", "token revoke"),
        *("subscription add", "subscription list", "subscription revoke"),
        *("source add", "source list", "source poll", "source remove", "source agent"),
        *("notify add", "notify list", "notify change", "notify remove", "notify outbox", "notify resend"),
        *("notice import", "schedule", "late", "notice-period", "policy show", "policy set"),
        *(f"closure {verb}" for verb in ("show", "closed", "reopened", "still-closed", "take-back")),
        *(
            "closed",
            "clashes",
            "changes",
            "free-slots",
            "busiest",
            "silent",
            "moved",
            "insights",
            "reads",
            "late-report",
        ),
        *("maintenance import", "maintenance list", "maintenance remove"),
        *(f"maintenance source {verb}" for verb in ("add", "list", "poll", "remove", "agent")),
        *("record verify", "record checkpoint", "record export", "record key", "record evidence"),
        *("clock check", "clock confirm"),
    }


@pytest.mark.parametrize(("path", "command"), [case for case in commands() if case[0] not in SERVERS])
def test_every_command_has_json_and_an_example(path, command):
    assert "--json" in {name for parameter in command.params for name in parameter.opts}
    shown = CliRunner().invoke(main, [*path, "--help"], prog_name="closures").stdout
    assert f"closures {' '.join(path)}" in shown.partition("Examples:")[2]


def test_what_is_not_understood_exits_with_2(script):
    assert script("schedule", "--form", "2026-01-01").exit_code == 2
    assert script("no-such-command").exit_code == 2


def test_what_is_refused_exits_with_1_in_two_lines(script):
    said = script("user", "list")
    assert said.exit_code == 1
    assert said.stdout == ""
    assert said.stderr.splitlines() == [
        "The database is empty.",
        "Run `closures db upgrade` (`closures up` does it by itself).",
    ]


def test_what_is_refused_is_json_to_a_program(script):
    said = script("user", "list", "--json")
    assert (said.exit_code, said.stdout) == (1, "")
    assert json.loads(said.stderr) == {
        "refused": "The database is empty.",
        "remedy": "Run `closures db upgrade` (`closures up` does it by itself).",
        "code": "store-unfit",
        "problems": [],
    }


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("schedule", "--form", "2026-01-01"), "No such option '--form'."),
        (("user", "add", "--json"), "Missing argument 'CODE'."),
        (("no-such-command",), "No such command 'no-such-command'."),
    ],
)
def test_what_is_not_understood_is_json_to_a_program_too(script, words, said):
    answer = script(*words, *(() if "--json" in words else ("--json",)))
    assert (answer.exit_code, answer.stdout) == (2, "")
    facts = json.loads(answer.stderr)
    assert facts["refused"].startswith(said.rstrip("."))
    assert (facts["code"], facts["problems"]) == ("usage", [])
    assert facts["remedy"].endswith("--help` says how.")


def test_a_bad_setting_names_the_variable_and_not_its_value(script):
    said = script("user", "list", CLOSURES_PORT="seventy-seven")
    assert said.exit_code == 1
    assert "CLOSURES_PORT" in said.stderr
    assert "seventy-seven" not in said.stderr


def test_a_first_day_by_the_program(script):
    assert script("db", "upgrade").exit_code == 0
    assert script("user", "add", "alpha", "Alpha Energy", "--json").json["code"] == "ALPHA"
    assert script("gateway", "add", "alpha", "gw-1").exit_code == 0
    assert script("token", "add", "--user", "ALPHA", "--label", "t", "--json").json["username"] == "ALPHA"
    assert script("schedule", "--json").json["closures"] == []


def test_shell_completion_offers_the_nouns(script):
    said = script(_CLOSURES_COMPLETE="bash_complete", COMP_WORDS="closures sub", COMP_CWORD="1")
    assert said.stdout == "plain,subscription\n"


def test_version_is_stated(script):
    assert re.fullmatch(r"closures, version \d+\.\d+\.\d+\n", script("--version").stdout)
