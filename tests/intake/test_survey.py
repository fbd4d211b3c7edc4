"""The page in docs is what the survey prints."""

import runpy
from pathlib import Path

HERE = Path(__file__).parent


def test_the_page_is_what_is_printed():
    printed = runpy.run_path(str(HERE / "survey.py"))["survey"]()
    assert (HERE.parents[1] / "docs" / "intake-survey.md").read_text("utf-8") == printed
