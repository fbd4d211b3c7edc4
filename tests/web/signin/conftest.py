"""People who sign in: somebody invited, somebody with password and second factor, and strangers who guess."""

import pytest

from app.domain.access import Role
from tests.web.signin.person import Person


@pytest.fixture
def person(web, csrf, clock):
    """Return a function that gives somebody with an e-mail address, in a new browser at an IP address."""

    def arrive(email, address="127.0.0.1"):
        found = Person(web.test_client(), csrf, clock, email)
        found.client.environ_base["REMOTE_ADDR"] = address
        return found

    return arrive


@pytest.fixture
def invited(person, add_account, add_link):
    """Return a function that gives somebody who came by the link of a new account, and has set nothing up yet."""

    def come(email, role, *users):
        found = person(email)
        assert found.follow(add_link(add_account(email, role, *users))).status_code == 303
        return found

    return come


@pytest.fixture
def newcomer(invited):
    """A member of DCC staff who has set nothing up yet."""
    return invited("dcc@example.org", Role.DCC)


@pytest.fixture
def ann(newcomer):
    """Somebody with password and second factor, signed in."""
    newcomer.choose_password()
    newcomer.add_factor()
    return newcomer
