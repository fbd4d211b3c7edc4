"""The commands that README and docs/ show: each one is there, and those of README and the page on curl are run."""

import json
import re
import shlex
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path

import click
import pytest

from app.cli import main
from feeds.scope import SCOPES, written

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
_BLOCK = re.compile(r"^```\w*\n(.*?)^```", re.DOTALL | re.MULTILINE)
_INLINE = re.compile(r"`(closures [^`]+)`")
STARTS = datetime.now(UTC).replace(microsecond=0) + timedelta(days=60)
CLOSURE = (
    "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//a//b//EN\r\nBEGIN:VEVENT\r\nUID:docs-1\r\n"
    f"DTSTAMP:20270101T000000Z\r\nDTSTART:{STARTS:%Y%m%dT%H%M%SZ}\r\n"
    f"DTEND:{STARTS + timedelta(hours=4):%Y%m%dT%H%M%SZ}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
)


def blocks(page):
    return _BLOCK.findall((ROOT / page).read_text(encoding="utf-8"))


def shown_commands():
    """Every command line of ours that a page shows, with the page's name."""
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        lines = [line.strip() for block in _BLOCK.findall(text) for line in block.splitlines()]
        ours = [line.partition(".venv/bin/")[2] or line for line in lines]
        for line in [*_INLINE.findall(text), *(line for line in ours if line.startswith("closures "))]:
            yield page.name, re.split(r"\s#|\s{3,}|\s<\s|&&", line)[0].strip()


def spelled_out(line):
    """Turn ``notify list | remove ID`` and ``keep|drop`` into one command each; brackets are only marks."""
    words = shlex.split(re.sub(r"[\[\]]", "", line).replace(" | ", "|"))
    if len(words) > 3 and "|" in line and "|" in words[2]:
        words = [words[0], words[1], "|".join(word for word in " ".join(words[2:]).split("|"))]
        head, tail = words[:2], words[2]
        return [[*head, *one.split()] for one in tail.split("|")]
    return [list(one) for one in product(*(word.split("|") for word in words))]


def unknown_in(words):
    """Return what the command line does not know of a command: a command, or an option."""
    command, left = main, words[1:]
    context = click.Context(main)
    while left and isinstance(command, click.Group):
        found = command.get_command(context, left[0])
        if found is None:
            return [left[0]]
        command, left = found, left[1:]
    known = {name for one in command.params for name in (*one.opts, *one.secondary_opts)} | {"--help"}
    return [word for word in left if word.startswith("--") and word.partition("=")[0] not in known]


def test_every_command_that_a_page_shows_is_there():
    shown = list(shown_commands())
    strange = [
        (page, line, unknown) for page, line in shown for one in spelled_out(line) if (unknown := unknown_in(one))
    ]
    assert strange == []
    assert {page for page, _ in shown} >= {"README.md", "operating.md", "questions.md", "curl.md"}


@pytest.fixture
def shell(visitor):
    """Return a function that runs a line of a page as its reader would, and gives what it printed."""
    if shutil.which("curl") is None:
        pytest.skip("NOT RUN: there is no curl here")
    programs = Path(sys.executable).parent

    def run(line):
        line = line.replace(".venv/bin/", f"{programs}/").replace("http://127.0.0.1:8000", visitor.base)
        line = line.replace("https://closures.example.org", visitor.base)
        environ = visitor.environ | {"HOME": str(visitor.folder)}
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", line], cwd=visitor.folder, env=environ, capture_output=True, text=True,
            timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode == 0, (line, done.stdout, done.stderr)
        return done.stdout

    return run


def test_readme_gives_a_notice_and_reads_it_back(visitor, shell):
    (block,) = (one for one in blocks("README.md") if "user add" in one)
    (visitor.folder / "closures.ics").write_text(CLOSURE, newline="")
    commands = [_for_zeta(line) for line in block.splitlines() if line]
    said = [shell(line) for line in commands if not line.startswith("curl")]
    password = re.search(r"gwfp_\w+", said[2])[0]
    feed, token = re.search(r"feeds/(\w+)\.ics", said[3])[1], re.search(r"gwff_\w+", said[3])[0]
    give, read = (line for line in commands if line.startswith("curl"))
    (ack,) = json.loads(shell(give.replace("gwfp_...", password)))["accepted"]
    assert (ack["gateway"], ack["starts"], ack["revision"]) == ("GW-ZETA-1", f"{STARTS:%Y-%m-%dT%H:%M:%SZ}", 1)
    octets = shell(read.replace("gwff_...", token).replace("ID", feed))
    assert (octets.startswith("BEGIN:VCALENDAR"), ack["reference"] in octets) == (True, True)


def test_readme_asks(visitor, shell):
    (block,) = (one for one in blocks("README.md") if "closures closed" in one)
    gateway = visitor.run("gateway", "list")["gateways"][0]["code"]
    said = [shell(line.replace("GW-ALPHA-1", gateway)) for line in block.splitlines() if line]
    assert [bool(one.strip()) for one in said] == [True, True, True]


def test_the_page_on_curl(visitor, shell):
    feed = visitor.welcome["feed"]
    keep, cron, send = blocks("docs/clients/curl.md")
    for line in keep.splitlines():
        shell(line.replace("TOKEN", feed["token"]).replace("ID", feed["username"]))
    first = (visitor.folder / "closures.ics").read_bytes()
    assert first.startswith(b"BEGIN:VCALENDAR")
    line = cron.partition("* * * * ")[2].replace("ID", feed["username"])
    shell(line)
    written = (visitor.folder / "closures.ics").stat().st_mtime_ns
    shell(line)
    assert (visitor.folder / "closures.ics").stat().st_mtime_ns == written  # a 304 left it alone

    visitor.run("user", "add", "ZETA", "Zeta Energy")
    visitor.run("gateway", "add", "ZETA", "GW-ZETA-1")
    own = visitor.run("token", "add", "--user", "ZETA", "--label", "curl")
    (visitor.folder / ".closures-curl").write_text(f'user = "ZETA:{own["token"]}"\n')
    (visitor.folder / "closure.ics").write_text(CLOSURE, newline="")
    found, put, gone = (
        shell(line.replace("CODE", "ZETA").replace("GATEWAY", "GW-ZETA-1")) for line in send.splitlines()
    )
    assert "/dav/calendars/ZETA/GW-ZETA-1/" in found
    assert (" 201 " in put, "X-Closure-Receipt" in put, gone) == (True, True, "")


def _for_zeta(line):
    return line.replace("Alpha", "Zeta").replace("ALPHA", "ZETA")


def test_the_page_on_pages_lists_every_scope():
    text = (ROOT / "docs" / "pages.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([a-z:A-Z]+)` \| (.*) \|$", text.partition("## What a feed is about")[2], re.MULTILINE)
    assert rows == [(written(kind), row.words.format("CODE")) for kind, row in SCOPES.items()]
