"""Each import rule catches what it is there to catch: plant a violation in a copy of the tree and see it go red."""

import ast
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LINT = "from importlinter.cli import lint_imports_command; lint_imports_command()"

# (contract that must catch it, file that is written or added to, what is planted there)
PLANTED = [
    ("direction", "app/domain/window.py", "import app.security"),
    ("direction", "app/settings.py", "import app.security"),
    ("direction", "app/security/planted.py", "import app.store"),
    ("direction", "app/store/planted.py", "import app.register"),
    ("reading-between", "app/register/planted.py", "import app.intake.planted_too"),
    ("direction", "app/intake/planted.py", "import app.register"),
    ("ical-alone", "app/ical/planted.py", "import app.domain.refusal"),
    ("direction", "app/publishing.py", "import app.web"),
    ("direction", "app/jobs/planted.py", "import app.web"),
    ("direction", "app/web/planted.py", "import app.factory"),
    ("direction", "app/factory.py", "import app.cli"),
    ("direction", "app/planted.py", '"""A module in no layer."""'),
    ("feeds-alone", "feeds/entry.py", "from app.domain import window"),
    ("feeds-pure", "feeds/entry.py", "import sqlalchemy"),
    ("feeds-pure", "feeds/freshness.py", "import os"),
    ("feeds-inside", "feeds/entry.py", "from feeds import event"),
    ("feeds-inside", "feeds/event.py", "from feeds import header"),
    ("feeds-inside", "feeds/planted.py", '"""A module in no layer."""'),
    ("domain-pure", "app/domain/window.py", "import feeds"),
    ("domain-pure", "app/domain/closure.py", "import logging"),
    ("domain-pure", "app/domain/working_days.py", "import holidays"),
    ("domain-inside", "app/domain/window.py", "from app.domain import closure"),
    ("domain-inside", "app/domain/planted.py", '"""A module in no layer."""'),
    ("sql-home", "app/web/planted.py", "from sqlalchemy import select"),
    ("sql-home", "app/register/planted.py", "import sqlite3"),
    ("crypto-home", "app/store/planted.py", "from cryptography.fernet import Fernet"),
    ("crypto-home", "app/web/planted.py", "import hmac"),
    ("flask-home", "app/register/planted.py", "from flask import request"),
    ("flask-home", "app/cli/planted.py", "import werkzeug.exceptions"),
    ("icalendar-home", "app/web/planted.py", "from icalendar import Calendar"),
    ("icalendar-home", "app/register/planted.py", "import recurring_ical_events"),
    ("jobs-home", "app/web/planted.py", "from apscheduler.schedulers.background import BackgroundScheduler"),
    ("caldav-home", "app/jobs/planted.py", "from caldav.davclient import DAVClient"),
    ("caldav-home", "app/pulling/http_client.py", "import urllib3"),
    ("network-home", "app/pulling/fetch.py", "import ssl"),
    ("network-home", "app/web/planted.py", "import socket"),
    ("settings-home", "app/web/planted.py", "from app.settings import Settings"),
    ("closures-written-once", "app/web/planted.py", "from app.store import closures"),
    ("closures-written-once", "app/jobs/planted.py", "import app.store.closures"),
    ("caldav-protocol", "app/caldav/methods/get_put.py", "from app.register import members"),
    ("acyclic", "app/register/planted.py", "import app.register.planted_too"),
]


@pytest.fixture
def tree(tmp_path):
    """A copy of the two packages and of the rules, with three innocent files that plantings lean on."""
    for package in ("app", "feeds"):
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__", "static"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    (tmp_path / "app/intake/planted_too.py").write_text('"""The other end of a planted import."""\n')
    (tmp_path / "app/register/planted_too.py").write_text("import app.register.planted\n")
    (tmp_path / "app/register/planted.py").write_text('"""Imported by its neighbour."""\n')
    return tmp_path


def lint(tree, *arguments):
    """Exit status and the last line's counts, as ``lint-imports`` gives them."""
    done = subprocess.run(
        [sys.executable, "-c", LINT, "--no-cache", "--no-logo", *arguments],
        cwd=tree,
        capture_output=True,
        text=True,
        check=False,
    )
    counted = re.search(r"Contracts: (\d+) kept, (\d+) broken", done.stdout)
    assert counted, done.stdout + done.stderr
    return done.returncode, int(counted[1]), int(counted[2]), done.stdout


def test_the_tree_keeps_every_rule(tree):
    status, kept, broken, said = lint(tree)
    assert (status, broken) == (0, 0), said
    assert kept == (ROOT / "pyproject.toml").read_text().count("[[tool.importlinter.contracts]]")


@pytest.mark.parametrize(("contract", "path", "planted"), PLANTED, ids=lambda part: str(part).replace("/", "."))
def test_a_planted_violation_is_caught(tree, contract, path, planted):
    with (tree / path).open("a") as file:
        file.write(f"\n{planted}\n")
    assert lint(tree, "--contract", contract)[:3] == (1, 0, 1)


def test_every_rule_has_a_violation_planted():
    named = set(re.findall(r'^id = "([a-z-]+)"$', (ROOT / "pyproject.toml").read_text(), re.MULTILINE))
    assert {contract for contract, _, _ in PLANTED} == named


@pytest.mark.parametrize("path", sorted((ROOT / "app/domain").glob("*.py")), ids=lambda path: path.stem)
def test_the_domain_needs_the_standard_library_alone(path):
    roots = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            roots |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            roots.add(node.module.split(".")[0])
    assert roots - sys.stdlib_module_names - {"app"} == set()
