"""Two schedulers over one PostgreSQL that is restarted, that cuts them off and that is away; and over one SQLite file.

What must hold: nothing is written by a scheduler under another one's epoch, no notice is lost between its record and
its message, none is told in two messages. Triggers of the drill say who wrote what under which epoch; a scheduler is
known there by the name that its address gives to PostgreSQL. A round of each sort here; the number of rounds is
CLOSURES_LEADER_ROUNDS (make leaders N=50).
"""

import email
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from aiosmtpd.controller import Controller

from app.domain.notification import Kind
from app.domain.refusal import StoreBusy, StoreUncertain
from app.factory import open_service, prepare, utc_now
from app.register.messages import recipients
from app.register.receive import receive_notice
from app.register.verification import verify_record
from app.security.key_folder import KeyFolder
from app.settings import read_settings
from app.store.act_tables import lead
from app.store.recipients import Carrier
from tests.conftest import announcement_of, enrol, environment, notice_of
from tests.database_servers import OwnServer, free_port

pytestmark = pytest.mark.slow
ROUNDS = int(os.environ.get("CLOSURES_LEADER_ROUNDS", "5"))
OUTAGE_SECONDS = 15
BEGINS = datetime(2027, 12, 1, 2, tzinfo=UTC)
WITNESS = """
CREATE SCHEMA drill;
CREATE TABLE drill.leads (epoch bigint, who text);
CREATE TABLE drill.writes (epoch bigint, who text, what text);
CREATE FUNCTION drill.leads() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO drill.leads VALUES (NEW.epoch, current_setting('application_name')); RETURN NULL;
END $$;
CREATE FUNCTION drill.writes() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO drill.writes SELECT epoch, current_setting('application_name'), TG_TABLE_NAME FROM public.lead;
    RETURN NULL;
END $$;
CREATE TRIGGER drill AFTER UPDATE ON lead FOR EACH ROW WHEN (OLD.epoch <> NEW.epoch) EXECUTE FUNCTION drill.leads();
DO $$ DECLARE one text; BEGIN
    FOR one IN SELECT tablename FROM pg_tables
        WHERE schemaname = 'public' AND tablename NOT IN ('lead', 'alembic_version') LOOP
        EXECUTE format('CREATE TRIGGER drill AFTER INSERT OR UPDATE OR DELETE ON %I EXECUTE FUNCTION drill.writes()', one);
    END LOOP;
END $$;
"""


def wait_for(true, seconds=120):
    """A busy machine is slow, not wrong: how long it took is told and never judged."""
    began = time.monotonic()
    while not (found := true()):
        assert time.monotonic() < began + seconds
        time.sleep(0.1)
    return found


class Scheduler:
    """A scheduler as a process, under a name."""

    def __init__(self, environ, log):
        self.log = log
        with log.open("ab") as stream:
            self.process = subprocess.Popen(
                [sys.executable, "-c", "from app.cli import main; main()", "work"],
                env=os.environ | environ,
                stderr=stream,
            )

    def said(self, event):
        found = [json.loads(line) for line in self.log.read_text().splitlines() if line.startswith("{")]
        return sum(line["event"] == event for line in found)

    def end(self):
        self.process.send_signal(signal.SIGCONT)
        self.process.terminate()
        return self.process.wait(60)


class Mailbox:
    def __init__(self):
        self.mails = []

    async def handle_DATA(self, server, session, envelope):  # noqa: N802 - aiosmtpd's name
        self.mails.append(email.message_from_bytes(envelope.original_content))
        return "250 OK"

    def told(self):
        """By reference: the ids of the messages that told it."""
        found = {}
        for mail in list(self.mails):
            for line in mail.get_payload(decode=True).decode().split("\r\n"):
                if line.startswith("Reference CN-"):
                    found.setdefault(line.split()[1].rstrip(".,"), set()).add(mail["Message-ID"])
        return found


class Drill:
    """The server, both schedulers, and somebody who gives notices meanwhile."""

    def __init__(self, server, environ, folder, box):
        self.server, self.environ, self.folder, self.box = server, environ, folder, box
        self.service = open_service(
            read_settings(environ | {"CLOSURES_DATABASE_URL": server.url(application_name="giver")})
        )
        self.user = enrol(self.service, "ALPHA", "GW-A1")
        recipients.add_recipient(
            self.service.store, label="ops", carrier=Carrier.EMAIL, address="ops@example.org", kinds={Kind.NEW},
            digest_hour=None, user_code=None, now=utc_now(),
        )  # fmt: skip
        self.given = []
        self.schedulers = {name: self.started(name) for name in ("one", "two")}

    def started(self, name):
        address = {"CLOSURES_DATABASE_URL": self.server.url(application_name=name)}
        return Scheduler(self.environ | address, self.folder / f"{name}.log")

    def give(self):
        """Give a notice, as often as it takes; the same one again is no change."""
        starts = BEGINS + timedelta(days=len(self.given))
        notice, content = notice_of(self.user, announcement_of(f"u{len(self.given)}", starts, "GW-A1"), utc_now())

        def taken():
            try:
                return receive_notice(self.service.register, self.user, notice, content).accepted
            except (StoreBusy, StoreUncertain):
                return None

        self.given.append(wait_for(taken)[0].closure.reference)

    def rows(self, query):
        with self.server.connect() as connection:
            return connection.execute(query).fetchall()

    def leads(self):
        """Return the newest epoch and the name of who leads in it."""
        found = self.rows("SELECT epoch, who FROM drill.leads ORDER BY epoch DESC LIMIT 1")
        return found[0] if found else (0, None)

    def all_told(self):
        return set(self.given) <= self.box.told().keys()

    def settled(self):
        """A new notice is told, so somebody leads and writes."""
        self.give()
        wait_for(self.all_told, 240)

    # --- the faults; each returns how many epochs more there may be

    def restart(self):
        self.server.stop("immediate")
        self.server.start()
        return 1

    def cut_off(self):
        _, leader = self.leads()
        self.rows(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = '{leader}'")
        return 1

    def freeze(self):
        epoch, leader = self.leads()
        process, others = self.schedulers[leader].process, self.schedulers[leader]
        deposed = others.said("another scheduler leads: this one waits in line")
        process.send_signal(signal.SIGSTOP)
        began = time.monotonic()
        wait_for(lambda: self.leads()[0] > epoch)
        print(f"frozen: another one led after {time.monotonic() - began:.1f} s")
        self.settled()
        # Now there is something to do: the old leader finds it first, or at the same moment.
        self.give()
        process.send_signal(signal.SIGCONT)
        wait_for(lambda: others.said("another scheduler leads: this one waits in line") > deposed)
        return 1

    def kill(self):
        epoch, leader = self.leads()
        self.schedulers[leader].process.kill()
        self.schedulers[leader].process.wait()
        began = time.monotonic()
        wait_for(lambda: self.leads()[0] > epoch)
        print(f"killed: another one led after {time.monotonic() - began:.1f} s")
        waited = self.schedulers[leader].said("another scheduler leads: this one waits in line")
        self.schedulers[leader] = again = self.started(leader)
        wait_for(lambda: again.said("another scheduler leads: this one waits in line") > waited)
        return 1

    def outage(self):
        words = ("the database does not answer", "the database answers again")
        before = [one.said(word) for one in self.schedulers.values() for word in words]
        self.server.stop()
        time.sleep(OUTAGE_SECONDS)
        self.server.start()
        wait_for(lambda: [one.said(word) for one in self.schedulers.values() for word in words] != before)
        self.settled()
        wait_for(lambda: all(one.said(words[0]) == one.said(words[1]) for one in self.schedulers.values()))
        said = [one.said(word) for one in self.schedulers.values() for word in words]
        # Once, or twice where PostgreSQL answered for a moment before it was up; each begin has its end.
        assert all(seen + 1 <= now <= seen + 2 for seen, now in zip(before, said, strict=True))
        assert said[::2] == said[1::2]
        return 1


def test_one_leads_whatever_befalls_it_or_the_database(tmp_path):
    server = OwnServer(tmp_path)
    box = Mailbox()
    mail = Controller(box, hostname="127.0.0.1", port=free_port(), ready_timeout=10)
    mail.start()
    try:
        environ = environment(tmp_path, server.url()) | {
            "CLOSURES_SMTP_URL": f"smtp://127.0.0.1:{mail.port}",
            "CLOSURES_LOG": "json",
        }
        prepare(read_settings(environ), utc_now()).close()
        with server.connect() as connection:
            connection.execute(WITNESS)
        run(Drill(server, environ, tmp_path, box))
    finally:
        mail.stop()
        server.end()


def run(drill):
    try:
        drill.settled()
        words = "another scheduler leads: this one waits in line"
        wait_for(lambda: sum(one.said(words) for one in drill.schedulers.values()) == 1)
        faults = (drill.restart, drill.cut_off, drill.freeze, drill.kill, drill.outage)
        for number in range(ROUNDS):
            fault = faults[number % len(faults)]
            before, _ = drill.leads()
            most = fault()
            drill.settled()
            assert drill.leads()[0] - before <= most, fault.__name__
            assert [one.process.poll() for one in drill.schedulers.values()] == [None, None], fault.__name__
    finally:
        ended = [scheduler.end() for scheduler in drill.schedulers.values()]
    assert ended == [0, 0]
    writes = Counter(drill.rows("SELECT epoch, who FROM drill.writes WHERE who IN ('one', 'two')"))
    leaders = dict(drill.rows("SELECT epoch, who FROM drill.leads"))
    assert {(epoch, who) for epoch, who in writes if leaders[epoch] != who} == set()
    assert sum(writes.values()) > ROUNDS
    told = drill.box.told()
    assert set(told) == set(drill.given)
    assert {reference for reference, ids in told.items() if len(ids) > 1} == set()
    assert verify_record(drill.service.register).faults == ()
    again = len(drill.box.mails) - len({one["Message-ID"] for one in drill.box.mails})
    drill.service.close()
    print(
        f"{ROUNDS} rounds, {max(leaders)} epochs, {sum(writes.values())} writes, 0 of them by a deposed leader; "
        f"{len(drill.given)} notices, 0 lost, 0 told in two messages, {again} messages sent again under their id"
    )


def is_frozen(pid):
    """Tell whether every thread of a process is stopped (proc_pid_stat(5))."""
    states = [
        Path(task.path, "stat").read_text().rpartition(")")[2].split()[0] for task in os.scandir(f"/proc/{pid}/task")
    ]
    return set(states) == {"T"}


def test_a_frozen_leader_beside_sqlite_is_followed_and_stands_by(tmp_path):
    environ = environment(tmp_path, f"sqlite:///{tmp_path / 'closures.sqlite3'}") | {"CLOSURES_LOG": "json"}
    prepare(read_settings(environ), utc_now()).close()
    service = open_service(read_settings(environ))

    def epoch():
        with service.store.reading() as connection:
            return connection.execute(sa.select(lead.c.epoch)).scalar_one()

    first = Scheduler(environ, tmp_path / "one.log")
    wait_for(lambda: epoch() == 1)
    second = Scheduler(environ, tmp_path / "two.log")
    # A leader that is frozen while it has SQLite's one turn to write, or the key folder, stops everybody. Here it has
    # neither.
    folder = KeyFolder(read_settings(environ).key_dir)
    while True:
        with service.store.writing(), folder.locked():
            first.process.send_signal(signal.SIGSTOP)
            wait_for(lambda: is_frozen(first.process.pid))  # each of its threads stops where it next may
        try:
            with service.store.writing():
                break
        except StoreBusy:
            first.process.send_signal(signal.SIGCONT)
    wait_for(lambda: epoch() == 2)
    first.process.send_signal(signal.SIGCONT)
    wait_for(lambda: first.said("another scheduler leads: this one waits in line") == 1)
    assert second.end() == 0
    wait_for(lambda: first.said("the scheduler runs") == 2)
    assert epoch() == 3
    assert first.end() == 0
    service.close()
