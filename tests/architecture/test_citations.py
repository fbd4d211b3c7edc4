"""Whoever follows a citation arrives: each page, heading and decision that is named anywhere is in this repository."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
_READABLE = {".cfg", ".css", ".html", ".md", ".mobileconfig", ".py", ".service", ".toml", ".txt", ".yaml"}
FILES = sorted(
    path
    for start in ("app", "feeds", "tests", "docs", "deploy")
    for path in (ROOT / start).rglob("*")
    if path.is_file() and (path.suffix in _READABLE or not path.suffix)
) + [ROOT / name for name in ("README.md", "CHANGELOG.md", "pyproject.toml", "Makefile", "Dockerfile", ".ci/run")]
PAGES = [path for path in FILES if path.suffix == ".md"]

_PAGE_OF_THE_HOUSE = re.compile(r"(?<![\w/.-])([A-Z][A-Z_-]+\.md)\b")
_PATH_IN_DOCS = re.compile(r"(?<![\w/.-])docs/[\w./-]*\w(?:#[\w-]+)?")
_PATH_IN_CODE = re.compile(r"(?<![\w/.-])(?:app|feeds|tests|deploy)/[\w./-]*\w")
_DECISION = re.compile(r"\b(?:ADRs?|[Dd]ecisions?) \[?(\d+)(?:(?:, | and )(\d+))*")
_LINK = re.compile(r"\]\((?!https?:)([^)\s#]*)(#[\w-]+)?\)")
_NUMBERED_LINK = re.compile(r"\[(?:ADR |decision )?(\d+)\]\((?:[\w./-]*/)?(\d{4})-[^)]*\)")
_BY_NUMBER = re.compile(r"[A-Z_-]+\.md,? (?:[Tt]arget |[Rr]ow |[Cc]onsequence )?[A-Z]?\d")


def text_of(path):
    return path.read_text(encoding="utf-8")


def anchors_of(page):
    """The anchors of a page's headings, as its readers' programs make them."""
    headings = re.findall(r"^#+ (.*)$", text_of(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def missing(place, anchor):
    """Tell whether a place is not here, or has no such heading."""
    return not place.exists() or (anchor and anchor.lstrip("#") not in anchors_of(place))


def found(files, faults):
    """What is wrong, by file: nothing where every citation leads somewhere."""
    return {str(path.relative_to(ROOT)): wrong for path in files if (wrong := faults(path))}


def test_each_page_that_is_named_is_here():
    pages = {page.name for page in PAGES}
    assert found(FILES, lambda path: set(_PAGE_OF_THE_HOUSE.findall(text_of(path))) - pages) == {}
    # Our pages have headings and no numbers: docs/feeds.md#transport, not the page and a number.
    assert found(FILES, lambda path: _BY_NUMBER.findall(text_of(path))) == {}


def test_each_place_in_docs_that_is_named_is_here():
    def lost(path):
        cited = [place.partition("#") for place in _PATH_IN_DOCS.findall(text_of(path))]
        return [f"{place}#{anchor}" for place, _, anchor in cited if missing(ROOT / place, anchor)]

    assert found(FILES, lost) == {}


def test_each_file_that_a_page_names_is_here():
    def lost(page):
        return [name for name in _PATH_IN_CODE.findall(text_of(page)) if not (ROOT / name).exists()]

    assert found(PAGES, lost) == {}


def test_each_decision_that_is_cited_was_taken():
    taken = {int(page.name[:4]) for page in (ROOT / "docs" / "adr").iterdir()}

    def lost(path):
        cited = _DECISION.finditer(text_of(path))
        return {int(number) for citation in cited for number in re.findall(r"\d+", citation[0])} - taken

    assert found(FILES, lost) == {}


def test_each_link_of_a_page_leads_somewhere():
    def lost(page):
        links = _LINK.findall(text_of(page))
        return [link + anchor for link, anchor in links if missing(page.parent / link if link else page, anchor)]

    assert found(PAGES, lost) == {}


def test_a_link_by_number_leads_to_the_decision_of_that_number():
    def led_astray(page):
        return [(said, led) for said, led in _NUMBERED_LINK.findall(text_of(page)) if int(said) != int(led)]

    assert found(PAGES, led_astray) == {}


def test_every_decision_is_in_the_list():
    listed = re.findall(r"^(\d+)\. \[.*\]\(adr/(.+)\)$", text_of(ROOT / "docs" / "README.md"), re.MULTILINE)
    there = sorted(page.name for page in (ROOT / "docs" / "adr").iterdir())
    assert [name for _, name in listed] == there
    assert [int(number) for number, _ in listed] == [int(name[:4]) for name in there]


def test_each_class_that_the_glossary_names_is_in_the_code():
    named = set(re.findall(r"`([A-Z]\w+)`", text_of(ROOT / "docs" / "glossary.md")))
    code = "\n".join(text_of(path) for start in ("app", "feeds") for path in (ROOT / start).rglob("*.py"))
    assert named - set(re.findall(r"^class (\w+)", code, re.MULTILINE)) == set()
