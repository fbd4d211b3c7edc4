"""Requests as spans of OpenTelemetry: what is sent to a collector. ``tracing`` says whether; this needs the extra.

A span says what a line of the request log says, and nothing else: the libraries that would make spans by themselves
write addresses with their secrets and queries into them. Each is a trace of its own, since what a client calls its
request counts for nothing.
"""

import threading
from importlib.metadata import version
from time import time_ns

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind, StatusCode, Tracer

_OUR_FAULT = 500


class Spans:
    """Sends spans from a thread of the process that answers: begun at the first request, after processes are forked."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._tracer: Tracer | None = None

    def tell(self, facts: dict[str, str | int]) -> None:
        """Put the span of a request that has just been answered into the queue; where that is full, it is dropped."""
        ends, stated = time_ns(), dict(facts)
        begins = ends - int(stated.pop("event.duration"))
        name = f"{stated['http.request.method']} {stated['http.route']}"
        span = self._opened().start_span(name, Context(), SpanKind.SERVER, stated, start_time=begins)
        if int(stated["http.response.status_code"]) >= _OUR_FAULT:
            span.set_status(StatusCode.ERROR)
        span.end(ends)

    def _opened(self) -> Tracer:
        with self._lock:
            if self._tracer is None:
                ours = {"service.name": "closures", "service.version": version("closure-notices")}
                resource = Resource.create(ours).merge(OTELResourceDetector().detect())
                # Who ends waits for no collector: it would hold up a restart for as long as that does not answer.
                provider = TracerProvider(resource=resource, shutdown_on_exit=False)
                provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
                self._tracer = provider.get_tracer("closures")
            return self._tracer
