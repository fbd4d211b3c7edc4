"""Whoever walks what changed by its links sees all that stood meanwhile, once and in order, whatever comes and goes."""

import random
import re
from datetime import timedelta
from html import unescape

import pytest

from app.domain.access import Role
from app.register.people.enrolment import shred_user
from app.register.retention import purge_expired
from tests.conftest import NOW

DAY = timedelta(days=1)
BEGINS = "2026-11-24T09:00:00Z"


class Record:
    """Users whose closures are told, moved, told of too late, purged one day after the other, and shredded."""

    def __init__(self, register, give, announce, users, clock, seed):
        self.register, self.give, self.announce, self.users, self.clock = register, give, announce, users, clock
        self.chance, self.told, self.purged_to = random.Random(seed), 0, 0

    def tell(self, count):
        """Tell closures at the start of a day of December, the fourth or so of those that were told before."""
        user = self.chance.choice(self.users)
        uids = [
            f"u{self.chance.randrange(self.told)}"
            if self.told and self.chance.random() < 0.3
            else f"u{self.told + new}"
            for new in range(count)
        ]
        self.told += count
        announced = [
            self.announce(
                uid, f"2026-12-{self.chance.randrange(1, 29):02}T0{self.chance.randrange(9)}:00",
                gateway=f"{user.code}-1", sender_sequence=self.chance.randrange(3),
            )
            for uid in dict.fromkeys(uids)
        ]  # fmt: skip
        # A notice is dated as it is received, and recorded when its turn has come: another may be recorded before it.
        waited = timedelta(seconds=self.chance.choice([0, 0, 0, 5, 600]))
        self.give(user, *announced, at=max(NOW, self.clock.forward(seconds=7) - waited))

    def happen(self):
        """Let something be told, purged, or seldom a User be shredded."""
        what = self.chance.random()
        if what < 0.7:
            self.tell(self.chance.randrange(1, 9))
        elif what < 0.97:
            self.purged_to += 1
            years = self.register.rulebook().retention.facts
            purge_expired(self.register, NOW + 7 * DAY + self.purged_to * DAY + years)
        elif len(self.users) > 1:
            shred_user(self.register.store, self.users.pop().code, self.clock())


@pytest.fixture
def record(register, give, announce, enrolled, clock, request):
    users = [enrolled(code, f"{code}-1") for code in ("ALPHA", "BETA", "GAMMA", "DELTA")]
    made = Record(register, give, announce, users, clock, request.param)
    while made.told < 300:
        made.tell(made.chance.choice([1, 1, 30]))
    return made


@pytest.fixture
def staff(sign_in):
    return sign_in("dcc@example.org", Role.DCC)


def walk(client, address, next_of, meanwhile):
    """Follow the links from an address to their end; return the pages."""
    pages = []
    while address:
        pages.append(client.get(address))
        assert pages[-1].status_code == 200
        address = next_of(pages[-1])
        meanwhile()
    return pages


def rows_of_page(page):
    return re.findall(r"<tr>(.*?)</tr>", page.text.partition("<tbody>")[2], re.DOTALL)


def rows_of_answer(answer):
    return [(row["received_at"], row["reference"], row["change"], row["starts"]) for row in answer.json["changes"]]


def link_of(way):
    def find(page):
        found = re.search(rf'rel="{way}" href="([^"]+)"', page.text)
        return found and unescape(found[1])

    return find


def header_of(answer):
    return answer.headers.get("Link", "").partition(";")[0].strip("<>").removeprefix("http://127.0.0.1:8000")


def require_walked(pages, rows_of, before, after):
    """What stood before and after was seen once, in its order; whatever else was seen, was seen once too."""
    seen = [row for page in pages for row in rows_of(page)]
    stood = [row for row in before if row in set(after)]
    assert len(stood) > 50
    assert len(set(seen)) == len(seen)
    assert [row for row in seen if row in set(stood)] == stood


@pytest.mark.parametrize("record", range(4), indirect=True)
def test_pages_are_walked_back_and_forth(record, staff):
    def everything():
        pages = walk(staff, f"/record/changes?since={BEGINS}", link_of("next"), int)
        return [row for page in pages for row in rows_of_page(page)]

    before = everything()
    pages = walk(staff, f"/record/changes?since={BEGINS}", link_of("next"), record.happen)
    assert len(pages) > 3
    require_walked(pages, rows_of_page, before, everything())
    before = everything()
    last = walk(staff, f"/record/changes?since={BEGINS}", link_of("next"), int)[-1]
    back = [last, *walk(staff, link_of("prev")(last), link_of("prev"), record.happen)]
    require_walked(back[::-1], rows_of_page, before, everything())


@pytest.mark.parametrize("record", range(4), indirect=True)
@pytest.mark.parametrize("limit", [7, 40])
def test_the_api_is_walked(record, staff, limit):
    def everything():
        return rows_of_answer(staff.get(f"/api/v1/changes?since={BEGINS}&until=2027-01-01"))

    before = everything()
    address = f"/api/v1/changes?since={BEGINS}&until=2027-01-01&limit={limit}"
    pages = walk(staff, address, header_of, record.happen)
    assert len(pages) > 3
    require_walked(pages, rows_of_answer, before, everything())
