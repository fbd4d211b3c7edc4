"""Each row of the tables of docs/sheets.md is a sheet, and what the page says of it is what is read."""

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest

_SPEC = spec_from_file_location("sheet_variants", Path(__file__).with_name("sheet_variants.py"))
variants = module_from_spec(_SPEC)
_SPEC.loader.exec_module(variants)

PAGE = (Path(__file__).parents[2] / "docs" / "sheets.md").read_text(encoding="utf-8")
CELLS = variants.table_of(PAGE, "| starts |")
FILES = variants.table_of(PAGE, "| file |")


@pytest.mark.parametrize(("starts", "ends", "beside", "said"), CELLS)
def test_cells(starts, ends, beside, said):
    octets = variants.file_of_cells(*(cell.strip("`") for cell in (starts, ends, beside)))
    assert variants.words_of(octets, without_row=3) == said


@pytest.mark.parametrize(("name", "said"), FILES)
def test_files(name, said):
    assert variants.words_of(variants.FILES[name]) == said


def test_the_page_has_every_file_once():
    assert sorted(name for name, _ in FILES) == sorted(variants.FILES)
