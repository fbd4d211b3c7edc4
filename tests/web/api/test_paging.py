"""Lists of the API come in pages that hold everything once and in order, whatever is alike at their edges."""

import pytest

from app.domain.maintenance import MaintenanceKind
from app.domain.notice import NoticeContent
from app.jobs.sweep import sweep
from app.register.maintenance import import_maintenance
from app.register.people.enrolment import add_subscription
from app.store.subscriptions import FeedRead, insert_reads


@pytest.fixture
def walk(web, credentials, clock):
    """Return a function that follows a list from page to page, as ALPHA (0) or DCC (1): its items, and how many pages."""

    def follow(path, name, who):
        found, pages, path = [], 0, f"/api/v1/{path}"
        while path:
            clock.forward(minutes=1)  # the span stays what it was when the first page was asked for
            answer = web.test_client().get(path, headers=credentials[who])
            found += answer.json[name]
            pages += 1
            link = answer.headers.get("Link", "")
            assert link == "" or link.endswith('; rel="next"')
            path = link.partition(";")[0].strip("<>").removeprefix("http://127.0.0.1:8000")
        return found, pages

    return follow


def test_pages_hold_everything_once_and_in_order(walk, register, give, alpha, announce, clock):
    for number in range(7):
        give(alpha, announce(f"u{number}", f"2026-12-0{1 + number // 2}T02:00"))
    sweep(register, clock())
    for path, name in (
        ("closures?", "closures"), ("late-changes?", "late_changes"), ("changes?", "changes"),
        ("closed?from=2026-12-01&to=2026-12-09", "closures"),
    ):  # fmt: skip
        whole = walk(path, name, 0)
        assert (len(whole[0]), whole[1]) == (7, 1)
        for limit, pages in ((1, 7), (3, 3), (7, 1)):
            assert walk(f"{path}&limit={limit}", name, 0) == (whole[0], pages)


def test_pages_of_an_instant_hold_every_gateway(walk, enrolled, announce, give, clock):
    user = enrolled("BETA", *(f"GW-B{number}" for number in range(3)))
    for number in range(3):
        give(user, announce(f"u{number}", "2026-11-24T08:00", gateway=f"GW-B{number}"), at=clock())
    at = clock.forward(minutes=1).isoformat().replace("+00:00", "Z")
    found, pages = walk(f"closed?at={at}&limit=1", "inside", 1)
    assert (sorted(one["gateway"] for one in found), pages) == (["GW-B0", "GW-B1", "GW-B2"], 3)


def test_pages_keep_the_most_moved_first_and_the_longest_silent(walk, alpha, enrolled, announce, give, clock):
    for number, moves in enumerate((2, 9, 10, 2)):
        for day in range(moves + 1):
            starts = f"2027-02-{day + 1:02}T0{number}:00"
            give(alpha, announce(f"u{number}", starts, hours=1), at=clock.forward(seconds=1))
    moved, pages = walk("moved?limit=1", "closures", 1)
    assert ([(one["moves"], one["starts"][11:13]) for one in moved], pages) == (
        [(10, "02"), (9, "01"), (2, "00"), (2, "03")],
        4,
    )
    for code in ("GAMMA", "BETA"):
        enrolled(code)
    clock.forward(days=90)
    silent, pages = walk("silent-users?months=1&limit=2", "users", 1)
    assert ([one["user"] for one in silent], pages) == (["BETA", "GAMMA", "ALPHA"], 2)


def test_reads_that_are_alike_are_all_there(walk, store, clock):
    made = add_subscription(
        store, scope_text="all", label="ops", secret_url=False, past_days=30, horizon_days=548, now=clock()
    )
    read = FeedRead(made.subscription.id, clock(), 304, 0, "curl")
    with store.writing() as connection:
        insert_reads(connection, [read] * 5)
    found, pages = walk("reads?limit=2", "reads", 1)
    assert (len(found), pages, {(one["status"], one["client"]) for one in found}) == (5, 3, {(304, "curl")})


def test_pages_of_dccs_own_dates(walk, register, announce, clock):
    announced = [announce(f"m{number}", f"2026-12-0{number + 1}T02:00") for number in range(3)]
    import_maintenance(register, MaintenanceKind.MAINTENANCE, NoticeContent(tuple(announced), ()), clock())
    found, pages = walk("maintenance?limit=2", "maintenance", 0)
    assert ([one["starts"][:10] for one in found], pages) == (["2026-12-01", "2026-12-02", "2026-12-03"], 2)
