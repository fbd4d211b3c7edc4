"""PostgreSQL by any address, and through a pooler that gives each transaction whichever connection is free."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa

from app.domain.refusal import StoreUnfit
from app.factory import open_service, prepare
from app.register.receive import receive_notice
from app.register.verification import verify_record
from app.settings import read_settings
from app.store import schema
from app.store.engine import make_engine
from tests.conftest import NOW, announcement_of, enrol, notice_of
from tests.database_servers import PgBouncer, free_port

WRITERS, EACH, PROCESSES = 20, 3, 4


@pytest.fixture
def pooled(database_url):
    """The address of this test's database through PgBouncer, pooling by transaction."""
    pooler = PgBouncer(database_url)
    yield pooler.url
    pooler.end()


def only_on_postgresql(request):
    return request.config.getoption("--database") == "postgresql"


def test_twenty_writers_on_three_connections_and_no_error(request, environ):
    """Migration, reading and writing all go through the pooler; nothing is left to a connection."""
    if not only_on_postgresql(request):
        return
    pooled = request.getfixturevalue("pooled")
    settings = read_settings(environ | {"CLOSURES_DATABASE_URL": pooled})
    prepare(settings, NOW).close()
    services = [open_service(settings) for _ in range(PROCESSES)]
    users = [enrol(services[0], f"U{number}", f"GW-{number}") for number in range(WRITERS)]
    begins = datetime.fromisoformat("2027-02-07T02:00:00+00:00")

    def write(number):
        register, accepted = services[number % PROCESSES].register, 0
        for count in range(EACH):
            made = announcement_of(f"u{count}", begins + timedelta(days=count), f"GW-{number}")
            accepted += len(receive_notice(register, users[number], *notice_of(users[number], made, NOW)).accepted)
        return accepted

    with ThreadPoolExecutor(WRITERS) as threads:
        assert list(threads.map(write, range(WRITERS))) == [EACH] * WRITERS
    assert verify_record(services[0].register).faults == ()
    for service in services:
        service.close()


def test_both_spellings_of_an_address_lead_to_the_same_database(request, database_url):
    if not only_on_postgresql(request):
        return
    found = []
    for url in (database_url, database_url.replace("+psycopg", "")):
        engine = make_engine(url)
        with engine.connect() as connection:
            found.append(connection.exec_driver_sql("SELECT current_database(), current_setting('TimeZone')").one())
        engine.dispose()
    assert found[0] == found[1]
    assert found[0][1] == "UTC"


def test_what_libpq_knows_passes_through(request, database_url):
    """Of several hosts the first that takes writes is connected to, and a name is the server's to show."""
    if not only_on_postgresql(request):
        return
    through = request.getfixturevalue("pooled").removeprefix("postgresql://postgres@")
    words = "target_session_attrs=read-write&application_name=site-a"
    engine = make_engine(f"postgresql://postgres@127.0.0.1:{free_port()},{through}?{words}")
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SHOW application_name").scalar_one() == "site-a"
    engine.dispose()


def test_a_server_that_is_not_there_is_named_with_its_cause():
    port = free_port()
    engine = make_engine(f"postgresql://someone:secret@127.0.0.1:{port}/closures")
    with pytest.raises(StoreUnfit) as refused:
        schema.require_current(engine)
    text = refused.value.text
    assert text.startswith(f"PostgreSQL at 127.0.0.1, port {port}, does not answer: ")
    assert "Connection refused" in text
    assert "secret" not in text


def test_an_address_that_libpq_cannot_read_is_refused():
    with pytest.raises(StoreUnfit, match="cannot be read"):
        make_engine("postgresql://host/db?no_such_word=1")


def test_migrations_of_two_processes_at_once_are_one(environ):
    settings = read_settings(environ)
    settings.data_dir.mkdir(exist_ok=True)
    with ThreadPoolExecutor(1) as threads:
        engine = make_engine(settings.database, create=True)
        first = threads.submit(schema.upgrade, engine)
        second = make_engine(settings.database, create=True)
        assert (schema.upgrade(second), first.result()) == (schema.NEWEST, schema.NEWEST)
    for one in (engine, second):
        with one.connect() as connection:
            assert connection.execute(sa.text("SELECT count(*) FROM alembic_version")).scalar_one() == 1
        one.dispose()
