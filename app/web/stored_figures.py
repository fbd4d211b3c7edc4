"""Figures of what is stored, which every machine gives alike: made anew from the database for each scrape."""

from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime

from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from app.domain.access import Principal
from app.domain.figures import notice_given
from app.domain.london import london_date
from app.domain.notice import Channel
from app.domain.refusal import Refusal
from app.register.key_rotation import keys_since
from app.register.messages.silences import list_bridges
from app.register.questions.gateway_states import gateway_states
from app.register.told_today import Told
from app.register.witnesses import standing_of
from app.store import mails, outbox, runs, sources
from app.store.clock import read_standing
from app.store.engine import read_head
from app.store.leadership import read_lead
from app.store.room import free_octets
from app.web.site import Site


class StoredFigures(Collector):
    """What the database, the record and the machine tell at ``now``; of a database that is not fit, only that."""

    def __init__(self, site: Site, now: datetime) -> None:
        self._site, self._now = site, now

    def collect(self) -> Iterator[Metric]:
        """Give each figure that can be had."""
        site = self._site
        try:
            site.store.require_fit()
            found = [*self._stored(), *self._jobs(), *self._work(), *self._told(), *self._witnesses()]
        except Refusal:
            found = None
        yield _gauge(
            "closures_store_fits", "1 where database and keys are there and belong together", found is not None
        )
        yield _gauge("closures_store_takes_writes", "1 where the last small transaction was written", self._writes())
        room = GaugeMetricFamily("closures_disk_free_bytes", "Room left beside the data or the keys", labels=["folder"])
        for folder, octets in free_octets(site.store, site.key_dir).items():
            room.add_metric([folder], octets)
        yield room
        yield from found or ()

    def _writes(self) -> bool:
        return self._site.write_probe.ask() is None

    def _stored(self) -> Iterator[Metric]:
        with self._site.store.reading() as connection:
            head, standing = read_head(connection), read_standing(connection)
            messages = GaugeMetricFamily(
                "closures_outbox_messages", "Messages not yet sent, by state", labels=["state"]
            )
            for state, count in outbox.count_open(connection).items():
                messages.add_metric([state], count)
            untold = sum(waiting.count for waiting in outbox.list_waiting(connection).values())
            seen = GaugeMetricFamily(
                "closures_mails", "Mails of 90 days that are known again, by fate", labels=["fate"]
            )
            for fate, count in mails.count_mails(connection).items():
                seen.add_metric([fate], count)
        off = standing.doubt.off.total_seconds() if standing and standing.doubt else 0
        yield _gauge("closures_clock_doubted_seconds", "By how much the clock seems ahead; 0 where it is believed", off)
        yield _gauge("closures_changes", "Revisions applied since the register began", head.change)
        yield _gauge("closures_log_entries", "Entries in the tamper-evident log", head.log_size)
        yield messages
        yield seen
        yield _gauge("closures_outbox_notifications", "Notifications that wait to be put into a message", untold)

    def _jobs(self) -> Iterator[Metric]:
        with self._site.store.reading() as connection:
            jobs, failed = runs.all_runs(connection), runs.all_failures(connection)
            (epoch, is_led), keys_made = read_lead(connection), keys_since(connection)
        yield _gauge("closures_scheduler_leads", "1 where a scheduler has the lead now", is_led)
        yield _gauge("closures_scheduler_epoch", "How often a scheduler took the lead, since the set-up", epoch)
        if keys_made is not None:
            yield _gauge(
                "closures_keys_age_seconds", "Seconds since the keys were made or rotated", self._age(keys_made)
            )
        faults = max((job.position for job in jobs if job.name == runs.INTEGRITY), default=0)
        yield _gauge("closures_record_faults", "Faults that the last reading of everything stored found", faults)
        ages = GaugeMetricFamily("closures_job_age_seconds", "Seconds since a job last ran to its end", labels=["job"])
        for job in jobs:
            ages.add_metric([job.name], self._age(job.ran_at))
        yield ages
        failures = CounterMetricFamily(
            "closures_job_failures", "How often a job failed, since the set-up", labels=["job"]
        )
        for name, count in failed.items():
            failures.add_metric([name], count)
        yield failures

    def _work(self) -> Iterator[Metric]:
        with self._site.store.reading() as connection:
            read = [standing for _, standing in sources.list_sources(self._site.store, connection).whole]
        silent = sum(standing.is_silent for standing in read)
        yield _gauge("closures_sources", "Calendars that we read", len(read))
        yield _gauge("closures_sources_failing", "Those that could not be read at the last look", silent)
        behind = GaugeMetricFamily(
            "closures_silences_age_seconds", "Seconds since an Alertmanager was in step", labels=["recipient"]
        )
        for bridge in list_bridges(self._site.store):
            if bridge.recipient.removed_at is None:
                behind.add_metric([bridge.recipient.id], self._age(bridge.in_step_at))
        yield behind
        rulebook = self._site.register.rulebook()
        table = rulebook.calendar_for(rulebook.policy_for(self._now))
        left = (table.confirmed_through - london_date(self._now)).total_seconds()
        yield _gauge("closures_holiday_table_left_seconds", "For how long the table of holidays is confirmed yet", left)

    def _told(self) -> Iterator[Metric]:
        """Say what was told today. A counter: Prometheus takes midnight for a restart, and adds the days up.

        Nothing where an entry was altered, or many are yet to be opened: the other figures stand.
        """
        with suppress(Refusal):
            if (told := self._site.told_today.count(self._now)) is not None:
                yield self._told_figure(told)

    def _told_figure(self, told: Told) -> Metric:
        bands = notice_given((), self._site.register.rulebook().policy_for(self._now))
        figure = CounterMetricFamily(
            "closures_told", "Plans told since midnight UTC: new, changed or withdrawn, by channel and by notice given",
            labels=["channel", "band"],
        )  # fmt: skip
        # With zeros, since what was never there before rises by nothing as it comes.
        for channel, band in dict.fromkeys([*((channel.value, band) for channel in Channel for band in bands), *told]):
            figure.add_metric([channel, band], told[channel, band])
        return figure

    def _witnesses(self) -> Iterator[Metric]:
        """Say how it stands with the witnesses, where there are any."""
        standing = standing_of(self._site.register, self._site.witnesses)
        if not standing.of:
            return
        age = float("inf") if standing.quorum_at is None else self._age(standing.quorum_at)
        yield _gauge("closures_witness_cosignatures", "Witnesses that cosigned what is published", standing.cosigned)
        yield _gauge("closures_witness_quorum", "How many witnesses make a quorum", standing.quorum)
        yield _gauge("closures_witness_quorum_age_seconds", "Seconds since a quorum cosigned a checkpoint", age)

    def _age(self, ran_at: datetime) -> float:
        return max(0.0, (self._now - ran_at).total_seconds())


class GatewayFigures(Collector):
    """How each gateway stands: for a principal that may see it, and nobody else."""

    def __init__(self, site: Site, principal: Principal, now: datetime) -> None:
        self._site, self._principal, self._now = site, principal, now

    def collect(self) -> Iterator[Metric]:
        """Give three figures of each gateway; nothing where the record cannot be read."""
        try:
            states = gateway_states(self._site.register, self._principal, self._now)
        except Refusal:
            return
        closed, over, upcoming = (
            GaugeMetricFamily(f"closures_gateway_{name}", text, labels=["gateway"])
            for name, text in (
                ("closed", "1 where the gateway is closed now: by what was told, else by plan"),
                ("over_time", "1 where it was told closed, was to re-open by now, and is not told re-opened"),
                (
                    "next_closing_seconds",
                    "Seconds until its next planned closure, where one is within eight weeks",
                ),
            )
        )
        for state in states:
            closed.add_metric([state.gateway], state.closed)
            over.add_metric([state.gateway], state.over_time)
            if state.next_starts is not None:
                upcoming.add_metric([state.gateway], (state.next_starts - self._now).total_seconds())
        yield from (closed, over, upcoming)


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(name, text, value=value)
