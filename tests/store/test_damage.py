"""A database file that was damaged under the running service: subscribers keep what they have, and a remedy is named."""

from base64 import b64encode
from datetime import UTC, datetime

import pytest

from app.domain.refusal import StoreUnfit
from app.factory import create_app, prepare
from app.register.people.enrolment import add_subscription
from app.settings import read_settings
from app.store import parties

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)


@pytest.fixture
def damaged(tmp_path):
    """A service on SQLite, whichever database the suite runs on, with the credential of a feed; then the damage."""
    settings = read_settings(
        {"CLOSURES_DATA_DIR": str(tmp_path / "data"), "CLOSURES_KEY_DIR": str(tmp_path / "damaged-keys")}
    )
    service = prepare(settings, NOW)
    made = add_subscription(
        service.store, scope_text="all", label="t", secret_url=False, past_days=30, horizon_days=548, now=NOW
    )
    app = create_app(settings, now=lambda: NOW)
    service.close()
    app.extensions["closures"].store.close()
    path = tmp_path / "data/closures.sqlite3"
    octets = path.read_bytes()
    path.write_bytes(octets[:100] + bytes(byte ^ 0x5A for byte in octets[100:]))
    yield app, made
    app.extensions["closures"].store.close()


def test_a_feed_on_a_damaged_database_is_503(damaged):
    app, made = damaged
    name = made.subscription.id
    credential = "Basic " + b64encode(f"{name}:{made.token}".encode()).decode()
    response = app.test_client().get(f"/feeds/{name}.ics", headers={"Authorization": credential})
    assert (response.status_code, response.headers["Retry-After"], b"VCALENDAR" in response.data) == (503, "10", False)


def test_the_damage_is_named(damaged):
    app, _ = damaged
    store = app.extensions["closures"].store
    with pytest.raises(StoreUnfit, match="The database is damaged"), store.reading() as connection:
        parties.read_parties(store, connection)
