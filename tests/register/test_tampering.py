"""Whoever writes the database without keys erases nothing, hands nothing over and rises to nothing unseen.

One world is made through the real use cases; each edit is made by SQL in a copy of it, found by verification and named.
"""

import re
import shutil
from datetime import UTC, datetime, timedelta

import pyotp
import pytest
import sqlalchemy as sa

from app.domain.access import Role
from app.domain.maintenance import MaintenanceKind
from app.domain.notice import Announcement, Channel, Notice, NoticeContent
from app.domain.notification import Kind
from app.domain.refusal import Unknown
from app.domain.retention import RetentionPolicy
from app.domain.window import ClosureWindow
from app.factory import open_service, prepare
from app.jobs.housekeeping import keep_house
from app.jobs.sweep import sweep
from app.register import rulebook
from app.register.maintenance import import_maintenance
from app.register.messages.recipients import add_recipient, remove_recipient
from app.register.move_index import move_index
from app.register.people import accounts, enrolment, sign_in
from app.register.questions.readers import note_export
from app.register.receive import receive_notice
from app.register.sources import CLOSURES, add_source, find_source_id, remove_source
from app.register.verification import verify_record
from app.security.sealing import SealBroken
from app.security.second_factor import new_secret
from app.security.tokens import new_row_id
from app.settings import read_settings
from app.store import accounts as stored_accounts
from app.store import parties, rules, sessions, subscriptions, tables
from app.store.acts import ACTOR, Deed, open_act
from app.store.exports import exports_between
from app.store.maintenance import read_maintenance
from app.store.recipients import Carrier, list_recipients, listeners
from app.store.sessions import Session, Stage
from app.store.sources import GatewayOf, Source, list_sources
from tests.conftest import environment

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
YEARS = timedelta(days=3 * 366)


def announcement(uid, starts, gateway="GW-A1"):
    begins = datetime.fromisoformat(starts).replace(tzinfo=UTC)
    return Announcement(uid=uid, gateway=gateway, window=ClosureWindow(begins, begins + timedelta(hours=4)))


def give(register, user, *announcements, at=NOW):
    notice = Notice(user.code, Channel.API, at, "text/calendar", b"BEGIN:VCALENDAR", "a test")
    return receive_notice(register, user, notice, NoticeContent(announcements, (), events=len(announcements)))


def fill(service):
    """Do what decides, each at least once; what is long past is purged, and one User is shredded."""
    register, store = service.register, service.store
    users = {}
    for code, gateways in (("ALPHA", ("GW-A1", "GW-A2")), ("BETA", ("GW-B1",)), ("GONE", ("GW-G1",))):
        users[code] = enrolment.enrol_user(store, code, f"{code.title()} Energy")
        for gateway in gateways:
            enrolment.enrol_gateway(store, code, gateway)
    old = NOW - YEARS
    give(register, users["ALPHA"], announcement("old", "2023-12-01T02:00"), at=old)
    for day in range(1, 6):
        give(
            register, users["ALPHA"], announcement(f"a{day}", f"2027-02-0{day}T02:00"), at=NOW + timedelta(minutes=day)
        )
    give(register, users["ALPHA"], announcement("a1", "2027-03-01T02:00"), at=NOW + timedelta(hours=1))
    give(register, users["BETA"], announcement("b1", "2027-02-01T02:00", "GW-B1"))
    give(register, users["GONE"], announcement("g1", "2027-02-01T02:00", "GW-G1"))
    for email, role, codes in (("root@example.org", Role.ADMIN, ()), ("alpha@example.org", Role.USER, ("ALPHA",))):
        enrolment.open_account(store, email, role, codes, NOW)
    with store.reading() as connection:
        root = stored_accounts.account_by_email(store, connection, "root@example.org")
        alpha = stored_accounts.account_by_email(store, connection, "alpha@example.org")
    sign_in.choose_password(store, alpha, "three calm otters swim", NOW)
    secret = new_secret()
    sign_in.set_up_second_factor(store, alpha, secret, pyotp.TOTP(secret).at(NOW), NOW)
    accounts.link_subject(store, root, "https://issuer.example", "subject-1", NOW)
    enrolment.issue_token(store, label="upload", now=NOW, user_code="ALPHA", account_id=alpha.id)
    revoked, _ = enrolment.issue_token(store, label="lost", now=NOW, role=Role.DCC)
    enrolment.revoke_token(store, revoked.hex(), NOW)
    enrolment.add_subscription(
        store, scope_text="user:ALPHA", label="wall", secret_url=True, past_days=30, horizon_days=400, now=NOW,
        account_id=alpha.id,
    )  # fmt: skip
    rulebook.set_retention(store, RetentionPolicy(version=0, details_days=30, facts_days=400), NOW)
    rulebook.set_thresholds(store, rulebook.Thresholds(version=0, closed=3), NOW)
    dates = NoticeContent((announcement("m1", "2027-05-01T00:00", "DCC"),), (), events=1)
    import_maintenance(register, MaintenanceKind.MAINTENANCE, dates, NOW)
    add_recipient(
        store, label="board", carrier=Carrier.EMAIL, address="a@example.org", kinds=frozenset({Kind.MOVED}),
        digest_hour=None, user_code="ALPHA", now=NOW,
    )  # fmt: skip
    source = Source(
        new_row_id(), GatewayOf(users["ALPHA"].id, "GW-A1"), "https://example.org/a.ics", "", "", "", "", 60, NOW
    )
    add_source(store, source)
    note_export(store, "a@example.org", "closures as CSV", 5, NOW)
    sweep(register, NOW + timedelta(hours=2))
    keep_house(register, NOW + timedelta(hours=3))
    enrolment.shred_user(store, "GONE", NOW)


@pytest.fixture(scope="module")
def world(databases, tmp_path_factory):
    """The environment of a service that did all of it."""
    folder = tmp_path_factory.mktemp("world")
    environ = environment(folder, databases.new(folder))
    service = prepare(read_settings(environ), NOW)
    fill(service)
    service.close()
    return environ


@pytest.fixture
def database_url(world, databases, tmp_path):
    """The address of a copy of the world."""
    return databases.new(tmp_path, world["CLOSURES_DATABASE_URL"])


@pytest.fixture
def copied(world, environ):
    """A service over it."""
    shutil.copytree(world["CLOSURES_KEY_DIR"], environ["CLOSURES_KEY_DIR"])
    service = open_service(read_settings(environ))
    yield service
    service.close()


def edit(service, statement, **values):
    """Write as somebody who has the database and no key; foreign keys do not hold that one up."""
    if service.store.engine.dialect.name == "sqlite":
        connection = service.store.engine.raw_connection()
        connection.execute("PRAGMA foreign_keys=OFF")
        assert connection.execute(statement, values).rowcount > 0
        connection.execute("PRAGMA foreign_keys=ON")
        connection.close()
        return
    with service.store.writing() as connection:
        connection.execute(sa.text("SET LOCAL session_replication_role = replica"))
        assert connection.execute(sa.text(statement), values).rowcount > 0


def faults(service):
    return verify_record(service.register).faults


def test_the_world_is_sound(copied):
    assert faults(copied) == ()


PLANNED = "id IN (SELECT id FROM closures WHERE state = 'planned' AND user_id = :alpha ORDER BY reference LIMIT 1)"

EDITS = {
    # Erased.
    "closures as if purged": (
        "UPDATE closures SET state = 'forgotten' WHERE state = 'planned'", "is emptied, and no purge names it"),
    "revisions as if purged": ("UPDATE revisions SET sealed = NULL WHERE number = 2", "A revision received .* is emptied"),
    "notices as if purged": (
        "UPDATE notices SET sealed = NULL WHERE id IN (SELECT id FROM notices WHERE sealed IS NOT NULL LIMIT 1)",
        "A notice received .* is emptied, and no purge names it"),
    "assessments as if purged": (
        "UPDATE assessments SET sealed = NULL WHERE sealed IS NOT NULL", "An assessment made .* is emptied"),
    "a closure out of its weeks": ("DELETE FROM weeks WHERE current", "is not found in the weeks that it touches"),
    "a closure before every change": (f"UPDATE closures SET change = 0 WHERE {PLANNED}", "does not agree with what was"),
    "a closure under another event": (f"UPDATE closures SET series = id WHERE {PLANNED}", "under another event"),
    "a purged closure renamed": (
        "UPDATE closures SET reference = 'CN-0000000000' WHERE state = 'forgotten'", "A closure .* is not as entry"),
    "an account": ("DELETE FROM identities", "A link to an identity .* is gone"),
    "a policy": ("DELETE FROM policies WHERE kind = 'thresholds'", "A policy .* is gone"),
    "a holiday table": ("DELETE FROM holiday_tables WHERE region = 'scotland'", "A holiday table .* is gone"),
    "DCC's own dates": ("DELETE FROM maintenance", "An? entry of DCC's own dates .* is gone"),
    "an export": ("DELETE FROM exports", "A note of an export .* is gone"),
    "a source": ("DELETE FROM sources", "A source .* is gone"),
    "who is told": ("UPDATE recipients SET removed_at = 1", "A recipient .* is not as entry"),
    "an act": (
        "DELETE FROM acts WHERE position IN (SELECT position FROM acts ORDER BY position LIMIT 1)",
        "What entry 0 of the log recorded is gone"),
    # Handed over.
    "closures to nobody": (
        f"UPDATE closures SET user_id = (SELECT account_id FROM passwords) WHERE {PLANNED}", "belongs to nobody"),
    "closures to the shredded User": (
        f"UPDATE closures SET user_id = :gone WHERE {PLANNED}", "A shredded User has not what it had"),
    "closures to another User": (f"UPDATE closures SET user_id = :beta WHERE {PLANNED}", "does not open"),
    "a revision to another User": ("UPDATE revisions SET user_id = :beta WHERE number = 2", "A revision received .* was altered"),
    "a revision to another notice": (
        "UPDATE revisions SET notice_id = (SELECT min(id) FROM notices WHERE user_id = :beta) WHERE number = 2",
        "names another notice than brought it"),
    "a revision to no notice": ("UPDATE revisions SET notice_id = NULL WHERE number = 2", "names another notice"),
    "a notice to another User": (
        "UPDATE notices SET user_id = :beta WHERE sealed IS NOT NULL AND user_id = :alpha", "A notice .* was altered"),
    "a notice at another time": (
        "UPDATE notices SET received_at = received_at - 1 WHERE sealed IS NOT NULL", "A notice .* was altered"),
    "a notice under another tree": (
        "UPDATE notices SET log_root = (SELECT leaf FROM log WHERE position = 0)", "A notice .* was altered"),
    "a gateway to another User": (
        "UPDATE user_gateways SET user_id = :beta WHERE user_id = :alpha", "A gateway of a User .* no entry of the log"),
    # Risen.
    "a token to DCC": ("UPDATE tokens SET user_id = NULL, role = 'dcc'", "A token .* is not as entry"),
    "a token that was revoked": (
        "UPDATE tokens SET revoked_at = NULL WHERE revoked_at IS NOT NULL", "A token .* is not as entry"),
    "a token for good": ("UPDATE tokens SET expires_at = expires_at * 2", "A token .* is not as entry"),
    "a token under another digest": (
        "UPDATE tokens SET digest = (SELECT leaf FROM log WHERE position = 0) WHERE role = 'dcc'", "A token .* is not as"),
    "an account to admin": ("UPDATE accounts SET role = 'admin' WHERE role = 'user'", "An? account .* is not as entry"),
    "a password of another": (
        "UPDATE passwords SET account_id = (SELECT id FROM accounts WHERE role = 'admin')", "A password .* no entry"),
    "no second factor": ("DELETE FROM second_factors", "A second factor .* is gone"),
    "recovery codes again": ("UPDATE recovery_codes SET used_at = 1", "A recovery code .* is not as entry"),
    "an identity of another": (
        "UPDATE identities SET account_id = (SELECT id FROM accounts WHERE role = 'user')", "A link to an identity .* is not"),
    "a subscription for good": ("UPDATE subscriptions SET expires_at = expires_at * 2", "A subscription .* is not as"),
    "a policy in other words": ("UPDATE policies SET body = '{}' WHERE kind = 'thresholds'", "A policy .* is not as"),
    "another holiday": ("UPDATE holiday_tables SET body = '{}' WHERE region = 'scotland'", "A holiday table .* is not as"),
    "an assessment in time": ("UPDATE assessments SET late = NOT late", "An assessment made .* was altered"),
    # The calendars.
    "members": ("DELETE FROM members", "is missing in its User's calendar"),
    "a member under another name": ("UPDATE members SET name_index = id", "A member of a calendar .* was altered"),
    "a member that left": ("UPDATE members SET leaves_on = 1", "A member of a calendar .* was altered"),
    # What is proven beside what is sealed.
    "the numbers of the head": ("UPDATE head SET parties = parties + 1", "A row of head is not as it was written"),
    "how far a job got": ("UPDATE job_runs SET position = position + 1", "A row of job_runs is not as it was written"),
    # The log itself, and what cannot be.
    "the kind of an entry": ("UPDATE log SET kind = 'other' WHERE position = 0", "is said to be another kind"),
    "a tree of no size": ("UPDATE head SET log_edge = :octets", "The head of the record is damaged"),
    "a sealed value that is none": (f"UPDATE closures SET sealed = :octets WHERE {PLANNED}", "does not open"),
    "an act that is none": ("UPDATE acts SET sealed = :octets WHERE position = 1", "The act of entry 1 .* was altered"),
}  # fmt: skip


def edit_by_name(copied, name):
    """Do an edit; return in which words it is named."""
    statement, words = EDITS[name]
    with copied.store.reading() as connection:
        everyone = parties.read_parties(copied.store, connection).users.values()
        known = {user.code.lower(): user.id for user in everyone}
        gone = set(connection.execute(sa.text("SELECT id FROM users")).scalars()) - set(known.values())
    values = known | {"gone": gone.pop(), "octets": b"octets"}
    edit(copied, statement, **{key: value for key, value in values.items() if f":{key}" in statement})
    return words


@pytest.mark.parametrize("name", EDITS)
def test_an_edit_is_found_and_named(copied, name):
    words, found = edit_by_name(copied, name), faults(copied)
    assert any(re.search(words, fault) for fault in found), found


MOVED = sorted(set(EDITS) - {"the numbers of the head", "a tree of no size"})
"""With a head that was altered nothing is written any more, and so nothing moves."""


@pytest.mark.parametrize("name", MOVED)
def test_an_edit_is_found_after_the_index_moved_too(copied, name):
    words = edit_by_name(copied, name)
    copied.store.keyring.rotate(root=True)
    assert move_index(copied.store)
    found = faults(copied)
    # A row that is named by a digest has another name now, and of one that was altered no act says it.
    assert any(re.search(f"{words}|(identity|code) .* no entry of the log says so", fault) for fault in found), found


def test_the_world_is_sound_after_the_index_moved(copied):
    copied.store.keyring.rotate(root=True)
    assert move_index(copied.store)
    assert faults(copied) == ()


def test_a_table_that_is_gone_is_named_and_the_rest_is_checked(copied):
    with copied.store.writing() as connection:
        connection.execute(sa.text("DROP TABLE exports"))
    edit(copied, "UPDATE tokens SET role = 'admin' WHERE role = 'dcc'")
    first, *rest = faults(copied)
    assert "A token" in first
    assert rest == ["The table exports is gone."]


SERVED = {
    "a gateway": ("UPDATE user_gateways SET sealed = (SELECT sealed FROM exports)", parties.gateway_links),
    "a policy": ("UPDATE policies SET body = '{}'", lambda store, connection: (
        rules.read_policies(store, connection, "thresholds"))),
    "a holiday table": ("UPDATE holiday_tables SET body = '{}'", rules.read_holiday_tables),
    "an export": ("UPDATE exports SET exported_at = 1", lambda store, connection: (
        exports_between(store, connection, datetime(1970, 1, 1, tzinfo=UTC), NOW))),
    "DCC's own dates": ("UPDATE maintenance SET received_at = 1", read_maintenance),
}  # fmt: skip


@pytest.mark.parametrize("name", SERVED)
def test_a_row_that_does_not_agree_with_its_seal_is_never_served(copied, name):
    statement, read = SERVED[name]
    edit(copied, statement)
    with copied.store.reading() as connection, pytest.raises(SealBroken):
        read(copied.store, connection)


LISTED = {
    "a token": ("UPDATE tokens SET role = 'admin' WHERE role = 'dcc'", stored_accounts.list_app_passwords, 2),
    "a token made at no time": (
        "UPDATE tokens SET created_at = 9000000000000000000 WHERE role = 'dcc'", stored_accounts.list_app_passwords, 2),
    "an account": ("UPDATE accounts SET role = 'admin' WHERE role = 'user'", stored_accounts.list_accounts, 2),
    "a subscription": ("UPDATE subscriptions SET expires_at = expires_at * 2", subscriptions.list_subscriptions, 1),
    "a source": ("UPDATE sources SET user_id = NULL", list_sources, 1),
    "who is told": ("UPDATE recipients SET kinds = ''", list_recipients, 1),
}  # fmt: skip


@pytest.mark.parametrize("name", LISTED)
def test_a_list_names_the_row_that_was_altered_and_shows_the_rest(copied, name):
    statement, read, count = LISTED[name]
    with copied.store.reading() as connection:
        before = read(copied.store, connection)
    assert (len(before.whole), before.altered) == (count, [])
    edit(copied, statement)
    with copied.store.reading() as connection:
        after = read(copied.store, connection)
    assert (len(after.whole), len(after.altered)) == (count - 1, 1)
    assert [one for one in before.whole if one in after.whole] == after.whole


ENDED = {
    "a token": ("UPDATE tokens SET role = 'admin' WHERE user_id IS NOT NULL",
                stored_accounts.list_app_passwords, enrolment.revoke_token),
    "a token made at no time": ("UPDATE tokens SET created_at = 9000000000000000000 WHERE user_id IS NOT NULL", stored_accounts.list_app_passwords, enrolment.revoke_token),
    "a subscription": ("UPDATE subscriptions SET expires_at = expires_at * 2",
                       subscriptions.list_subscriptions, enrolment.revoke_subscription),
    "a source": ("UPDATE sources SET user_id = NULL", list_sources, lambda store, row_id, _: (
        remove_source(store, find_source_id(store, CLOSURES, row_id)))),
    "who is told": ("UPDATE recipients SET kinds = ''", list_recipients, remove_recipient),
}  # fmt: skip


@pytest.mark.parametrize("name", ENDED)
def test_a_row_that_was_altered_is_ended_and_the_record_is_sound_again(copied, name):
    statement, read, end = ENDED[name]
    edit(copied, statement)
    with copied.store.reading() as connection:
        (row_id,) = read(copied.store, connection).altered
    assert faults(copied) != ()
    end(copied.store, row_id, NOW)
    with copied.store.reading() as connection:
        found = read(copied.store, connection)
    assert (found.altered, [one for one in found.whole if getattr(one, "revoked_at", NOW) is None]) == ([], [])
    assert faults(copied) == ()
    if "source" not in name:
        with pytest.raises(Unknown):
            end(copied.store, row_id, NOW)


def test_a_recipient_whose_words_are_none_holds_up_no_notice(copied):
    edit(copied, "UPDATE recipients SET kinds = 'nowhere,moved'")
    with copied.store.reading() as connection:
        assert [listener.kinds for listener in listeners(connection)] == [frozenset({Kind.MOVED})]


def test_a_session_of_somebody_else_is_none(copied):
    store = copied.store
    with store.reading() as connection:
        owner, other = connection.execute(sa.text("SELECT id FROM accounts ORDER BY role DESC")).scalars()
    with store.writing() as connection:
        sessions.open_session(store, connection, Session(bytes(32), owner, Stage.FACTOR, NOW, NOW, "a browser", ""))
    for statement in ("UPDATE sessions SET account_id = :other", "UPDATE sessions SET stage = 'open'"):
        edit(copied, statement, **({"other": other} if ":other" in statement else {}))
        with store.reading() as connection, pytest.raises(SealBroken):
            sessions.live_session(store, connection, bytes(32), NOW)


def test_acts_say_who_did_what(copied):
    before = ACTOR.set("admin root@example.org")
    enrolment.enrol_gateway(copied.store, "ALPHA", "GW-A3")
    ACTOR.reset(before)
    acts = tables.metadata.tables["acts"]
    newest = sa.select(acts).order_by(acts.c.position.desc()).limit(2)
    with copied.store.reading() as connection:
        given, added = [open_act(copied.store, *row) for row in connection.execute(newest)]
    assert (added.deed, added.actor) == (Deed.GATEWAY_ADDED, "admin root@example.org")
    assert (given.deed, given.actor) == (Deed.GATEWAY_GIVEN, "admin root@example.org")
    ((table, key, digest),) = added.rows
    assert (table, len(key[0]), len(digest)) == ("gateways", 16, 32)
