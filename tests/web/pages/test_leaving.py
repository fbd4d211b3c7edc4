"""The link in each mail: a page with one button, and one press by a program, end what its recipient is told."""

import pytest

from app.domain.notification import Kind
from app.register.messages import leaving, recipients
from app.register.verification import verify_record
from app.store.acts import Deed, acts_before
from app.store.recipients import Carrier
from tests.conftest import NOW

ONE_CLICK = {"List-Unsubscribe": "One-Click"}
SENT = "No more messages? Press the button, and nothing more of this kind is sent to the address that this mail came to. Send no more"
LEFT = "There will be no more messages Nothing more is sent to the address that this mail came to."


@pytest.fixture
def add(store):
    """Return a function that adds a recipient; it gives it with the path of its link."""

    def make(label):
        held = recipients.add_recipient(
            store, label=label, carrier=Carrier.EMAIL, address="a@dcc.example", kinds=[Kind.NEW], digest_hour=None,
            user_code=None, now=NOW,
        ).recipient  # fmt: skip
        return held, leaving.leave_address(store, held, "")

    return make


def told(store):
    return [one.recipient.label for one in recipients.list_recipients(store)]


def test_a_program_leaves_by_one_press_without_a_page_before(web, store, add):
    _, path = add("leaves")
    add("stays")
    assert web.test_client().post(path, data=ONE_CLICK).status_code == 200
    assert told(store) == ["stays"]


def test_a_person_presses_the_button_of_a_page_that_changes_nothing_by_itself(web, store, add, read):
    _, path = add("leaves")
    browser = web.test_client()
    for _ in range(2):
        page = browser.get(path)
        assert (page.status_code, read(page), told(store)) == (200, SENT, ["leaves"])
    assert f'<form method="post" action="{path}">' in page.text
    for _ in range(2):
        page = browser.post(path)
        assert (page.status_code, read(page).startswith(LEFT), told(store)) == (200, True, [])
    assert browser.get(path).status_code == 200


def test_who_left_by_a_link_stands_in_the_record(web, register, store, add):
    _, path = add("leaves")
    for _ in range(2):
        web.test_client().post(path, data=ONE_CLICK)
    with store.reading() as connection:
        last, before = acts_before(store, connection, None, 2)
    assert (last.deed, last.actor) == (Deed.RECIPIENT_REMOVED, "whoever has the link in a mail")
    assert before.deed is Deed.RECIPIENT_ADDED
    assert verify_record(register).faults == ()


@pytest.mark.parametrize("method", ["get", "post"])
def test_a_link_that_is_not_ours_opens_nothing(web, store, add, method):
    (_, path), (other, _) = add("one"), add("other")
    proof = path.rpartition(".")[2]
    wrong = [
        path[:-1], path[:-1] + ("0" if path[-1] != "0" else "1"), f"/leave/{other.id}.{proof}", f"/leave/{other.id}",
        f"/leave/{other.id}.", "/leave/.", "/leave/gwff_0", f"/leave/x.{proof}", "/leave/%ff.%ff", "/leave/\ud83d.x",
    ]  # fmt: skip
    answers = [getattr(web.test_client(), method)(one.encode(errors="replace").decode()) for one in wrong]
    assert [answer.status_code for answer in answers] == [404] * len(wrong)
    assert sorted(told(store)) == ["one", "other"]


def test_a_link_stays_good_after_the_root_secret_was_replaced(web, store, add, service):
    _, path = add("leaves")
    service.store.keyring.rotate(root=True)
    assert web.test_client().post(path, data=ONE_CLICK).status_code == 200
    assert told(store) == []
