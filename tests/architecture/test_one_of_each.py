"""One name is one thing, and one idea has one home: what a reader learns of a word in one place holds in every other."""

import ast
import re
from collections import defaultdict
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MODULES = sorted([*ROOT.glob("app/**/*.py"), *ROOT.glob("feeds/**/*.py")])
TREES = {path.relative_to(ROOT).as_posix(): ast.parse(path.read_text(encoding="utf-8")) for path in MODULES}

HOMES = {
    # The idea: what a function that is it would be called, anywhere; the one module that may define it.
    "the fold from revisions to a closure": (r"_?(re)?fold(_(closures?|revisions|history))?", "app/domain/closure.py"),
    "the reader of calendar lines": (
        r"_?(unfold\w*|content_lines|(read|split)_lines|unescape\w*)",
        "app/ical/lines.py",
    ),
    "the JSON of a closure": (r"_?closure_(json|facts|as_json|to_json)", "feeds/closure_json.py"),
}


def functions(tree):
    return [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


def test_no_two_classes_have_one_name():
    homes = defaultdict(list)
    for path, tree in TREES.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                homes[node.name].append(path)
    assert {name: paths for name, paths in homes.items() if len(paths) > 1} == {}


@pytest.mark.parametrize("idea", HOMES)
def test_one_module_defines_it(idea):
    name, home = HOMES[idea]
    found = {path for path, tree in TREES.items() if any(re.fullmatch(name, each.name) for each in functions(tree))}
    assert found == {home}
