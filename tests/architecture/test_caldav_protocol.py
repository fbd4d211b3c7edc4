"""Every file of the CalDAV door is either of the protocol, which knows values alone, or of the side that knows the rest."""

import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
KNOWS_THE_REST = {"app.caldav.blueprint", "app.caldav.boards", "app.caldav.limits"}


def test_everything_but_the_boards_and_the_door_itself_is_held_to_values():
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    held = next(set(one["source_modules"]) for one in contracts if one["id"] == "caldav-protocol")
    there = {
        f"app.caldav.{path.stem}"
        for path in (ROOT / "app/caldav").iterdir()
        if path.stem not in {"__init__", "__pycache__"}
    }
    assert held | KNOWS_THE_REST == there
