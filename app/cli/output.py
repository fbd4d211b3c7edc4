"""One way of speaking: JSON for programs, lines and tables for people, a refusal as two lines and exit status 1."""

import gc
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from importlib import import_module
from typing import Any

import click

from app.domain.london import Reading
from app.domain.refusal import NoticeUnreadable, Refusal, sentence_of

_JSON = "closures.json"
_STATED = "closures.json-stated"
_READ_AS = {
    Reading.FIRST_OF_TWO: "The clocks go back then: of the two such times, the first was taken.",
    Reading.AFTER_GAP: "The clocks go forward then and skip that time: the end of the gap was taken.",
}


class Program(click.Group):
    """The outermost command: here a refusal becomes words, or JSON, and exit status 1; what is not understood, 2.

    ``files`` says which commands stand in which file beside this one; a file is loaded when one of its is asked for.
    """

    def __init__(self, *args: Any, files: Mapping[str, Sequence[str]], **more: Any) -> None:
        super().__init__(*args, **more)
        self._files = {name: file for file, names in files.items() for name in names}

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's
        """Return the names of all commands, in order."""
        return sorted(self._files)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command by its name, None where there is none."""
        if cmd_name in self._files and cmd_name not in self.commands:
            # What is loaded stays: to look through it again and again for what may go is an eighth of loading it.
            gc.disable()
            module = import_module(f"app.cli.{self._files[cmd_name]}")
            gc.enable()
            self.add_command(getattr(module, cmd_name.replace("-", "_")))
        return super().get_command(ctx, cmd_name)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Note whether JSON is asked for: what cannot be understood is told in it as well."""
        ctx.meta[_STATED] = "--json" in args
        return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; answer its refusal."""
        try:
            return super().invoke(ctx)
        except click.UsageError as problem:
            if not ctx.meta[_STATED]:
                raise
            remedy = f"`{problem.ctx.command_path} --help` says how." if problem.ctx else ""
            facts = {"refused": problem.format_message(), "remedy": remedy, "code": "usage", "problems": []}
            click.echo(json.dumps(facts, ensure_ascii=False), err=True)
            raise click.exceptions.Exit(problem.exit_code) from problem
        except Refusal as refusal:
            _speak(refusal, as_json=bool(ctx.meta.get(_JSON)))
            raise click.exceptions.Exit(1) from refusal


def _speak(refusal: Refusal, *, as_json: bool) -> None:
    problems = refusal.problems if isinstance(refusal, NoticeUnreadable) else ()
    if as_json:
        from app.register.receipts import problem_facts  # noqa: PLC0415 - half of the service, before a command asks for it

        facts = {
            "refused": refusal.text,
            "remedy": refusal.remedy,
            "code": refusal.code,
            "problems": [problem_facts(problem) for problem in problems],
        }
        click.echo(json.dumps(facts, ensure_ascii=False), err=True)
        return
    click.echo(refusal.text, err=True)
    if refusal.remedy:
        click.echo(refusal.remedy, err=True)
    for entry in problems:
        click.echo(sentence_of(entry), err=True)


def examples(*lines: str) -> str:
    """Return examples for the end of a help text, each on a line of its own."""
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)


def json_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command ``--json``; ``say`` and ``wants_json`` know whether it was asked for."""

    @click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")
    @wraps(command)
    def with_json(*args: Any, as_json: bool, **options: Any) -> Any:
        click.get_current_context().meta[_JSON] = as_json
        return command(*args, **options)

    return with_json


def wants_json() -> bool:
    """Tell whether the command was asked for JSON."""
    return bool(click.get_current_context().meta.get(_JSON))


def say(facts: object, *lines: str, aside: bool = False) -> None:
    """Print ``facts`` as JSON to a program, or ``lines`` to a person; ``aside`` where standard output has the work."""
    if wants_json():
        click.echo(json.dumps(facts, ensure_ascii=False, indent=2), err=aside)
        return
    for line in lines:
        click.echo(line, err=aside)


def table(headings: Sequence[str], rows: Sequence[Sequence[object]], *, empty: str) -> list[str]:
    """Lay rows out in columns under their headings; ``empty`` is the one line where there are none."""
    if not rows:
        return [empty] if empty else []
    cells = [[heading.upper() for heading in headings], *([_cell(value) for value in row] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells]


def altered_lines(noun: str, ids: Sequence[str], command: str) -> list[str]:
    """Name the rows of a list that cannot be read, each with the command that ends it."""
    return [f"The {noun} {row_id} cannot be read: it was altered. End it: {command} {row_id}" for row_id in ids]


def _cell(value: object) -> str:
    """Word a value for a column. What others wrote (a label, a client's name) must not steer the terminal."""
    text = "-" if value is None or value == "" else str(value)
    return "".join(character if character.isprintable() else "?" for character in text)


def note_reading(how: Reading) -> None:
    """Say how a time was read where the clocks change."""
    if how in _READ_AS and not wants_json():
        click.echo(_READ_AS[how], err=True)


class Counter:
    """Says how far a long job is, in place; silent where nobody looks at a terminal."""

    def __init__(self, words: str) -> None:
        self._words = words
        self._done = 0
        self._shown = sys.stderr.isatty() and not wants_json()

    def __call__(self, more: int) -> None:
        """Count ``more`` pieces done."""
        self._done += more
        if self._shown:
            click.echo(f"\r{self._done} {self._words}", nl=False, err=True)

    def close(self) -> None:
        """End the line."""
        if self._shown:
            click.echo(err=True)
