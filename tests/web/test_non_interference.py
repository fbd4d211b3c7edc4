"""Two worlds that differ only in what another User did look alike to ALPHA, octet for octet (docs/targets.md, 6).

ALPHA does the same in both; BETA does something else in each, under the same UIDs and in the same hours. Then ALPHA asks
for all that it may see: pages, API, feeds, calendars. What is random in each world (references, tokens of forms) is
numbered in the order in which ALPHA came to know it; a reference that ALPHA was never told fails the test by itself.

Left out on purpose: how long the log is. It stands in receipts, checkpoints and sync tokens, and says how much was
recorded in all, never what or by whom. And nobody acts twice in a second: the stamps of feeds, which never go back, may
then be a second ahead for everybody.
"""

import difflib
import os
import random
import re
import shutil
from base64 import b64encode
from datetime import timedelta
from types import SimpleNamespace

import pytest

from app.domain.access import Principal, Role
from app.domain.notice import Announcement, Channel, Notice, NoticeContent
from app.domain.window import ClosureWindow
from app.factory import create_app, open_service
from app.jobs.sweep import sweep
from app.register.people.enrolment import add_subscription, issue_token
from app.register.receive import receive_notice
from app.register.withdraw import withdraw_closure
from app.settings import read_settings
from tests.conftest import NOW, Clock, enrol, environment

pytestmark = pytest.mark.slow

ROUNDS = int(os.environ.get("CLOSURES_MATRIX_ROUNDS", "3"))
STEPS = 8
ADDRESSES = (
    *("/", "/horizon", "/horizon?view=month", "/insights", "/closures", "/closures.csv", "/record", "/record/changes?since=2026-11-24&until=2026-12-04"),
    *("/record/late-changes.csv", "/record/report.csv?period=2026-Q4", "/connect", "/connect/sources", "/subscriptions"),
    *("/planned?q=GW-A1&at=2026-12-06T02:30", "/planned?q=GW-B1&at=2026-12-06T02:30", "/planned?q=GW", "/closures?q=GW", "/closures?user=BETA"),
    *(f"/api/v1/{one}" for one in (
        "closures", "closures?user=BETA", "closures?gateway=GW-B1", "clashes", "closed", "closed?gateway=GW-B1", "free-slots",
        "changes?since=2026-11-24&until=2026-12-04", "late-changes", "late-report?period=2026-Q4", "insights", "busiest-hours", "moved?times=1",
        "silent-users?months=1", "maintenance", "closures?as_of=2026-11-25T09:00Z",
    )),
)  # fmt: skip
LISTING = '<D:propfind xmlns:D="DAV:"><D:prop><D:displayname/><D:resourcetype/></D:prop></D:propfind>'


def build(folder, databases, first_start):
    """A register of its own with ALPHA and BETA, and a web application over it."""
    folder.mkdir()
    environ = environment(folder, databases.new(folder, first_start["CLOSURES_DATABASE_URL"]))
    shutil.copytree(first_start["CLOSURES_KEY_DIR"], environ["CLOSURES_KEY_DIR"])
    settings, clock = read_settings(environ), Clock(NOW)
    service = open_service(settings)
    users = {code: enrol(service, code, f"GW-{code[0]}1", f"GW-{code[0]}2") for code in ("ALPHA", "BETA")}
    web = create_app(settings, now=clock)
    return SimpleNamespace(service=service, register=service.register, users=users, web=web, clock=clock, told=[])


def step(world, code, chance):
    """One thing that a User does: a notice of one of three events, or a withdrawal of something it has."""
    held = world.told if code == "ALPHA" else []
    if held and chance.random() < 0.2:
        withdraw_closure(
            world.register, Principal("x", Role.USER, frozenset({code})), chance.choice(held), channel=Channel.API,
            now=world.clock(),
        )  # fmt: skip
        return
    starts = NOW + timedelta(days=chance.randrange(-2, 60), hours=chance.randrange(24))
    announced = Announcement(
        uid=f"event-{chance.randrange(3)}", gateway=f"GW-{code[0]}{chance.randrange(1, 3)}",
        window=ClosureWindow(starts, starts + timedelta(hours=chance.randrange(1, 30))),
    )  # fmt: skip
    notice = Notice(code, Channel.API, world.clock(), "text/calendar", b"BEGIN:VCALENDAR", "a program")
    outcome = receive_notice(world.register, world.users[code], notice, NoticeContent((announced,), (), events=1))
    if code == "ALPHA":
        references = (acknowledgement.closure.reference for acknowledgement in outcome.accepted)
        world.told += [reference for reference in references if reference not in world.told]


def live(world, alphas, betas):
    for _ in range(STEPS):
        world.clock.forward(hours=4)
        alphas_turn = world.clock() + timedelta(hours=1)
        for _ in range(betas.randrange(3)):
            world.clock.forward(minutes=1)
            step(world, "BETA", betas)
        world.clock.now = alphas_turn
        step(world, "ALPHA", alphas)
    world.clock.forward(hours=5)
    sweep(world.register, world.clock())


def seen_by_alpha(world, web_session):
    """Everything that ALPHA may ask for, by its address."""
    store, client = world.service.store, web_session(world)
    feed = add_subscription(
        store, scope_text="user:ALPHA", label="x", secret_url=False, past_days=30, horizon_days=90, now=world.clock()
    )
    _, token = issue_token(store, label="x", now=NOW, user_code="ALPHA")
    program, reader = (
        {"Authorization": "Basic " + b64encode(f"{name}:{secret}".encode()).decode()}
        for name, secret in (("ALPHA", token), (feed.subscription.id, feed.token))
    )
    found = {}
    own = [
        path for one in world.told for path in (f"/closures/{one}", f"/api/v1/closures/{one}", f"/closures/{one}.ics")
    ]
    for path in (*ADDRESSES, *own):
        answer = client.get(path)
        found[path] = f"{answer.status_code} {answer.text}"
    for form in ("ics", "json"):
        path = f"/feeds/{feed.subscription.id}.{form}"
        found[form] = world.web.test_client().get(path, headers=reader).text
    for path in ("", "ALPHA/", "ALPHA/GW-A1/", "BETA/", "BETA/GW-B1/"):
        answer = world.web.test_client().open(
            f"/dav/calendars/{path}", method="PROPFIND", data=LISTING, headers=program | {"Depth": "1"}
        )
        found[f"dav {path}"] = f"{answer.status_code} {answer.text}"
    return {plain(world, feed, path): plain(world, feed, text) for path, text in found.items()}


def plain(world, feed, text):
    """Number what is random in a world, in the order in which ALPHA was told of it."""
    names = {reference: f"CN#{place}" for place, reference in enumerate(world.told)}
    names[feed.subscription.id] = "FEED"
    text = re.sub(r'(name="(?:csrf_token|form_id)" value=")[^"]*', r"\1", text)
    text = re.sub(r"\b[0-9a-f]{32}\b", "ID", text).replace("\r\n ", "")  # a folded line may part a reference
    known = {**names, **{name.lower(): place for name, place in names.items()}}
    return re.sub(r"(?i:CN-[0-9A-Z]{10})|" + feed.subscription.id, lambda found: known[found[0]], text)


@pytest.fixture
def web_session(csrf):
    def enter(world):
        from app.register.people.enrolment import open_account

        token = open_account(world.service.store, "a@example.org", Role.USER, ("ALPHA",), world.clock())
        client = world.web.test_client()
        path = f"/sign-in/{token}"
        assert client.post(path, data={"csrf_token": csrf(client.get(path))}).status_code == 303
        return client

    return enter


@pytest.mark.parametrize("seed", range(ROUNDS))
def test_what_another_user_does_changes_nothing_that_alpha_sees(seed, tmp_path, databases, first_start, web_session):
    seen = []
    for name in ("one", "other"):
        world = build(tmp_path / name, databases, first_start)
        try:
            live(world, random.Random(seed), random.Random(f"{seed} {name}"))
            seen.append(seen_by_alpha(world, web_session))
        finally:
            world.web.extensions["closures"].read_log.flush()
            world.web.extensions["closures"].store.close()
            world.service.close()
    one, other = ([f"{path}: {line}" for path, text in world.items() for line in text.splitlines()] for world in seen)
    assert list(difflib.unified_diff(one, other, lineterm="", n=0)) == []
    assert any("CN#0" in text for text in seen[0].values())
