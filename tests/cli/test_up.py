"""What `closures up` prepares before it hands over: the first link, and a demo that looks like a year."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from app.cli.demo import fill_demo
from app.cli.opening import current_settings
from app.cli.up import _welcome
from app.domain.access import Principal, Role
from app.domain.closure import State
from app.domain.maintenance import MaintenanceKind
from app.domain.window import ClosureWindow
from app.register.people.enrolment import list_users
from app.register.questions.overview import look_ahead
from app.register.reading import Question, read_recorded, read_schedule
from app.register.verification import verify_record

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
YEAR = ClosureWindow(NOW - timedelta(days=300), NOW + timedelta(days=300))
OPERATOR = Principal("test", Role.ADMIN)


def test_the_demo_is_twelve_users_with_a_plausible_year(service):
    filled = fill_demo(service, NOW)
    assert len(list_users(service.store)) == 12
    found = read_schedule(service.register, OPERATOR, Question(YEAR))
    states = Counter(one.state for one in found)
    assert len(found) > 150
    assert set(states) == {State.PLANNED, State.EXPIRED, State.WITHDRAWN}
    assert sum(one.moves > 0 for one in found) > 10
    assert sum(one.is_late for one in read_recorded(service.register, OPERATOR, YEAR.starts, YEAR.ends)) > 20
    assert all(one.has_passed(NOW) is False for one in found)
    assert verify_record(service.register).faults == ()
    again = fill_demo(service, NOW)
    assert (again.user, len(list_users(service.store)), again.feed_token == filled.feed_token) == (
        filled.user,
        12,
        False,
    )


@pytest.mark.parametrize("at", ["2026-11-24T00:00", "2026-11-24T13:59", "2026-10-25T00:30", "2027-03-28T01:10"])
def test_the_demo_has_something_to_see_at_any_time_of_day(service, at):
    now = datetime.fromisoformat(at).replace(tzinfo=UTC)
    fill_demo(service, now)
    outlook = look_ahead(service.register, OPERATOR, b"nobody", now)
    assert {"GW-BIRCH-1", "GW-CEDAR-1"} <= {one.gateway for one in outlook.closed_now}
    assert "GW-ELDER-1" in {one.gateway for one in outlook.soon}
    look = outlook.attention
    assert {"GW-CEDAR-1", "GW-ELDER-1", "GW-FIR-1"} <= {one.change.after.gateway for one in look.late}
    assert {"GW-BIRCH-1", "GW-CEDAR-1"} <= {code for one in look.clashes for code in one.clashes.gateways}
    assert MaintenanceKind.MAINTENANCE in {one.maintenance.kind for one in look.dates}
    called_off = read_schedule(service.register, OPERATOR, Question(ClosureWindow(now, now + timedelta(hours=40))))
    assert State.WITHDRAWN in {one.state for one in called_off}


def test_an_empty_register_gets_a_first_link_once(service):
    first, lines = _welcome(service, demo=False)
    assert first["sign_in"].startswith("http://127.0.0.1:8000/sign-in/gwfr_")
    assert f"  {first['sign_in']}" in lines
    second, lines = _welcome(service, demo=False)
    assert ("sign_in" in second, lines[-1]) == (False, "A new sign-in link: closures account link EMAIL")


def test_the_demo_says_what_to_open(service):
    facts, lines = _welcome(service, demo=True)
    assert set(facts) == {"url", "sign_in", "feed", "app_password", "caldav", "caldav_dcc"}
    assert sum("curl -u" in line for line in lines) == 3


@pytest.mark.parametrize(
    ("host", "port", "expected"),
    [
        (None, None, ("127.0.0.1", 8000, "http://127.0.0.1:8000")),
        ("0.0.0.0", 9000, ("0.0.0.0", 9000, "http://127.0.0.1:9000")),
    ],
)
def test_flags_go_into_the_addresses(monkeypatch, host, port, expected):
    for name in ("HOST", "PORT", "BASE_URL"):
        monkeypatch.delenv(f"CLOSURES_{name}", raising=False)
    found = current_settings(host=host, port=port)
    assert (found.host, found.port, found.base_url) == expected


def test_a_flag_goes_before_the_environment_and_an_address_of_it_stands(monkeypatch, tmp_path):
    monkeypatch.delenv("CLOSURES_PORT", raising=False)
    (tmp_path / "port").write_text("7000")
    monkeypatch.setenv("CLOSURES_PORT_FILE", str(tmp_path / "port"))
    monkeypatch.setenv("CLOSURES_BASE_URL", "https://closures.example.org")
    found = current_settings(host=None, port=9000)
    assert (found.port, found.base_url) == (9000, "https://closures.example.org")
