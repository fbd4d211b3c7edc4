"""One running service of this session on the chosen database, and Users of their own for each test."""

import pytest
import structlog

pytest.register_assert_rewrite(
    "tests.one_answer.acts", "tests.one_answer.calendars"
)  # what is asserted in acts and programs says what it found

from tests.one_answer.running_service import Running  # noqa: E402 - see above
from tests.one_answer.world import CalendarSite  # noqa: E402 - see above


@pytest.fixture(scope="session")
def database_url(databases, tmp_path_factory):
    """The address of the database that the service of this session runs on."""
    return databases.new(tmp_path_factory.mktemp("one-answer-database"))


@pytest.fixture(scope="session")
def running(database_url, tmp_path_factory):
    service = Running(tmp_path_factory.mktemp("one-answer"), database_url)
    yield service
    service.stop()
    structlog.reset_defaults()


@pytest.fixture
def sender(running):
    """A User with two gateways."""
    return running.enrol()


@pytest.fixture(scope="session")
def calendar_site():
    site = CalendarSite()
    yield site
    site.stop()
