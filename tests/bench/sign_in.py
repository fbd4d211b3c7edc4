"""What a refused sign-in costs for an account that is there and for one that is not: medians and their ratio.

Ends with 1 where the medians differ by more than five in a hundred (docs/targets.md, 15).
"""

import os
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from statistics import median

from app.domain.access import Role
from app.factory import prepare
from app.register.people import enrolment, sign_in
from app.settings import read_settings
from app.store import accounts

ROUNDS = int(os.environ.get("CLOSURES_SIGN_IN_ROUNDS", "200"))
MOST_APART = 0.05


def main():
    with tempfile.TemporaryDirectory() as folder:
        service = prepare(
            read_settings({"CLOSURES_DATA_DIR": f"{folder}/data", "CLOSURES_KEY_DIR": f"{folder}/keys"}),
            datetime.now(UTC),
        )
        store, now = service.store, datetime.now(UTC)
        enrolment.open_account(store, "known@example.org", Role.DCC, (), now)
        with store.reading() as connection:
            account = accounts.account_by_email(store, connection, "known@example.org")
        sign_in.choose_password(store, account, "correct horse battery staple", now)
        origin = sign_in.Origin("192.0.2.1")
        spent = {"known@example.org": [], "unknown@example.org": []}
        for number in range(ROUNDS):
            for email, times in spent.items():
                # Four minutes apart, so that no try meets a limit: not ten a minute, not twenty an hour.
                at = now + timedelta(minutes=4 * number)
                begins = time.perf_counter()
                try:
                    sign_in.by_password(store, email, f"wrong password {number}", origin, at)
                except sign_in.SignInRefused:
                    times.append(time.perf_counter() - begins)
        service.close()
    known, unknown = (median(times) * 1000 for times in spent.values())
    apart = abs(known - unknown) / min(known, unknown)
    print(f"{ROUNDS} rounds: known {known:.2f} ms, unknown {unknown:.2f} ms, {apart:.2%} apart")
    return apart > MOST_APART


if __name__ == "__main__":
    sys.exit(main())
