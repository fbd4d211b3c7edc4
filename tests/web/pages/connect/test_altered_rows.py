"""Pages show the rows that can be read, and name to admins those that were altered, with what ends them."""

import pytest
import sqlalchemy as sa

from app.domain.access import Role
from app.domain.notification import Kind
from app.register.messages.recipients import add_recipient
from app.register.people.enrolment import add_subscription, issue_token
from app.store.recipients import Carrier
from tests.conftest import NOW

PAGES = {"app password": ("/connect", "tokens", "user_id IS NOT NULL"), "feed": ("/subscriptions", "subscriptions", "")}


@pytest.fixture
def admin(sign_in):
    """An admin, signed in."""
    return sign_in("root@example.org", Role.ADMIN)


@pytest.fixture
def made(store, alpha):
    """An app password and a feed, each twice."""
    for label in ("first", "second"):
        issue_token(store, label=label, now=NOW, user_code="ALPHA")
        add_subscription(
            store, scope_text="all", label=label, secret_url=False, past_days=30, horizon_days=400, now=NOW
        )


def alter(store, table, where):
    """Alter the first row that is meant; return its id as pages show it."""
    with store.writing() as connection:
        row_id = connection.execute(sa.text(f"SELECT min(id) FROM {table} WHERE {where or '1 = 1'}")).scalar_one()
        edit = sa.text(f"UPDATE {table} SET expires_at = expires_at + 1 WHERE id = :id")
        assert connection.execute(edit, {"id": row_id}).rowcount == 1
    return row_id.hex() if isinstance(row_id, bytes) else row_id


@pytest.mark.parametrize("noun", PAGES)
def test_the_rest_is_shown_and_the_altered_row_can_be_ended(store, made, admin, csrf, read, noun):
    path, table, where = PAGES[noun]
    row_id = alter(store, table, where)
    page = admin.get(path)
    assert f"The {noun} {row_id} cannot be read: it was altered." in read(page)
    assert ("first" in read(page)) + ("second" in read(page)) == 1
    ended = admin.post(f"{path}/{row_id}/revoke", data={"csrf_token": csrf(page)})
    assert ended.status_code == 303
    page = admin.get(path)
    assert "cannot be read" not in read(page)
    assert f"The {noun} that was altered is ended." in read(page)


@pytest.mark.parametrize("noun", PAGES)
def test_who_is_no_admin_sees_nothing_of_it_and_cannot_end_it(store, made, alpha_client, csrf, read, noun):
    path, table, where = PAGES[noun]
    row_id = alter(store, table, where)
    page = alpha_client.get(path)
    assert (page.status_code, "cannot be read" in read(page)) == (200, False)
    assert alpha_client.post(f"{path}/{row_id}/revoke", data={"csrf_token": csrf(page)}).status_code == 404


def test_accounts_and_recipients_are_listed_without_those_that_were_altered(store, admin, add_account, read):
    add_account("one@example.org", Role.OPS)
    add_recipient(
        store, label="board", carrier=Carrier.EMAIL, address="a@example.org", kinds=frozenset({Kind.MOVED}),
        digest_hour=None, user_code=None, now=NOW,
    )  # fmt: skip
    with store.writing() as connection:
        connection.execute(sa.text("UPDATE accounts SET role = 'dcc' WHERE role = 'ops'"))
        connection.execute(sa.text("UPDATE recipients SET kinds = 'new'"))
    accounts, messages = read(admin.get("/service/accounts")), read(admin.get("/service/messages"))
    assert ("root@example.org" in accounts, "one@example.org" in accounts) == (True, False)
    assert "cannot be read: it was altered. Nobody can sign in to it." in accounts
    assert "cannot be read: it was altered. It is told nothing." in messages
