"""A start on the keys of other data, or on an old copy of the right ones, is refused before anything is sealed."""

import shutil

import pytest

from app.domain.access import Role
from app.domain.refusal import StoreUnfit
from app.factory import open_service, prepare
from app.register.people.enrolment import enrol_user, open_account, shred_user
from app.security.keyring import Keyring
from app.settings import read_settings


@pytest.fixture
def other_keys(environ, tmp_path):
    """The settings of the same database with a key folder that was made for another one."""
    settings = read_settings(environ | {"CLOSURES_KEY_DIR": str(tmp_path / "other")})
    Keyring.open(settings.key_dir, kek=None, create=True)
    return settings


def refused(settings):
    with pytest.raises(StoreUnfit) as found:
        open_service(settings)
    return found.value.text


@pytest.fixture
def text(database_url):
    """What is said: of a ring that does not fit or, where the ring is in the database, of a KEK that does not."""
    if database_url.startswith("sqlite"):
        return "The key folder is that of other data, or an old copy."
    return "This key does not belong to this data."


def test_keys_of_other_data_do_not_open_users(service, alpha, other_keys, text):
    assert refused(other_keys) == text


def test_keys_of_other_data_do_not_open_accounts(service, clock, other_keys, text):
    open_account(service.store, "admin@example.org", Role.ADMIN, (), clock())
    assert refused(other_keys) == text
    with pytest.raises(StoreUnfit, match="data"):
        prepare(other_keys, clock())


def test_an_old_copy_of_the_keys_lacks_a_user(service, settings, alpha, tmp_path, text):
    shutil.copytree(tmp_path / "keys", tmp_path / "old")
    enrol_user(service.store, "BETA", "Beta Energy")
    old = settings.model_copy(update={"key_dir": tmp_path / "old"})
    if (tmp_path / "old/ring.json").exists():
        assert refused(old) == text
    else:  # no copy of the folder is old: the ring is in the database
        open_service(old).close()


def test_a_shredded_user_stops_no_start(service, alpha, reopen, clock):
    shred_user(service.store, "ALPHA", clock())
    assert reopen().store.keyring.is_shredded(alpha.id)


def test_a_newer_ring_than_the_data_fits(service, alpha, reopen):
    service.store.keyring.ensure(b"somebody of whom a backup does not know")
    assert reopen().store.keyring.knows(alpha.id)
