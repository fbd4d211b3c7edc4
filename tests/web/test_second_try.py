"""A request that lost its database is begun anew, once, unless a commit of it may have happened. On PostgreSQL."""

from base64 import b64encode

import pytest
import sqlalchemy as sa

from app.register.people.enrolment import issue_token
from app.store import tables
from tests.conftest import NOW

CLOSED = {"starts": "2027-06-06T02:00:00Z", "ends": "2027-06-06T06:00:00Z", "reference": "one"}
CUT_OFF = "PERFORM pg_terminate_backend(pg_backend_pid())"
TAKES_NO_WRITES = "RAISE EXCEPTION 'read-only' USING ERRCODE = '25006'"


@pytest.fixture
def fails(store):
    """Return a function that lets the first ``times`` notices meet a fault, as they are written or committed."""

    def arrange(fault, times, *, at_commit=False):
        kind = "CONSTRAINT TRIGGER" if at_commit else "TRIGGER"
        when = "DEFERRABLE INITIALLY DEFERRED" if at_commit else ""
        with store.writing() as connection:
            connection.exec_driver_sql(
                f"CREATE SEQUENCE tried; CREATE FUNCTION meet() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
                f"IF nextval('tried') <= {times} THEN {fault}; END IF; RETURN NEW; END $$; "
                f"CREATE {kind} meet AFTER INSERT ON notices {when} FOR EACH ROW EXECUTE FUNCTION meet()"
            )

    return arrange


@pytest.fixture
def post(web, store, alpha):
    _, token = issue_token(store, label="writer", now=NOW, user_code="ALPHA")
    credential = "Basic " + b64encode(f"ALPHA:{token}".encode()).decode()
    client = web.test_client()
    # What is written at its first use is committed before the notice.
    assert client.get("/api/v1/closures", headers={"Authorization": credential}).status_code == 200
    body = {"closures": [CLOSED | {"gateway": "GW-A1"}]}
    return lambda: client.post("/api/v1/notices", json=body, headers={"Authorization": credential})


def seen(store):
    """How often a notice was tried, and how many are recorded."""
    with store.reading() as connection:
        tried = connection.exec_driver_sql("SELECT last_value FROM tried").scalar_one()
        return tried, connection.execute(sa.select(sa.func.count()).select_from(tables.notices)).scalar_one()


def is_sqlite(store):
    return store.engine.dialect.name == "sqlite"


@pytest.mark.parametrize("fault", [CUT_OFF, TAKES_NO_WRITES], ids=["cut off", "takes no writes"])
def test_what_was_lost_before_a_commit_is_begun_anew_once(store, fails, post, fault):
    if is_sqlite(store):
        return
    fails(fault, 1)
    answer = post()
    assert (answer.status_code, answer.get_json()["accepted"][0]["reference"] != "", seen(store)) == (200, True, (2, 1))


def test_a_second_loss_is_answered_with_when_to_try_again(store, fails, post):
    if is_sqlite(store):
        return
    fails(CUT_OFF, 2)
    answer = post()
    found = (answer.status_code, answer.headers["Retry-After"], answer.get_json()["code"], seen(store))
    assert found == (503, "10", "store-busy", (2, 0))
    assert (post().status_code, seen(store)) == (200, (3, 1))


def test_what_may_have_been_committed_is_not_begun_anew(store, fails, post):
    if is_sqlite(store):
        return
    fails(CUT_OFF, 1, at_commit=True)
    answer = post()
    found = (answer.status_code, answer.headers["Retry-After"], answer.get_json()["code"], seen(store))
    assert found == (503, "10", "store-uncertain", (1, 0))
