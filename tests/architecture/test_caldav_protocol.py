"""Every file of the CalDAV door is either of the protocol, which knows values alone, or of the side that knows the rest."""

import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
REST = ("app.domain", "app.intake", "app.publishing", "app.register", "app.security", "app.store", "flask", "werkzeug")


def test_what_knows_nothing_of_the_rest_is_held_to_it():
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    held = next(set(one["source_modules"]) for one in contracts if one["id"] == "caldav-protocol")
    knowing_nothing = {
        f"app.caldav.{path.stem}"
        for path in (ROOT / "app/caldav").glob("*.py")
        if path.stem != "__init__"
        and not any(f"\n{verb} {name}" in path.read_text() for verb in ("from", "import") for name in REST)
    }
    assert held <= knowing_nothing
    assert {"app.caldav.protocol", "app.caldav.backend", "app.caldav.rows", "app.caldav.report"} <= held
    assert {one for one in knowing_nothing - held if "app.caldav.noticeboard" not in one} <= {
        "app.caldav.feed_changes",
        "app.caldav.listings",
        "app.caldav.receipt_line",
    }
