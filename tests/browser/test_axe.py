"""axe on every page: each role, at both widths, in light and dark, with names as bad as they come. None is excused.

A page is loaded once and then resized and darkened, as a device does it: no address gives other octets for a width or
a scheme. In the dark only the rules about colour are run again, since nothing else changes there.
On the same pages nothing scrolls sideways, what can be pressed is 24 px high or more, and each cell of a table names its
column, for where it reads as a list.
"""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import axe_playwright_python
import pytest

from app.domain.access import Principal, Role
from app.domain.fact import FactKind, ToldFact
from app.domain.maintenance import MaintenanceKind
from app.domain.notice import Channel, NoticeContent
from app.domain.notification import Kind
from app.factory import publisher_of
from app.jobs.letter import NotDelivered
from app.jobs.notify import deliver
from app.jobs.post_office import PostOffice
from app.register import late_changes, maintenance, sources
from app.register.maintenance import import_maintenance
from app.register.messages import recipients
from app.register.messages.leaving import leave_address
from app.register.messages.silences import read_silencing
from app.register.people import accounts, enrolment
from app.register.people.desks import open_desk
from app.register.questions import readers
from app.register.questions.needs_attention import acknowledge, needs_attention
from app.register.reading import read_everything
from app.register.rulebook import set_desk_policy
from app.register.tell_fact import tell_fact
from app.store import sources as source_rows
from app.store.recipients import Carrier

pytestmark = pytest.mark.slow

AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")
RUN = "only => axe.run(document, {...only, resultTypes: ['violations']}).then(found => found.violations.map(v => [v.id, v.nodes.map(n => n.html)]))"
COLOURS = {"runOnly": {"type": "tag", "values": ["cat.color"]}}
WIDTHS = (320, 1280)  # of a window of 1280 px: zoomed to 400 %, and as it is
SMALL = """() => [...document.querySelectorAll("a, button, summary, input, select, textarea")]
  .filter(one => !one.closest("svg, .skip, .visually-hidden") && one.type !== "hidden")
  .map(one => [one.getBoundingClientRect(), one])
  .filter(([box]) => box.width > 0 && box.height < 24)
  .map(([box, one]) => `${one.outerHTML.slice(0, 120)}: ${box.height} px`)"""
UNNAMED = "() => [...document.querySelectorAll('tbody :is(td, th):not([data-label])')].map(one => one.outerHTML)"
DCC = Principal("dcc@example.org", Role.DCC)
LONG = "W" * 150 + "شركة" * 10

EVERYBODY = (
    "/", "/wall", "/planned", "/planned?q=GW-A1", "/planned?q=NONE", "/planned?q=GW&at=2026-12-06T03:00", "/planned?q=GW&at=x", "/horizon", "/horizon?zoom=2w&as_of=2026-11-24T09:00", "/horizon?zoom=6m",
    "/horizon?view=month", "/horizon?user=ALPHA",
    "/closures", "/closures?q=CN&sort=notice", "/closures/{closure}", "/receipts", "/record/changes", "/record/changes?finished=1&since=2026-11-01",
    "/account", "/set-up/password", "/subscriptions", "/subscriptions/new", "/subscriptions/{feed}",
)  # fmt: skip
ADMIN = (
    "/service/accounts",
    "/service/accounts/new",
    "/service/accounts/{account}",
    "/service/desks",
    "/service/users",
    "/service/users/new",
    "/service/gateways/new",
    "/service/policy",
    "/service/holidays",
    "/service/keys",
    "/service/set-up",
    "/record/acts",
    *("/service/messages?sent=yes", "/service/messages/recipients/new", "/service/messages/recipients/{recipient}"),
    "/service/messages/recipients/{alertmanager}",
)
CONTACT = "/users/ALPHA/contact"
GIVING = (
    *("/notices/form?user=ALPHA", "/notices/new?user=ALPHA", "/closures/{closure}/change", "/record?period=2026-Q4"),
    "/insights",
)
STAFF = (
    "/record/log",
    "/record/check",
    "/record/reads",
    "/service/maintenance",
    "/service/maintenance/sources/new",
    "/service/health",
)
SOURCES = ("/connect/sources", "/connect/sources/new")  # fmt: skip
PAGES = {
    Role.ADMIN: (*EVERYBODY, "/connect", "/notices/form", *GIVING, *STAFF, *SOURCES, *ADMIN, CONTACT),
    Role.DCC: (*EVERYBODY, "/connect", "/notices/new", *GIVING, *STAFF, "/nowhere"),
    Role.USER: (*EVERYBODY, "/notices", "/connect", *GIVING, *SOURCES, CONTACT),
    Role.OPS: (*EVERYBODY, "/connect", "/service/health"),
}
SIGNED_OUT = ("/sign-in", "/sign-in/nothing", "/api/v1/docs")


def fail_poll(store, source, outcome, now):
    """Leave a source as a poll leaves it that took nothing."""
    with store.writing() as connection:
        held, before = source_rows.read_source(store, connection, source.id)
        assert source_rows.take_source(connection, source.id, before.due_at, now)
        after = replace(before, due_at=now, polled_at=now, failures=3, outcome=outcome)
        assert source_rows.finish_poll(store, connection, (held, before), after, now)


def add_recipients(store, now):
    """Let recipients of every kind in; return their ids. What leaves for ``good`` arrives, ``waits`` is tried again."""

    def add(label, *, user=None, hour=None, carrier=Carrier.EMAIL):
        address = f"https://{label}.example/{LONG}" if carrier is Carrier.WEBHOOK else f"{label}@{'w' * 60}.example"
        return recipients.add_recipient(
            store, label=f"{label} {LONG}", carrier=carrier, address=address, kinds=[Kind.NEW, Kind.LATE],
            digest_hour=hour, user_code=user, now=now,
        ).recipient.id  # fmt: skip

    made = [add("good"), add("fails", user="ALPHA"), add("fails-too"), add("digest", hour=8)]
    made.append(add("waits", user="ALPHA", carrier=Carrier.WEBHOOK))
    address, silencing = read_silencing(f"https://{'w' * 60}.example", 'w="{gateway}",' * 40, ["W" * 32])
    return [*made, recipients.add_recipient(
        store, label=LONG, carrier=Carrier.ALERTMANAGER, address=address, kinds=(), digest_hour=None, user_code=None,
        now=now, silencing=silencing,
    ).recipient.id]  # fmt: skip


def send_messages(service, clock):
    """Do the scheduler's work once, with carriers that let most of it fail."""

    def carry(letter):
        if "good" not in letter.address:
            raise NotDelivered("x" * 100 + " (550)", for_good="waits" not in letter.address)

    deliver(service.register, PostOffice(publisher_of(service.settings), dict.fromkeys(Carrier, carry)), clock)


@pytest.fixture
def world(service, alpha, clock, enrolled, give, announce):
    """Names as bad as they come, and closures that are open, late, moved, withdrawn, clashing, on DCC's own dates."""
    long = enrolled("LONG_CODE_OF_THIRTY_TWO_LETTERS1", "GATEWAY_OF_THIRTY_TWO_CHARACTER1")
    give(long, announce("o", "2026-11-24T08:00", gateway="GATEWAY_OF_THIRTY_TWO_CHARACTER1"))
    for uid, starts in (("a", "2026-12-06T02:00"), ("a", "2026-12-07T02:00"), ("b", "2026-12-20T02:00")):
        give(alpha, announce(uid, starts))
    give(alpha, announce("b", "2026-12-20T02:00", withdrawn=True))
    give(long, announce("c", "2026-12-07T04:00", gateway="GATEWAY_OF_THIRTY_TWO_CHARACTER1"))
    for kind in MaintenanceKind:
        reading = NoticeContent((announce(f"d{kind}", "2026-12-07T01:00", gateway="DCC"),), ())
        import_maintenance(service.register, kind, reading, clock())
    enrolment.enrol_user(service.store, "RTL", LONG)
    enrolment.enrol_gateway(service.store, "RTL", "W" * 32, LONG)
    give(alpha, announce("late", "2026-12-06T02:00"))
    late_changes.record_late_changes(service.register, clock())
    readers.note_export(service.store, LONG, LONG, 1, clock())
    day = announce("dcc", "2026-12-12T22:00", hours=8, gateway="DCC")
    maintenance.import_maintenance(service.register, MaintenanceKind.RELEASE, NoticeContent((day,), ()), clock())
    gateway = sources.gateway_of(service.store, "ALPHA", "GW-A1")
    for topic, outcome in (
        (topic, outcome) for topic in (gateway, *MaintenanceKind) for outcome in ("", "unreachable")
    ):
        made = sources.make_source(
            topic, url=f"https://example.org/{outcome}{LONG}", username=LONG, password="x", word=LONG, category="",
            every_minutes=15, now=clock(),
        )  # fmt: skip
        sources.add_source(service.store, made)
        if outcome:
            fail_poll(service.store, made, outcome, clock())
    enrolment.issue_token(service.store, label=LONG, now=clock(), user_code="ALPHA")
    told = add_recipients(service.store, clock())
    give(alpha, announce("told", "2026-12-27T02:00", gateway="GW-A2"))
    give(alpha, announce("unsure", "2026-12-28T02:00", gateway="GW-A2", provisional=True))
    over = give(alpha, announce("over", "2026-11-24T02:00", gateway="GW-A2"), at=clock() - timedelta(days=9))
    fact = ToldFact(FactKind.CLOSED, clock() - timedelta(hours=6))
    reference = over.accepted[0].closure.reference
    tell_fact(service.register, DCC, reference, fact, channel=Channel.FORM, now=clock() - timedelta(hours=6))
    send_messages(service, clock)
    acknowledge(service.register, DCC, needs_attention(service.register, DCC, clock()).ids(), "W" * 200, clock())
    give(alpha, announce("after", "2026-12-08T02:00"))
    recipients.remove_recipient(service.store, told[2], clock())
    return alpha


def press(page, name):
    """Press a button and wait for the page that it leads to, with its styles: axe would look at the one before."""
    with page.expect_navigation(wait_until="load"):
        page.get_by_role("button", name=name).click()


def measure(page, *, closely=False):
    """Return what is to be said against a page, by width: of axe, how wide it is, what is small, what is unnamed.

    The page's policy allows no script, the driver does. Closed sections are read too. ``closely``: zoomed to 200 % as
    well, in forced colours and on paper.
    """
    page.evaluate(AXE)
    page.evaluate("() => document.querySelectorAll('details').forEach(one => { one.open = true; })")
    found = {}
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme="light")
        light = page.evaluate(RUN, {})
        page.emulate_media(color_scheme="dark")
        dark = page.evaluate(RUN, COLOURS)
        wide = page.evaluate("document.documentElement.scrollWidth")
        found[width] = light, dark, wide, page.evaluate(SMALL), page.evaluate(UNNAMED)
    return {**found, **_closely(page)} if closely else found


def _closely(page):
    page.emulate_media(color_scheme="light", forced_colors="active")
    forced = page.evaluate(RUN, COLOURS)
    page.emulate_media(media="print", forced_colors="none")
    printed = page.evaluate(RUN, COLOURS)
    page.emulate_media(media="screen")
    page.set_viewport_size({"width": 640, "height": 900})
    zoomed = page.evaluate(RUN, {}), page.evaluate("document.documentElement.scrollWidth")
    return {"forced colours": forced, "on paper": printed, "at 200 %": zoomed}


NOTHING = {width: ([], [], width, [], []) for width in WIDTHS}
CLOSELY = {**NOTHING, "forced colours": [], "on paper": [], "at 200 %": ([], 640)}


@pytest.mark.parametrize("role", list(Role))
def test_no_violation_on_any_page_of_a_role(world, service, clock, sign_in, address, role):
    users = ("ALPHA",) if role is Role.USER else ()
    page = sign_in(f"{role}@example.org", role, *users)
    account = next(iter(accounts.list_accounts(service.store)))
    feed = enrolment.add_subscription(
        service.store, scope_text="user:ALPHA", label=LONG, secret_url=False, past_days=1, horizon_days=30,
        now=clock(), account_id=account.id,
    ).subscription.id  # fmt: skip
    everything = read_everything(service.register, Principal("a test", Role.USER, frozenset({"ALPHA"})))
    closure, found = everything[0].reference, {}
    recipient = recipients.list_recipients(service.store)[0].recipient.id
    set_desk_policy(service.store, allowed=True, now=clock())
    assert open_desk(service.store, account, f"Firefox on Windows from {LONG}", clock())
    for path in PAGES[role]:
        names = {"feed": feed, "account": account.id.hex(), "closure": closure, "recipient": recipient}
        names["alertmanager"] = recipients.list_recipients(service.store)[-1].recipient.id
        page.goto(address + path.format(**names))
        found[path] = measure(page, closely=role is Role.ADMIN)  # who sees the most pages
    assert found == dict.fromkeys(PAGES[role], CLOSELY if role is Role.ADMIN else NOTHING)


def test_no_violation_before_anybody_signed_in(open_page, address, service, clock):
    page = open_page()
    held = recipients.add_recipient(
        service.store, label="x", carrier=Carrier.EMAIL, address="x@example.org", kinds=[Kind.NEW], digest_hour=None,
        user_code=None, now=clock(),
    ).recipient  # fmt: skip
    for path in (*SIGNED_OUT, leave_address(service.store, held, "")):
        page.goto(address + path)
        assert (path, measure(page)) == (path, NOTHING)
    press(page, "Send no more")
    assert measure(page) == NOTHING


def test_no_violation_on_what_is_shown_once_and_on_what_was_refused(world, sign_in, address):
    page = sign_in("admin@example.org", Role.ADMIN)
    page.goto(address + "/set-up/password")
    page.get_by_label("New password").fill("short but longer than 15")
    page.get_by_label("The same again").fill("something else")
    press(page, "Change it")
    assert measure(page) == NOTHING
    page.get_by_label("New password").fill("correct horse battery")
    page.get_by_label("The same again").fill("correct horse battery")
    press(page, "Change it")
    page.goto(address + "/set-up/second-factor")
    assert measure(page) == NOTHING
    page.goto(address + "/subscriptions/new")
    page.get_by_label("For whom and which program").fill(LONG)
    page.get_by_label("With a secret address").check()
    press(page, "Make the feed")
    assert page.get_by_role("heading", level=1).inner_text() == "Your feed is ready"
    assert measure(page) == NOTHING
    page.goto(address + "/connect")
    page.get_by_label("For whom and which program").fill(LONG)
    press(page, "Make it")
    assert page.get_by_role("heading", level=1).inner_text() == "Your app password"
    assert measure(page) == NOTHING
    page.goto(address + "/service/accounts/new")
    page.get_by_label("E-mail address").fill("new@example.org")
    page.get_by_label("DCC staff").check()
    press(page, "Make the link")
    assert page.get_by_role("heading", level=1).inner_text() == "A one-time link"
    assert measure(page) == NOTHING
    page.goto(address + "/service/messages/recipients/new")
    page.get_by_label("webhook, a signed request").check()
    page.get_by_label("Address").fill(f"http://example.org/{LONG}")
    page.get_by_label("For whom").fill(LONG)
    press(page, "Add it")
    assert page.get_by_text("Nothing was recorded yet.").is_visible()
    assert measure(page) == NOTHING
    page.get_by_label("Address").fill(f"https://example.org/{LONG}")
    press(page, "Add it")
    assert page.get_by_role("heading", level=1).inner_text() == "The webhook's secret"
    assert measure(page) == NOTHING
