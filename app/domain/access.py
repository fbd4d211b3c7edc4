"""Who is asking, what each role may do, and to whose closures: the one table that every door consults."""

from dataclasses import dataclass
from enum import StrEnum

from app.domain.refusal import AccessRefused, Unknown


class Role(StrEnum):
    """What an account or a token is for."""

    ADMIN = "admin"
    DCC = "dcc"
    USER = "user"
    OPS = "ops"


SECOND_FACTOR_FIRST = frozenset({Role.ADMIN, Role.DCC})
"""Roles whose people do nothing before they have set up a second factor: what they change, others rely on."""


class Action(StrEnum):
    """What a door lets a principal do. Each route declares exactly one."""

    PUBLIC = "public"
    READ_CLOSURES = "read closures"
    GIVE_NOTICE = "give notice"
    READ_LATE_CHANGES = "read late changes"
    READ_READ_LOG = "read who read what"
    COUNT_NOTICE = "count notice"
    READ_METRICS = "read metrics"
    SIGN_IN = "sign in"
    KEEP_ACCOUNT = "keep the own account"
    SUBSCRIBE = "subscribe to feeds"
    SWITCH_ON_SECRET_URL = "switch on secret addresses"  # noqa: S105 - words, not a password
    CONNECT = "connect programs"
    NAME_CONTACT = "name whom to call"
    KEEP_ACCOUNTS = "keep everybody's accounts"
    KEEP_PARTIES = "keep Users and gateways"
    KEEP_SOURCES = "let calendars be read"
    KEEP_MAINTENANCE = "keep DCC's own dates"
    KEEP_RULES = "set rules"
    KEEP_MESSAGES = "see to messages and who is told"
    KEEP_KEYS = "replace or destroy keys"
    READ_RECORD = "read and check the record"
    READ_ACTS = "read who did what"
    MARK_SEEN = "mark what needs attention as seen"
    READ_OWN_NOTICES = "read the own notices"
    CHOOSE_MESSAGES = "choose the own messages"
    READ_HEALTH = "see how the service is"


@dataclass(frozen=True, slots=True)
class Principal:
    """Who is asking now: an account that signed in, or the token of a program.

    ``users`` are the codes of the Users it acts for; it is empty for DCC staff, admins and ops, who are not Users.
    ``name`` goes into the history: an e-mail address or a token's label.
    """

    name: str
    role: Role
    users: frozenset[str] = frozenset()

    @property
    def sees_everyone(self) -> bool:
        """Tell whether the principal may see every User's windows (docs/domain.md#who-sees-what)."""
        return self.role is not Role.USER

    def signature(self, code: str) -> str:
        """Return what the history says of who gave a notice of the User ``code``: whoever is not of it is marked so."""
        return self.name if code in self.users else f"{self.name}, {_STAFF[self.role]}, on behalf of {code}"


_STAFF = {Role.ADMIN: "an admin", Role.DCC: "DCC staff", Role.USER: "another User", Role.OPS: "operations"}
_EVERYBODY = frozenset(Role)
_MAY: dict[Action, frozenset[Role]] = {
    Action.PUBLIC: _EVERYBODY,
    Action.READ_CLOSURES: _EVERYBODY,
    Action.GIVE_NOTICE: frozenset({Role.ADMIN, Role.DCC, Role.USER}),
    Action.READ_LATE_CHANGES: frozenset({Role.ADMIN, Role.DCC, Role.USER}),
    Action.READ_READ_LOG: frozenset({Role.ADMIN, Role.DCC}),
    Action.COUNT_NOTICE: _EVERYBODY,
    Action.READ_METRICS: frozenset({Role.ADMIN, Role.OPS}),
    # The steps of signing in ask for themselves which step a person has come to: nobody is a principal before the last.
    Action.SIGN_IN: _EVERYBODY,
    Action.KEEP_ACCOUNT: _EVERYBODY,
    Action.SUBSCRIBE: _EVERYBODY,
    Action.SWITCH_ON_SECRET_URL: frozenset({Role.ADMIN}),
    Action.CONNECT: _EVERYBODY,
    Action.NAME_CONTACT: frozenset({Role.ADMIN, Role.USER}),
    Action.KEEP_ACCOUNTS: frozenset({Role.ADMIN}),
    Action.KEEP_PARTIES: frozenset({Role.ADMIN}),
    Action.KEEP_SOURCES: frozenset({Role.ADMIN, Role.USER}),
    Action.KEEP_MAINTENANCE: frozenset({Role.ADMIN, Role.DCC}),
    Action.KEEP_RULES: frozenset({Role.ADMIN}),
    Action.KEEP_MESSAGES: frozenset({Role.ADMIN}),
    Action.KEEP_KEYS: frozenset({Role.ADMIN}),
    Action.READ_RECORD: frozenset({Role.ADMIN, Role.DCC}),
    Action.READ_ACTS: frozenset({Role.ADMIN}),
    Action.MARK_SEEN: frozenset({Role.ADMIN, Role.DCC}),
    Action.READ_OWN_NOTICES: frozenset({Role.USER}),
    Action.CHOOSE_MESSAGES: frozenset({Role.USER}),
    Action.READ_HEALTH: frozenset({Role.ADMIN, Role.DCC, Role.OPS}),
}


AT_A_DESK = frozenset(
    {
        Action.PUBLIC,
        Action.READ_CLOSURES,
        Action.GIVE_NOTICE,
        Action.READ_LATE_CHANGES,
        Action.COUNT_NOTICE,
        Action.SUBSCRIBE,
        Action.CONNECT,
        Action.KEEP_PARTIES,
        Action.KEEP_RULES,
        Action.READ_RECORD,
        Action.READ_OWN_NOTICES,
        Action.READ_HEALTH,
    }
)
"""What a desk session reads, as far as its account may. The others show secrets, or people: they ask for a sign-in."""


def may(role: Role, action: Action) -> bool:
    """Tell whether a role may do ``action``."""
    return role in _MAY[action]


def require(principal: Principal, action: Action) -> None:
    """Raise ``AccessRefused`` unless the principal's role may do ``action``."""
    if not may(principal.role, action):
        raise AccessRefused(
            f"The role {principal.role} may not {action}.", "Ask an admin for another account or token."
        )


def acting_user(principal: Principal, code: str | None) -> str:
    """Return the User on whose behalf a notice is given.

    A principal of one User need not name it. Naming another User's code answers as if it did not exist.
    """
    if code is None:
        if len(principal.users) == 1:
            return next(iter(principal.users))
        raise Unknown("It is not clear which User gives this notice.", "Name the User's code.")
    if not principal.sees_everyone and code not in principal.users:
        raise Unknown("There is no such User.", "Check the code.")
    return code
