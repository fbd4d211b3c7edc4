"""What each web process of this machine holds in memory: caches in entries and octets, and the whole process."""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from flask import Flask, Response, current_app
from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from app.web.shared_counts import SharedCounts
from app.web.site import Site, site

_EXTENSION = "process figures"
_PAGE_OCTETS = os.sysconf("SC_PAGE_SIZE")
_CACHES = ("histories", "events", "feeds")


class ProcessFigures(Collector):
    """What every process held after the last request that it answered: each writes a row that all of them read."""

    def __init__(self) -> None:
        """Make place for the rows: before processes are forked."""
        self._rows = SharedCounts(len(_CACHES) + 1)

    def note(self, site: Site) -> None:
        """Write down what this process holds now."""
        kept = site.publishing.kept()
        self._rows.put([site.register.history.held, kept.events, kept.feeds, kept.octets])

    def collect(self) -> Iterator[Metric]:
        """Give the figures of each process by the number of its row, which one that ends leaves to the next."""
        memory = GaugeMetricFamily(
            "closures_process_memory_bytes", "Memory of a web process, what it shares counted too", labels=["process"]
        )
        entries = GaugeMetricFamily(
            "closures_cache_entries", "What a web process keeps ready", labels=["process", "cache"]
        )
        octets = GaugeMetricFamily(
            "closures_cache_bytes", "Octets of whole feeds kept ready", labels=["process", "cache"]
        )
        for row, (process, numbers) in self._rows.of_each().items():
            with suppress(OSError):  # a system without /proc, or a process that ended meanwhile
                pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
                memory.add_metric([str(row)], pages * _PAGE_OCTETS)
            for cache, number in zip(_CACHES, numbers, strict=False):
                entries.add_metric([str(row), cache], number)
            octets.add_metric([str(row), "feeds"], numbers[-1])
        yield from (memory, entries, octets)


def install_process_figures(app: Flask) -> None:
    """Have each process of ``app`` write down what it holds, after every request."""
    app.extensions[_EXTENSION] = ProcessFigures()

    @app.after_request
    def _note(response: Response) -> Response:
        process_figures().note(site())
        return response


def process_figures() -> ProcessFigures:
    """Return the figures of the current application."""
    found: ProcessFigures = current_app.extensions[_EXTENSION]
    return found
