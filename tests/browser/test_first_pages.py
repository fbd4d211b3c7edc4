"""The first pages as a person meets them, in chromium: words, size, colours, keyboard."""

import re
from itertools import product

import pytest

from app.domain.access import Role
from app.domain.party import User
from app.security.tokens import new_row_id
from app.store import parties

PATHS = (
    "/", "/planned?q=GW-A1", "/planned?q=NONE", "/horizon", "/horizon?zoom=2w", "/horizon?zoom=6m&as_of=2026-11-24T08:00",
    "/horizon?view=month", "/horizon?user=ALPHA",
    "/closures", "/closures?state=expired", "/closures?sort=notice&short=1", "/receipts", "/closures/{0}",
    "/closures/{0}/withdraw", "/notices/new", "/notices/new?user=LONG",
)  # fmt: skip

# The contrast of each text with what is painted behind it (WCAG 2.2, 1.4.3), for elements that hold text themselves.
CONTRAST = """() => {
  const channel = c => { c /= 255; return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4; };
  const parse = text => { const n = text.match(/[\\d.]+/g).map(Number); return n.length < 4 ? [...n, 1] : n; };
  const over = (top, under) => [0, 1, 2].map(i => top[i] * top[3] + under[i] * (1 - top[3])).concat(1);
  const light = c => 0.2126 * channel(c[0]) + 0.7152 * channel(c[1]) + 0.0722 * channel(c[2]);
  const behind = e => {
    const layers = [];
    for (let n = e; n; n = n.parentElement) layers.push(parse(getComputedStyle(n).backgroundColor));
    return layers.reverse().reduce((under, top) => over(top, under), [255, 255, 255, 1]);
  };
  const poor = [];
  for (const e of document.querySelectorAll("body *")) {
    const own = [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim());
    if (!own || !e.getClientRects().length) continue;
    const back = behind(e), text = over(parse(getComputedStyle(e).color), back);
    const [a, b] = [light(text), light(back)].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < 4.5) poor.push(`${e.tagName} ${e.className} ${ratio.toFixed(2)}: ${e.textContent.trim().slice(0, 40)}`);
  }
  return poor;
}"""

# Controls in sight smaller than 24 px on a side (WCAG 2.2, 2.5.8); links inside a sentence are excepted there.
SMALL = """() => [...document.querySelectorAll("button, input:not([type=hidden]), select, .btn, nav a, summary")]
  .filter(e => e.getClientRects().length).map(e => [e.outerHTML.slice(0, 60), e.getBoundingClientRect()])
  .filter(([_, r]) => r.width < 24 || r.height < 24).map(([html]) => html)"""

UNNAMED = """() => [...document.querySelectorAll("input:not([type=hidden]), select")]
  .filter(e => !e.labels.length).map(e => e.outerHTML)"""


@pytest.fixture
def world(service, alpha, give, announce):
    """Closures of every look, and names as bad as they come; returns the reference of one with a history."""
    user = User(new_row_id(), "LONG", "W" * 100 + "\u202e" + "شركة" * 25)
    service.store.keyring.ensure(user.id)
    with service.store.writing() as connection:
        parties.add_user(service.store, connection, user)
        parties.add_gateway(service.store, connection, user, "GATEWAY_OF_THIRTY_TWO_CHARACTER1", "x" * 200)
    give(user, announce("long" * 50, "2026-11-24T08:00", gateway="GATEWAY_OF_THIRTY_TWO_CHARACTER1"))
    give(alpha, announce("w", "2026-12-01T02:00"))
    give(alpha, announce("w", "2026-12-01T02:00", withdrawn=True))
    give(alpha, announce("m", "2026-12-06T02:00"))
    return give(alpha, announce("m", "2026-12-07T02:00", hours=30, gateway="GW-A2")).accepted[0].closure.reference


def test_every_page_fits_reads_and_can_be_operated(world, sign_in, address):
    page = sign_in("dcc@example.org", Role.DCC)
    for path in PATHS:
        page.goto(address + path.format(world))
        assert page.locator("h1").count() == 1
        assert page.locator("html").get_attribute("lang") == "en-GB"
        assert (path, page.evaluate(UNNAMED)) == (path, [])
        # As a device turns or darkens a page that is open.
        for width, scheme in product((320, 1280), ("light", "dark")):
            page.set_viewport_size({"width": width, "height": 900})
            page.emulate_media(color_scheme=scheme)
            assert (path, page.evaluate("document.documentElement.scrollWidth")) == (path, width)
            assert (path, page.evaluate(CONTRAST)) == (path, [])
            assert (path, page.evaluate(SMALL)) == (path, [])
            dark = page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(18, 24, 27)"
            assert dark is (scheme == "dark")


def test_somebody_who_is_not_signed_in_reads_how_to(open_page):
    page = open_page(path="/")
    assert page.get_by_role("heading", level=1).inner_text() == "Sign in"
    assert "one-time link" in page.get_by_role("main").inner_text()


def test_the_first_page_marks_what_is_closed_now_in_words(world, dcc_page):
    assert (
        dcc_page.locator(".headline").inner_text().startswith("1 gateway closed now, none close in the next 24 hours")
    )
    first = dcc_page.locator(".line").first.inner_text()
    assert "closed now re-opens in 3 h" in " ".join(first.split())
    assert "short notice" in first
    assert "Tue 24 Nov 2026 08:00-12:00 GMT" in first


def test_filters_are_kept_in_the_address(world, dcc_page):
    dcc_page.get_by_role("link", name="Closures", exact=True).click()
    dcc_page.get_by_label("Gateway").select_option("GW-A2")
    dcc_page.get_by_role("button", name="Show").click()
    assert "gateway=GW-A2" in dcc_page.url
    assert dcc_page.locator(".closure").count() == 1
    assert dcc_page.get_by_label("Gateway").input_value() == "GW-A2"


def test_the_keyboard_reaches_the_content_first(world, dcc_page):
    dcc_page.keyboard.press("Tab")
    assert dcc_page.evaluate("document.activeElement.textContent") == "Skip to the content"
    dcc_page.keyboard.press("Enter")
    assert dcc_page.evaluate("document.activeElement.id") == "content"


def test_a_file_goes_in_is_previewed_recorded_and_withdrawn(alpha_page):
    file = (
        b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//a//test//EN\r\nBEGIN:VEVENT\r\nUID:one\r\n"
        b"DTSTAMP:20261120T090000Z\r\nDTSTART:20261206T020000Z\r\nDTEND:20261206T060000Z\r\n"
        b"SUMMARY:Secret\r\nLOCATION:GW-A1\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    )
    page = alpha_page
    page.get_by_role("link", name="Give notice", exact=True).click()
    page.get_by_role("link", name="By file").click()
    page.get_by_label("File").set_input_files({"name": "plan.ics", "mimeType": "text/calendar", "buffer": file})
    page.get_by_role("button", name="Show what it changes").click()
    assert page.get_by_role("heading", level=1).inner_text() == "What this file would change"
    assert "Secret" not in page.content()
    page.get_by_role("button", name="Record this notice").click()
    assert page.get_by_role("heading", level=1).inner_text() == "Receipt"
    assert "8 Working Days' notice; 20 are recommended." in page.get_by_role("main").inner_text()
    page.get_by_text("Signed receipt", exact=True).click()
    assert '"signature"' in page.locator("pre").inner_text()
    page.get_by_role("link", name=re.compile("^CN-")).first.click()
    page.get_by_role("link", name="Withdraw this closure").click()
    page.get_by_role("button", name="Withdraw it").click()
    page.get_by_role("link", name="To the closures").click()
    assert "withdrawn" in page.locator(".closure").inner_text()


def test_the_receipt_prints_without_what_cannot_be_pressed_on_paper(alpha_page, address):
    page = alpha_page
    page.emulate_media(media="print")
    assert page.locator(".masthead").is_visible() is False
    assert page.get_by_role("heading", level=1).is_visible() is True


def test_signing_out_leads_back_to_the_sign_in_page(dcc_page, address):
    dcc_page.get_by_role("button", name="Sign out").click()
    assert dcc_page.get_by_role("heading", level=1).inner_text() == "Sign in"
    dcc_page.goto(address + "/")
    assert dcc_page.url == address + "/sign-in"


def test_a_refusal_is_a_page_in_the_same_dress(dcc_page, address, watch):
    dcc_page.goto(address + "/closures/CN-0000000000")
    assert dcc_page.get_by_role("heading", level=1).inner_text() == "There is no such closure."
    assert dcc_page.get_by_role("link", name="To the closures").is_visible()
    assert len(watch.refused) == 1
