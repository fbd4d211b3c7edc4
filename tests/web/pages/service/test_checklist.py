"""The set-up page says what is there and what is to do, from what the database holds and the settings name."""

import re
from dataclasses import replace

import pytest

from app.domain.access import Role
from app.register.people import enrolment
from app.store.runs import JobRun, write_run
from app.web.site import EXTENSION


@pytest.fixture
def admin(sign_in):
    return sign_in("admin@example.org", Role.ADMIN)


def steps(client):
    """Return each step with whether it is done."""
    found = re.findall(
        r'<li class="row-entry"><div><h2>(.*?) <span class="tag[^>]*>(.*?)</span>', client.get("/service/set-up").text
    )
    return {title: tag == "✓ done" for title, tag in found}


def test_a_new_service_has_everything_to_do(admin, read):
    assert steps(admin) == dict.fromkeys(
        ("The first User", "Its gateway", "A feed", "A second admin", "Mail", "A backup"), False
    )
    assert "0 of 6 steps are done." in read(admin.get("/service/set-up"))
    assert 'href="/service/set-up"' in admin.get("/").text


def test_each_step_is_done_once_it_is(admin, web, store, add_account, clock, alpha, read):
    assert steps(admin) == {
        "The first User": True, "Its gateway": True, "A feed": False, "A second admin": False, "Mail": False,
        "A backup": False,
    }  # fmt: skip
    enrolment.add_subscription(
        store, scope_text="all", label="x", secret_url=False, past_days=1, horizon_days=1, now=clock()
    )
    add_account("second@example.org", Role.ADMIN)
    with store.writing() as connection:
        write_run(connection, JobRun("backup", 0, clock(), "7 rows written"))
    web.extensions[EXTENSION] = replace(web.extensions[EXTENSION], sends_mail=True)
    assert set(steps(admin).values()) == {True}
    assert "Everything is set up." in read(admin.get("/service/set-up"))
    assert "backup just now" in read(admin.get("/service/health"))
