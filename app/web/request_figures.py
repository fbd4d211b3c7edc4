"""Requests as they were answered: counted and timed by route, and told one by one (log, spans) where that is wanted.

A route is its pattern. Nothing that a client sent is in what is counted or told: no address, no query, no header.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from http import HTTPStatus
from itertools import accumulate
from time import monotonic

import structlog
from flask import Flask, Response, current_app, request
from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector
from werkzeug.routing import Rule

from app.web.received import ReceivedRequest
from app.web.shared_counts import SharedCounts

_EXTENSION = "request figures"
_UNMATCHED = ("unmatched", "any")  # an address that is nothing, or a method that it does not take
# A 304 is told apart: what share of polls it answers says whether feeds are kept well.
_STATUSES = ("1xx", "2xx", "304", "3xx", "4xx", "5xx")
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, float("inf"))
_BUCKETS_AT = len(_STATUSES)
_SUM_AT = _BUCKETS_AT + len(_SECONDS)
_WIDTH = _SUM_AT + 1  # numbers of a route and method: by status, by duration, and the sum of durations
_LOG = structlog.get_logger()

Tell = Callable[[dict[str, str | int]], None]
"""Takes what may be said of one request, by the names of ECS and OpenTelemetry; ``event.duration`` in nanoseconds."""


class RequestFigures(Collector):
    """How many requests each route answered by method and status, and how long that took, in all processes."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        """Take all rules that there are: what is counted has its place before processes are forked."""
        pairs = sorted({(rule.rule, method) for rule in rules for method in rule.methods or ()})
        self._places = {pair: number * _WIDTH for number, pair in enumerate([_UNMATCHED, *pairs])}
        self._counts = SharedCounts(len(self._places) * _WIDTH)

    def note(self, route: str, method: str, status: int, seconds: float) -> None:
        """Count one request."""
        first = self._places.get((route, method), 0)
        bucket = first + _BUCKETS_AT + bisect_left(_SECONDS, seconds)
        self._counts.add([(first + _STATUSES.index(_class_of(status)), 1), (bucket, 1), (first + _SUM_AT, seconds)])

    def collect(self) -> Iterator[Metric]:
        """Give the counter and the histogram, of those routes that were asked for."""
        requests = CounterMetricFamily(
            "closures_http_requests", "Requests answered since the start", labels=["route", "method", "status"]
        )
        durations = HistogramMetricFamily(
            "closures_http_request_duration_seconds", "From a request's arrival whole until its answer is made",
            labels=["route", "method"],
        )  # fmt: skip
        counts = self._counts.read()
        for (route, method), first in self._places.items():
            numbers = counts[first : first + _WIDTH]
            for status, number in zip(_STATUSES, numbers, strict=False):
                if number:
                    requests.add_metric([route, method, status], number)
            sums = list(accumulate(numbers[_BUCKETS_AT:_SUM_AT]))
            if sums[-1]:
                buckets = [
                    ("+Inf" if upper == _SECONDS[-1] else str(upper), n)
                    for upper, n in zip(_SECONDS, sums, strict=True)
                ]
                durations.add_metric([route, method], buckets, numbers[_SUM_AT])
        yield requests
        yield durations


def _class_of(status: int) -> str:
    return "304" if status == HTTPStatus.NOT_MODIFIED else f"{status // 100}xx"


def install_request_figures(app: Flask, tells: Sequence[Tell]) -> None:
    """Count every request of ``app``, name it in its answer, and hand what may be said of it to each of ``tells``.

    Installed before all others, so that what they do to an answer is in it. ``open_request_figures`` comes last.
    """

    @app.after_request
    def _note(response: Response) -> Response:
        assert isinstance(request, ReceivedRequest)
        rule, seconds = request.url_rule, monotonic() - request.began
        route, method = (_UNMATCHED[0], _UNMATCHED[1]) if rule is None else (rule.rule, request.method)
        request_figures().note(route, method, response.status_code, seconds)
        # A 304 says again only what a cache goes by (RFC 9110 15.4.5).
        if response.status_code != HTTPStatus.NOT_MODIFIED:
            response.headers["X-Request-Id"] = request.id
        for tell in tells:
            tell(_facts(request.id, route, method, response, seconds))
        return response


def _facts(request_id: str, route: str, method: str, response: Response, seconds: float) -> dict[str, str | int]:
    """Return what may be said of a request, in a log or to a collector: the one place that decides it."""
    length = response.calculate_content_length()
    return {
        "http.request.id": request_id,
        "http.route": route,
        "http.request.method": method,
        "http.response.status_code": response.status_code,
        **({} if length is None else {"http.response.body.bytes": length}),
        "event.duration": round(seconds * 1e9),
    }


def log_request(facts: dict[str, str | int]) -> None:
    """Write a line of the log."""
    _LOG.info("request", **facts)


def open_request_figures(app: Flask) -> None:
    """Make place for what is counted, once every route of ``app`` is there."""
    app.extensions[_EXTENSION] = RequestFigures(app.url_map.iter_rules())


def request_figures() -> RequestFigures:
    """Return the figures of the current application."""
    found: RequestFigures = current_app.extensions[_EXTENSION]
    return found
