"""What the pages that show much at once cost at N closures: ``python tests/bench/pages.py [N] [--users U]``.

CPU time of this process for a whole request without a socket, medians; and the octets of the page, as they are and
compressed. The closures are spread over two years from now, of 40 Users unless said otherwise, with a gateway each.
Nothing here is a test.
"""

import argparse
import gzip
import statistics
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pyotp import TOTP, random_base32

from app.domain.access import Role
from app.domain.notice import Announcement, Channel, Notice, NoticeContent
from app.domain.party import PARTY_CATEGORIES
from app.domain.window import ClosureWindow
from app.factory import create_app, prepare
from app.register.people import enrolment
from app.register.receive import receive_notice
from app.settings import read_settings
from app.store import accounts, proofs

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
PATHS = (
    "/", "/planned?q=GW-3", "/planned?q=GW", "/horizon", "/horizon?zoom=2w", "/horizon?zoom=6m", "/horizon?view=month",
    "/closures", "/closures?q=GW-3", "/closures?sort=notice", "/receipts",
)  # fmt: skip


def fill(service, count, users):
    """Record the closures, a quarter of them told late."""
    for share in range(users):
        category = PARTY_CATEGORIES[share % len(PARTY_CATEGORIES)]
        user = enrolment.enrol_user(service.store, f"U{share}", f"User {share}", category)
        enrolment.enrol_gateway(service.store, user.code, f"GW-{share}")
        announcements = []
        for number in range(share, count, users):
            starts = NOW + timedelta(minutes=number * 731 * 1440 // count)
            window = ClosureWindow(starts, starts + timedelta(hours=4))
            announcements.append(Announcement(uid=f"u{number}", gateway=f"GW-{share}", window=window))
        told = NOW - timedelta(days=1 if share % 4 == 0 else 90)
        notice = Notice(user.code, Channel.API, told, "text/calendar", b"")
        receive_notice(service.register, user, notice, NoticeContent(tuple(announcements), ()))


def signed_in(app, store, now):
    """Return a client of DCC staff."""
    secret, client = random_base32(), app.test_client()
    email = f"{secret}@example.org".lower()
    link = enrolment.open_account(store, email, Role.DCC, (), now)
    with store.writing() as connection:
        account = accounts.account_by_email(store, connection, email)
        proofs.put_second_factor(store, connection, account.id, secret, 0, now)
    for path, fields in ((f"/sign-in/{link}", {}), ("/sign-in/second-factor", {"one_time_code": TOTP(secret).at(now)})):
        token = client.get(path).text.rpartition('name="csrf_token" value="')[2].partition('"')[0]
        client.post(path, data={"csrf_token": token, **fields})
    return client


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("count", nargs="?", type=int, default=10_000)
    parser.add_argument("--users", type=int, default=40)
    asked = parser.parse_args()
    count = asked.count
    folder = Path(tempfile.mkdtemp())
    settings = read_settings({"CLOSURES_DATA_DIR": str(folder / "data"), "CLOSURES_KEY_DIR": str(folder / "keys")})
    service = prepare(settings, NOW)
    fill(service, count, asked.users)
    client = signed_in(create_app(settings, now=lambda: NOW), service.store, NOW)
    print(f"== {count:,} closures, {asked.users} Users; CPU ms, octets, octets compressed")
    for path in PATHS:
        spent = []
        for _ in range(8):
            began = time.process_time()
            page = client.get(path)
            spent.append((time.process_time() - began) * 1000)
        assert page.status_code == 200, (path, page.status_code)
        print(f"{path:28} {statistics.median(spent):7.1f} {len(page.data):9,} {len(gzip.compress(page.data, 6)):8,}")


if __name__ == "__main__":
    main()
