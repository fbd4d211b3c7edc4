"""Backups by the scheduler: one in so many hours, the newest kept, a failure told until one was taken again."""

import shutil
from datetime import UTC, datetime, timedelta

import pytest

from app.domain.refusal import BackupRefused
from app.factory import open_keyring, utc_now
from app.jobs.backup import Backups, back_up_on_time
from app.jobs.timetable import Timetable
from app.pulling.http_client import Outbound
from app.register.register import open_register
from app.register.verification import make_checkpoint, verify_record
from app.register.witnesses import Witnesses
from app.settings import read_settings
from app.store.archive import load_database
from app.store.engine import open_empty_store
from app.store.runs import BACKUP, BACKUP_FAILED, JobRun, read_run, write_run
from app.worker import backups_of
from tests.jobs.test_timetable import OFFICE, soon

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def backups(tmp_path):
    (tmp_path / "backups").mkdir()
    return Backups(tmp_path / "backups", 6 * HOUR, 3)


def names(backups):
    return sorted(path.name for path in backups.folder.iterdir())


def run_of(store, name):
    with store.reading() as connection:
        return read_run(connection, name)


def test_one_is_taken_when_the_newest_is_old_enough_and_the_newest_stay(store, backups):
    for hours in range(0, 30, 2):
        done = back_up_on_time(store, backups, NOW + hours * HOUR)
        assert bool(done) == (hours % 6 == 0)
    assert names(backups) == [f"closures-202611{at}0000Z.jsonl.gz" for at in ("24T21", "25T03", "25T09")]
    assert run_of(store, BACKUP).ran_at == NOW + 24 * HOUR
    assert run_of(store, BACKUP).outcome.endswith(" rows written to closures-20261125T090000Z.jsonl.gz")


def test_what_it_writes_restores(register, store, alpha, announce, give, backups, settings, tmp_path):
    give(alpha, announce("u", "2027-02-07T02:00"))
    back_up_on_time(store, backups, NOW)
    restored = open_empty_store(f"sqlite:///{tmp_path}/restored.sqlite3", open_keyring(settings), utc_now)
    with next(backups.folder.iterdir()).open("rb") as backup:
        load_database(restored, backup, lambda _: None)
    assert verify_record(open_register(restored, register.origin), make_checkpoint(register)).faults == ()
    restored.close()


def test_only_backups_of_its_own_naming_are_removed(store, backups):
    others = ["closures-2026-11-01.jsonl.gz", "notes.txt", "closures-20261124T090000Z.jsonl.gz.age", ".closures.part"]
    for name in [*others, ".closures-20261124T080000Z.jsonl.gz.part"]:  # the last: of a scheduler that was killed
        (backups.folder / name).write_bytes(b"")
    for hours in range(0, 36, 6):
        back_up_on_time(store, backups, NOW + hours * HOUR)
    kept = [f"closures-202611{at}0000Z.jsonl.gz" for at in ("25T03", "25T09", "25T15")]
    assert names(backups) == sorted([*others, *kept])


def test_backups_of_a_time_to_come_stop_none_and_push_out_none(store, backups):
    for day in range(1, 4):
        (backups.folder / f"closures-2030010{day}T000000Z.jsonl.gz").write_bytes(b"")
    for hours in (0, 6, 12):
        assert back_up_on_time(store, backups, NOW + hours * HOUR)
    assert names(backups) == [f"closures-20261124T{at}0000Z.jsonl.gz" for at in ("09", "15", "21")]


def test_a_failure_is_noted_and_tried_again_after_a_while(store, backups):
    shutil.rmtree(backups.folder)
    with pytest.raises(BackupRefused, match="No such file or directory") as refused:
        back_up_on_time(store, backups, NOW)
    assert "mount the disk" in refused.value.remedy
    assert not backups.folder.exists()
    assert run_of(store, BACKUP_FAILED) == JobRun(BACKUP_FAILED, 0, NOW, refused.value.text)
    backups.folder.mkdir()
    assert back_up_on_time(store, backups, NOW + timedelta(minutes=14)) == ""
    assert back_up_on_time(store, backups, NOW + timedelta(minutes=15))
    assert run_of(store, BACKUP).ran_at == NOW + timedelta(minutes=15)


def test_health_tells_a_failure_until_one_was_taken_again(web, store, clock):
    client = web.test_client()
    with store.writing() as connection:
        write_run(connection, JobRun("sweep", 0, clock(), ""))
    assert (client.get("/healthz").json["status"], client.get("/healthz").json["problems"]) == ("ok", [])
    with store.writing() as connection:
        write_run(connection, JobRun(BACKUP_FAILED, 0, clock(), "No such folder."))
    told = client.get("/healthz")
    assert (told.status_code, told.json["status"], told.json["problems"]) == (
        200,
        "degraded",
        ["The last backup failed: Service, Health says why. Mend that; `closures backup FILE` takes one meanwhile."],
    )
    assert ("No such folder" in told.text, client.get("/readyz").status_code) == (False, 200)
    with store.writing() as connection:
        write_run(connection, JobRun(BACKUP, 0, clock.forward(minutes=1), ""))
    assert client.get("/healthz").json["status"] == "ok"


def test_the_scheduler_takes_one_where_a_folder_is_named(register, store, environ, backups):
    assert backups_of(read_settings(environ)) is None
    stated = environ | {"CLOSURES_BACKUP_DIR": str(backups.folder), "CLOSURES_BACKUP_EVERY_HOURS": "6"}
    stated |= {"CLOSURES_BACKUP_KEEP": "3"}
    assert backups_of(read_settings(stated)) == backups
    timetable = Timetable(register, utc_now, Outbound(), OFFICE, Witnesses(), backups=backups)
    timetable.start()
    assert soon(lambda: run_of(store, BACKUP) is not None, 30)
    timetable.stop()
    assert len(names(backups)) == 1
