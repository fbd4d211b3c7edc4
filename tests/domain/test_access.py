import pytest

from app.domain.access import Action, Principal, Role, acting_user, require
from app.domain.refusal import AccessRefused, Unknown

# What each role may do, in the order admin, dcc, user, ops. A new action or role makes the test fail until it is here.
GOLDEN = {
    "public": "yes yes yes yes",
    "read closures": "yes yes yes yes",
    "give notice": "yes yes yes no",
    "read late changes": "yes yes yes no",
    "read who read what": "yes yes no no",
    "count notice": "yes yes yes yes",
    "read metrics": "yes no no yes",
    "sign in": "yes yes yes yes",
    "keep the own account": "yes yes yes yes",
    "subscribe to feeds": "yes yes yes yes",
    "switch on secret addresses": "yes no no no",
    "connect programs": "yes yes yes yes",
    "name whom to call": "yes no yes no",
    "keep everybody's accounts": "yes no no no",
    "keep Users and gateways": "yes no no no",
    "let calendars be read": "yes no yes no",
    "keep DCC's own dates": "yes yes no no",
    "set rules": "yes no no no",
    "see to messages and who is told": "yes no no no",
    "replace or destroy keys": "yes no no no",
    "read and check the record": "yes yes no no",
    "read who did what": "yes no no no",
    "mark what needs attention as seen": "yes yes no no",
    "read the own notices": "no no yes no",
    "choose the own messages": "no no yes no",
    "see how the service is": "yes yes no yes",
}
ROLES = ["admin", "dcc", "user", "ops"]

ACME = Principal("ann@acme.example", Role.USER, frozenset({"ACME"}))
BOTH = Principal("bea@both.example", Role.USER, frozenset({"ACME", "BOLT"}))
NOBODY = Principal("new@acme.example", Role.USER)
DCC = Principal("dan@dcc.example", Role.DCC)
ADMIN = Principal("ada@dcc.example", Role.ADMIN)


def allowed(role, action):
    try:
        require(Principal("someone", role), action)
    except AccessRefused:
        return "no"
    return "yes"


def test_what_each_role_may_do():
    assert [str(role) for role in Role] == ROLES
    assert {str(action): " ".join(allowed(role, action) for role in Role) for action in Action} == GOLDEN


def test_a_refused_action_is_named():
    with pytest.raises(AccessRefused) as refused:
        require(Principal("cron", Role.OPS), Action.GIVE_NOTICE)
    assert (refused.value.text, refused.value.remedy) == (
        "The role ops may not give notice.",
        "Ask an admin for another account or token.",
    )


@pytest.mark.parametrize(("role", "sees"), [("admin", True), ("dcc", True), ("user", False), ("ops", True)])
def test_only_users_see_no_more_than_their_own(role, sees):
    assert Principal("someone", Role(role), frozenset({"ACME"})).sees_everyone is sees


@pytest.mark.parametrize(
    ("principal", "code", "user"),
    [
        (ACME, None, "ACME"),
        (ACME, "ACME", "ACME"),
        (BOTH, "BOLT", "BOLT"),
        (BOTH, "ACME", "ACME"),
        (DCC, "ACME", "ACME"),
        (ADMIN, "BOLT", "BOLT"),
    ],
)
def test_on_whose_behalf_a_notice_is_given(principal, code, user):
    assert acting_user(principal, code) == user


@pytest.mark.parametrize("principal", [BOTH, NOBODY, DCC, ADMIN])
def test_a_principal_of_none_or_several_users_must_name_one(principal):
    with pytest.raises(Unknown) as refused:
        acting_user(principal, None)
    assert (refused.value.text, refused.value.remedy) == (
        "It is not clear which User gives this notice.",
        "Name the User's code.",
    )


@pytest.mark.parametrize("principal", [ACME, BOTH, NOBODY])
@pytest.mark.parametrize("code", ["OTHER", "MISSING", ""])
def test_another_users_code_answers_like_a_missing_one(principal, code):
    with pytest.raises(Unknown) as refused:
        acting_user(principal, code)
    assert (refused.value.text, refused.value.remedy) == ("There is no such User.", "Check the code.")


@pytest.mark.parametrize(
    ("role", "users", "words"),
    [
        (Role.USER, {"ALPHA", "BETA"}, "ann@example.org"),
        (Role.DCC, set(), "ann@example.org, DCC staff, on behalf of ALPHA"),
        (Role.ADMIN, set(), "ann@example.org, an admin, on behalf of ALPHA"),
    ],
)
def test_the_history_says_who_gave_a_notice_and_for_whom(role, users, words):
    assert Principal("ann@example.org", role, frozenset(users)).signature("ALPHA") == words
