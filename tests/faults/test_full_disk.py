"""A disk that fills up: 507 to the writer, reads go on, and it recovers without a restart (docs/targets.md, 3)."""

import json
import resource
import signal
from base64 import b64encode
from datetime import UTC, datetime, timedelta

import pytest

from app.domain.window import ClosureWindow
from app.register.people.enrolment import issue_token
from app.register.reading import Question, read_schedule
from app.register.verification import verify_record

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)


@pytest.fixture
def full_disk(request, store):
    """Let no file of this process grow beyond what the database's files are now: a real refusal by the kernel."""
    if store.engine.dialect.name != "sqlite":
        # PostgreSQL writes in processes of its own; there the page limit below cannot reach.
        yield None
        return
    from pathlib import Path

    folder = Path(store.engine.url.database).parent
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

    def fill():
        largest = max(path.stat().st_size for path in folder.iterdir() if path.is_file())
        resource.setrlimit(resource.RLIMIT_FSIZE, (largest, before[1]))

    yield fill
    resource.setrlimit(resource.RLIMIT_FSIZE, before)
    signal.signal(signal.SIGXFSZ, ignored)


def test_a_full_disk(full_disk, web, store, register, alpha, announce, give, dcc):
    give(alpha, announce("before", "2027-02-07T02:00"))
    _, token = issue_token(store, label="test", now=NOW, user_code="ALPHA")
    headers = {"Authorization": "Basic " + b64encode(f"ALPHA:{token}".encode()).decode()}
    client = web.test_client()
    sizes = resource.getrlimit(resource.RLIMIT_FSIZE)

    def post(reference):
        body = {
            "closures": [
                {"gateway": "GW-A1", "starts": "2027-03-07T02:00", "ends": "2027-03-07T04:00", "reference": reference}
            ]
        }
        return client.post("/api/v1/notices", headers=headers, data=json.dumps(body), content_type="application/json")

    assert post("first").status_code == 200
    recorded = 1
    if full_disk is not None:
        full_disk()
        refused = []
        for number in range(200):  # the write-ahead log may have a little room left
            answer = post(f"n{number}")
            if answer.status_code != 200:
                refused.append(answer)
                break
            recorded += 1
        (answer,) = refused
        assert (answer.status_code, answer.json["code"], answer.headers["Retry-After"]) == (507, "store-full", "60")
        assert client.get("/api/v1/closures?from=2027-01-01&to=2027-06-01", headers=headers).status_code == 200
        resource.setrlimit(resource.RLIMIT_FSIZE, sizes)
    assert post("after").status_code == 200
    year = ClosureWindow(NOW, NOW + timedelta(days=300))
    assert len(read_schedule(register, dcc, Question(year))) == recorded + 2
    assert verify_record(register).faults == ()
