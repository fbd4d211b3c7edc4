"""Whether the service lives and works, and what it measures."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from app.domain.access import Action
from app.domain.clock_doubt import ClockReading
from app.domain.notification import FOR_A_READER, FOR_THE_SENDER
from app.jobs.integrity import check_integrity
from app.jobs.letter import NotDelivered
from app.jobs.notify import deliver
from app.jobs.post_office import PostOffice
from app.jobs.sweep import sweep, sweep_on_time
from app.register.messages import recipients
from app.register.messages.silences import read_silencing
from app.register.questions.troubles import NEARLY_FULL, find_troubles
from app.register.sources import add_source, gateway_of, make_source
from app.store import outbox, runs, sources
from app.store.engine import read_head
from app.store.recipients import Carrier
from app.web.routes import UndeclaredRoute
from app.web.site import EXTENSION
from feeds.entry import Publisher

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)


def refuse(_letter):
    """A mail server that takes nothing, for good."""
    raise NotDelivered("it was refused", for_good=True)


REFUSING = PostOffice(
    Publisher("Notices", "notices@closures.example", "https://closures.example", "c.example"), {Carrier.EMAIL: refuse}
)
AT_FIRST = ("a boot", NOW - datetime(2026, 11, 1, tzinfo=UTC) - timedelta(days=1))


def reading(now):
    """What the clocks say where all of them are right."""
    return ClockReading(now, "a boot", now - datetime(2026, 11, 1, tzinfo=UTC))


def source_of(gateway):
    return make_source(
        gateway, url="https://dav.example.org/c/", category="", username="", password="", word="", every_minutes=15, now=NOW
    )  # fmt: skip


@pytest.fixture
def client(web):
    return web.test_client()


def test_a_process_lives_and_is_ready(client):
    assert (client.get("/livez").status_code, client.get("/readyz").status_code) == (200, 200)


def test_health_proves_that_the_scheduler_ran(client, register, clock):
    assert (client.get("/healthz").status_code, client.get("/healthz").json["scheduler"]) == (503, "overdue")
    sweep(register, NOW)
    assert (client.get("/healthz").status_code, client.get("/healthz").json["scheduler"]) == (200, "ok")
    clock.forward(minutes=3)
    assert client.get("/healthz").status_code == 503
    clock.forward(minutes=-6)  # swept by a clock that was ahead, and not since: that is no sign of life
    assert client.get("/healthz").status_code == 503


def test_what_anybody_may_ask_does_not_tell_when_a_window_ends(client, register, alpha, announce, give, clock):
    """No counter: polled, one that moves with expiry would tell anybody when a closure ends."""
    give(alpha, announce("u1", "2026-11-24T05:00", hours=5))
    recipients.add_recipient(
        register.store, label="ops", carrier=Carrier.EMAIL, address="ops@example.org", kinds=set(FOR_A_READER) - FOR_THE_SENDER,
        digest_hour=None, user_code=None, now=NOW,
    )  # fmt: skip
    sweep_on_time(register, reading(NOW))

    def answers():
        health = client.get("/healthz").json
        del health["last_sweep"]  # each minute, whatever happens
        return health, client.get("/readyz").json, client.get("/checkpoint").data

    before = answers()
    assert before[:2] == (
        {"status": "ok", "database": "ok", "writing": "ok", "scheduler": "ok", "clock": "ok", "record": "ok", "problems": []},
        {"status": "ok", "database": "ok", "writing": "ok", "problems": []},
    )  # fmt: skip
    for _ in range(59):
        sweep_on_time(register, reading(clock.forward(minutes=1)))
        deliver(register, REFUSING, clock)
        assert answers() == before
    with register.store.reading() as connection:
        assert outbox.count_open(connection)["dead"] > 0  # given up as the window began to end, and told tomorrow
    sweep_on_time(register, reading(clock.forward(hours=15)))
    assert client.get("/healthz").json["problems"] == [
        "A message could not be delivered and was given up: see Service, Messages, or `closures notify outbox`."
    ]


def test_troubles_are_told_and_are_no_reason_to_take_the_service_away(client, register, store, alpha, clock):
    """In words for whoever is called at night; 200, since a User's broken calendar must not end the service."""
    sweep(register, NOW)
    check_integrity(register, NOW)
    assert client.get("/healthz").json["problems"] == []
    gateway = gateway_of(store, "ALPHA", "GW-A1")
    add_source(store, source := source_of(gateway))
    with store.writing() as connection:
        _, before = sources.read_source(store, connection, source.id)
        failed = replace(before, polled_at=NOW, failures=1, outcome="It answered 500.")
        assert sources.finish_poll(store, connection, (source, before), failed, before.due_at)
    clock.forward(days=1_500)
    sweep(register, clock())
    health = client.get("/healthz")
    assert (health.status_code, health.json["status"], health.json["problems"]) == (
        200, "degraded",
        [
            "The job integrity has not run in its time: see the scheduler's log.",
            "A calendar that we read cannot be read: `closures source list` (or `maintenance source list`) says why.",
            "The table of holidays ends within twelve months: update the holidays package.",
        ],
    )  # fmt: skip


def test_an_alertmanager_that_is_long_out_of_step_is_told(register, store, clock):
    address, silencing = read_silencing("https://am.example", 'gateway="{gateway}"', [])
    recipient = recipients.add_recipient(
        store, label="ops", carrier=Carrier.ALERTMANAGER, address=address, kinds=(), digest_hour=None, user_code=None,
        now=NOW, silencing=silencing,
    ).recipient  # fmt: skip
    words = "An Alertmanager is out of step with what is closed: Service, Messages says why."

    def told(**after):
        return find_troubles(register, {}, NOW + timedelta(**after))

    assert (told(minutes=5), told(minutes=5, seconds=1)) == ([], [words])
    with store.writing() as connection:
        runs.write_bridge(connection, recipient.id, NOW + timedelta(hours=1), "")
    assert (told(minutes=64), told(minutes=66)) == ([], [words])
    recipients.remove_recipient(store, recipient.id, NOW)
    assert told(minutes=66) == []


def test_a_folder_with_little_room_is_told(register):
    assert find_troubles(register, {"data": NEARLY_FULL, "keys": NEARLY_FULL - 1}, NOW) == [
        "The disk of the keys folder is nearly full: free some space."
    ]


def test_where_nothing_can_be_written_the_service_is_not_ready_and_says_why(web, register, store):
    client = web.test_client()
    sweep(register, NOW)
    assert (client.get("/readyz").status_code, client.get("/healthz").status_code) == (200, 200)
    web.extensions[EXTENSION].write_probe._tried_at -= 15
    with store.writing() as connection:
        connection.execute(sa.text("CREATE TABLE kept AS SELECT * FROM job_runs"))
        connection.execute(sa.text("ALTER TABLE job_runs RENAME TO away"))
        connection.execute(sa.text("CREATE VIEW job_runs AS SELECT DISTINCT * FROM kept"))
    ready, health = client.get("/readyz"), client.get("/healthz")
    words = "The database does not answer."
    assert (ready.status_code, ready.json) == (
        503,
        {"status": "failing", "database": "ok", "writing": words, "problems": [f"{words} Check that it runs, then try again."]},
    )  # fmt: skip
    assert (health.status_code, health.json["writing"], health.json["problems"]) == (503, words, ready.json["problems"])
    assert b"closures_store_takes_writes 0.0" in client.get("/metrics").data


def test_health_says_that_the_clock_is_doubted(client, register):
    sweep_on_time(register, reading(NOW - timedelta(days=1)))
    assert b"closures_clock_doubted_seconds 0.0" in client.get("/metrics").data
    sweep_on_time(register, ClockReading(NOW, *AT_FIRST))
    health = client.get("/healthz")
    assert (health.status_code, health.json["clock"], health.json["scheduler"]) == (503, "doubted", "ok")
    assert b"closures_clock_doubted_seconds 86400.0" in client.get("/metrics").data


def test_health_and_figures_say_that_something_stored_was_altered_and_what_to_do(client, register, store):
    sweep(register, NOW)
    check_integrity(register, NOW)
    assert (client.get("/healthz").status_code, client.get("/healthz").json["record"]) == (200, "ok")
    assert b"closures_record_faults 0.0" in client.get("/metrics").data
    with store.writing() as connection:
        connection.execute(sa.text("UPDATE log SET kind = 'other' WHERE position = 0"))
    faults = check_integrity(register, NOW)
    health = client.get("/healthz")
    assert (health.status_code, health.json["record"], health.json["remedy"]) == (
        503, "altered",
        "Something stored was altered: run `closures record verify`, which names it; docs/operating.md says what then.",
    )  # fmt: skip
    assert f"closures_record_faults {faults}.0".encode() in client.get("/metrics").data


def test_health_proves_the_database(client, store):
    with store.writing() as connection:
        connection.execute(sa.text("ALTER TABLE head RENAME TO gone"))
    assert (client.get("/readyz").status_code, client.get("/healthz").status_code) == (503, 503)


def test_metrics_are_for_this_machine_and_for_ops(client, store, alpha, announce, give):
    give(alpha, announce("u1", "2027-02-07T02:00"))
    local = client.get("/metrics")
    assert b"closures_changes 1.0" in local.data
    with store.reading() as connection:
        size = read_head(connection).log_size
    assert f"closures_log_entries {size}.0".encode() in local.data
    assert client.get("/metrics", headers={"X-Forwarded-For": "127.0.0.1"}).status_code == 401
    assert client.get("/metrics", environ_base={"REMOTE_ADDR": "192.0.2.1"}).status_code == 401
    assert client.get("/metrics", environ_base={"REMOTE_ADDR": "nonsense"}).status_code == 401


def test_every_answer_carries_the_browsers_limits(client):
    headers = client.get("/sign-in").headers
    strict = (
        "default-src 'none'; style-src 'self'; img-src 'self' data:; font-src 'self'; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    )
    # Pages alone run a script, our own file, and it asks our own addresses alone.
    assert headers["Content-Security-Policy"] == f"{strict}; script-src 'self'; connect-src 'self'"
    for other in ("/healthz", "/checkpoint", "/api/v1/closures", "/api/v1/openapi.json", "/dav/", "/static/icon.svg"):
        with client.get(other) as answer:
            assert (other, answer.headers["Content-Security-Policy"]) == (other, strict)
    assert headers["Referrer-Policy"] == "no-referrer"
    assert "Strict-Transport-Security" not in headers


def test_an_address_that_is_nothing(client):
    page, api = client.get("/nothing"), client.get("/api/v1/nothing")
    assert (page.status_code, page.mimetype, api.status_code, api.mimetype) == (
        404, "text/html", 404, "application/problem+json",
    )  # fmt: skip


def test_a_route_that_says_no_action_stops_the_start(web):
    web._got_first_request = False
    with pytest.raises(UndeclaredRoute, match="loose"):
        web.add_url_rule("/loose", endpoint="loose", view_func=lambda: "")


def endpoints(web, action):
    return {rule.endpoint for rule in web.url_map.iter_rules() if rule.action is action}


def test_what_is_public_is_named_here(web):
    public = endpoints(web, Action.PUBLIC)
    assert public == {
        "static", "status.livez", "status.readyz", "status.healthz",
        "evidence.checkpoint", "evidence.keys", "evidence.inclusion", "evidence.consistency",
        "addresses.by_credential", "addresses.by_secret_url", "openapi.document", "openapi.docs",
        # The address itself is the secret.
        "leaving.show", "leaving.leave",
        # They ask for a token themselves, and open nothing without; but figures are open on the machine itself.
        "status.metrics",
        "caldav.serve", "caldav.root", "caldav.greet", "caldav.discover",
    }  # fmt: skip


def test_the_steps_of_signing_in_are_named_here(web):
    steps = endpoints(web, Action.SIGN_IN)
    assert steps == {
        "session.sign_in", "session.use_password", "session.link", "session.use_link", "session.second_factor",
        "session.use_second_factor", "session.sign_out", "oidc.begin", "oidc.come_back", "set_up.password",
        "set_up.choose_password", "set_up.second_factor", "set_up.confirm_second_factor",
        "set_up.renew_recovery_codes", "session.forgotten", "session.send_link",
    }  # fmt: skip


def test_a_session_is_idle_for_thirty_minutes_at_most(clock):
    from app.store.sessions import SESSION_IDLE, SESSION_LONGEST

    assert (timedelta(minutes=30), timedelta(hours=12)) == (SESSION_IDLE, SESSION_LONGEST)


def test_nobody_in_between_keeps_what_depends_on_who_asks(alpha_client, credentials):
    answers = [
        alpha_client.get("/closures"), alpha_client.get("/nothing"),
        alpha_client.get("/api/v1/closures", headers=credentials[0]),
    ]  # fmt: skip
    tag = answers[-1].headers["ETag"]
    answers.append(alpha_client.get("/api/v1/closures", headers=credentials[0] | {"If-None-Match": tag}))
    assert [one.status_code for one in answers] == [200, 404, 200, 304]
    for one in answers:
        assert one.headers["Cache-Control"] == "private, no-cache"
        assert {"Authorization", "Cookie"} <= set(one.headers["Vary"].split(", "))


def test_a_304_says_again_only_what_a_cache_goes_by(client, credentials):
    whole = client.get("/api/v1/closures", headers=credentials[0])
    again = client.get("/api/v1/closures", headers=credentials[0] | {"If-None-Match": whole.headers["ETag"]})
    assert {"Content-Security-Policy", "X-Content-Type-Options"} <= set(whole.headers.keys())
    assert set(again.headers.keys()) - {"Date"} == {"ETag", "Cache-Control", "Vary"}
    assert again.headers["ETag"] == whole.headers["ETag"]
