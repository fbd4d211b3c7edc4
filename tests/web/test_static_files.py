"""Static files: small, named by their digest, and kept; of Bootstrap what pages use, and no more."""

import gzip
import re
from pathlib import Path

import flask_bootstrap
import pytest
from flask import url_for

from app.web.bootstrap_subset import subset_of

WEB = Path(__file__).parents[2] / "app" / "web"
NAMES = sorted(path.name for path in (WEB / "static").iterdir())
BOOTSTRAP = (Path(flask_bootstrap.__file__).with_name("static") / "bootstrap5" / "css" / "bootstrap.min.css").read_text(
    "utf-8"
)


@pytest.fixture
def address_of(web):
    """Return a function that gives the address that pages have for a file."""

    def find(name):
        with web.test_request_context():
            return url_for("static", filename=name)

    return find


@pytest.mark.parametrize("name", NAMES)
def test_a_file_is_kept_for_a_year_under_its_digest_and_small_where_that_is_understood(web, address_of, name):
    client, address = web.test_client(), address_of(name)
    assert re.fullmatch(rf"/static/{re.escape(name)}\?v=[0-9a-f]{{16}}", address)
    plain, packed = client.get(address), client.get(address, headers={"Accept-Encoding": "br, gzip"})
    assert (plain.headers.get("Content-Encoding"), packed.headers["Content-Encoding"]) == (None, "gzip")
    assert gzip.decompress(packed.data) == plain.data
    for answer in (plain, packed):
        assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert answer.headers["Vary"] == "Accept-Encoding"
        again = client.get(address, headers={"If-None-Match": answer.headers["ETag"], "Accept-Encoding": "gzip"})
        assert again.status_code == (304 if answer is packed else 200)


def test_an_address_without_its_digest_or_with_another_is_asked_for_each_time(web, address_of):
    client, address = web.test_client(), address_of("site.css")
    for other in (address.partition("?")[0], address[:-1] + ("0" if address[-1] != "0" else "1")):
        answer = client.get(other)
        assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-cache")
        assert answer.data == client.get(address).data


def test_nothing_else_is_served(web):
    client = web.test_client()
    for other in ("none.css", "../site.py", "%2e%2e/site.py", "bootstrap.min.css"):
        assert client.get(f"/static/{other}").status_code == 404


def test_every_file_that_a_page_asks_for_is_there():
    asked = {
        name
        for path in (WEB / "templates").rglob("*.html")
        for name in re.findall(r"url_for\('static', filename='([^']+)'", path.read_text("utf-8"))
    }
    assert asked - set(NAMES) == set()


def test_every_rule_of_bootstrap_is_read_and_each_that_may_be_used_stays():
    rules = re.sub(r'@charset "UTF-8";|/\*.*?\*/', "", BOOTSTRAP, flags=re.DOTALL).strip()
    licence, _, kept = subset_of(BOOTSTRAP, [BOOTSTRAP]).partition("*/")
    assert "Licensed under MIT" in licence
    assert kept == rules


def test_of_bootstrap_what_a_page_names_is_served_and_what_none_does_is_not(web, address_of):
    served = web.test_client().get(address_of("site.css")).text
    stated = re.findall(
        r'class="([^"]+)"', "".join(path.read_text("utf-8") for path in (WEB / "templates").rglob("*.html"))
    )
    named = {word for text in stated for word in re.findall(r"[A-Za-z][\w-]*", text)}
    selectors = "".join(re.findall(r"[^{}]+(?=\{)", BOOTSTRAP))
    known = set(re.findall(r"\.([A-Za-z][\w-]*)", selectors))
    assert {name for name in named & known if not re.search(rf"\.{name}(?![\w-])", served)} == set()
    assert {"btn", "form-control", "form-select", "visually-hidden"} <= named & known
    assert [name for name in ("carousel", "accordion", "col-lg-7", "btn-warning") if f".{name}" in served] == []
    assert len(served) < 60_000


@pytest.mark.parametrize(
    ("sheet", "kept"),
    [
        (".a{x:1}.b{x:2}p{x:3}", ".a{x:1}p{x:3}"),
        (".a.b{x:1}.b,.a>p{x:2}", ".b,.a>p{x:2}"),
        ("@media print{.b{x:1}}@media print{.a{x:1}.b{x:2}}", "@media print{.a{x:1}}"),
        ("@keyframes b{0%{x:1}}@keyframes a{0%{x:1}to{x:2}}", "@keyframes a{0%{x:1}to{x:2}}"),
        ('@charset "UTF-8";/*! MIT */.a{x:1}/* map */', "/*! MIT */.a{x:1}"),
    ],
)
def test_a_rule_stays_where_one_of_its_selectors_names_nothing_unknown(sheet, kept):
    assert subset_of(sheet, ['<p class="a">']) == kept
