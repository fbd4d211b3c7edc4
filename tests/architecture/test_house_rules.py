"""The rules a linter cannot hold."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MODULES = sorted([*ROOT.glob("app/**/*.py"), *ROOT.glob("feeds/**/*.py")])
HEAVY = {"flask", "sqlalchemy", "apscheduler", "caldav", "cryptography"}
BANNED_NAMES = {
    "utils",
    "util",
    "helpers",
    "helper",
    "common",
    "misc",
    "core",
    "base",
    "manager",
    "managers",
    "service",
    "services",
    "data",
    "models",
    "types",
    "constants",
    "handlers",
    "processor",
}


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_file_is_at_most_400_lines(path):
    assert len(path.read_text().splitlines()) <= 400


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_module_name_says_what_it_holds(path):
    assert path.stem not in BANNED_NAMES


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_module_opens_with_a_docstring(path):
    assert ast.get_docstring(ast.parse(path.read_text()))


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_function_is_at_most_60_lines(path):
    functions = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.FunctionDef)]
    lengths = {node.name: node.end_lineno - node.lineno + 1 for node in functions}
    assert {name: length for name, length in lengths.items() if length > 60} == {}


def test_app_package_runs_no_code():
    body = ast.parse((ROOT / "app/__init__.py").read_text()).body
    assert [type(node) for node in body] == [ast.Expr]


@pytest.mark.parametrize("module", ["app.wsgi", "app.worker", "app.cli"])
def test_no_process_loads_the_caldav_client_before_it_polls_a_collection(module, tmp_path):
    """It brings an HTTP library that replaces another one for the whole interpreter."""
    code = (
        f"import sys, os, {module}\n"
        "from app.factory import create_app, prepare, utc_now\n"
        "from app.settings import read_settings\n"
        f"settings = read_settings({{'CLOSURES_DATA_DIR': {str(tmp_path)!r}, 'CLOSURES_KEY_DIR': {str(tmp_path)!r}}})\n"
        "service = prepare(settings, utc_now())\n"
        "create_app(settings).test_client().get('/')\n"
        "import app.jobs.pulls\n"
        "print(*sorted({'caldav', 'niquests', 'urllib3', 'requests'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


@pytest.mark.parametrize("package", ["app.domain", "feeds"])
def test_importing_the_pure_packages_loads_nothing_heavy(package):
    code = (
        f"import pkgutil, importlib, sys, {package} as p\n"
        "for m in pkgutil.walk_packages(p.__path__, p.__name__ + '.'): importlib.import_module(m.name)\n"
        f"print(*sorted({HEAVY!r} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_what_the_makefile_names_is_there():
    lines = [line for line in (ROOT / "Makefile").read_text(encoding="utf-8").splitlines() if line.startswith("\t")]
    named = [word for line in lines for word in line.split() if re.fullmatch(r"(tests|\.ci)/[\w./]+", word)]
    assert [path for path in named if not (ROOT / path).exists()] == []
    assert len(named) > 8
