"""Who is told of each request: the log, where that is set, and a collector, where the environment names one."""

import os

import structlog

from app.web.request_figures import Tell, log_request

_LOG = structlog.get_logger()
_ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")


def tells_of(*, log: bool) -> list[Tell]:
    """Return whoever is told of each request; with ``log``, the log."""
    spans = open_tracing()
    return [*([log_request] if log else []), *([spans] if spans else [])]


def open_tracing() -> Tell | None:
    """Return what sends a span of each request; None where nobody asked for that, or the extra is not installed.

    The variables are OpenTelemetry's own, and not among our settings: its libraries read them, these two as well.
    """
    exporter = os.environ.get("OTEL_TRACES_EXPORTER") or ("otlp" if any(map(os.environ.get, _ENDPOINTS)) else "none")
    if exporter != "otlp":
        return None
    try:
        from app.web.spans import Spans  # noqa: PLC0415 - an extra
    except ImportError:
        _LOG.warning("spans are asked for and not sent: install the extra, pip install '.[otel]'")
        return None
    return Spans().tell
