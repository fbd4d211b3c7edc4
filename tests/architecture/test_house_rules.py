"""The rules a linter cannot hold."""

import ast
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


def test_app_package_runs_no_code():
    body = ast.parse((ROOT / "app/__init__.py").read_text()).body
    assert [type(node) for node in body] == [ast.Expr]


@pytest.mark.parametrize("package", ["app.domain", "feeds"])
def test_importing_the_pure_packages_loads_nothing_heavy(package):
    code = (
        f"import pkgutil, importlib, sys, {package} as p\n"
        "for m in pkgutil.walk_packages(p.__path__, p.__name__ + '.'): importlib.import_module(m.name)\n"
        f"print(*sorted({HEAVY!r} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
