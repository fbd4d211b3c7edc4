"""Whether the service lives, is ready and does its work, and figures for Prometheus."""

import ipaddress
from datetime import datetime

from flask import Blueprint, Response, request
from prometheus_client import CollectorRegistry, Gauge, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from app.domain.access import Action
from app.domain.refusal import Refusal
from app.register.questions.freshness import OVERDUE, SWEEP
from app.register.witnesses import standing_of
from app.store import runs
from app.store.clock import read_standing
from app.store.engine import read_head
from app.web.principal import require_principal
from app.web.refusals import app_json
from app.web.site import site

blueprint = Blueprint("status", __name__)

ALTERED = (
    "Something stored was altered: run `closures record verify`, which names it; docs/operating.md says what then."
)
UNSAVED = "The last backup failed: Service, Health says why. Mend that; `closures backup FILE` takes one meanwhile."


@blueprint.get("/livez", action=Action.PUBLIC)
def livez() -> Response:
    """Say that this process answers."""
    return app_json({"status": "ok"})


@blueprint.get("/readyz", action=Action.PUBLIC)
def readyz() -> Response:
    """Say whether database and keys are there and belong together."""
    return _health(scheduler=False)


@blueprint.get("/healthz", action=Action.PUBLIC)
def healthz() -> Response:
    """Say whether database and keys are there and belong together, and the scheduler did its work lately."""
    return _health(scheduler=True)


def _health(*, scheduler: bool) -> Response:
    facts: dict[str, object] = {"status": "ok", "database": "ok"}
    try:
        site().store.require_fit()
        with site().store.reading() as connection:
            read_head(connection)
            sweep = runs.read_run(connection, SWEEP) if scheduler else None
            standing = read_standing(connection) if scheduler else None
            check = runs.read_run(connection, runs.INTEGRITY) if scheduler else None
            unsaved = scheduler and runs.backup_fails(connection)
    except Refusal as problem:
        return app_json({"status": "failing", "database": problem.text}, 503)
    if not scheduler:
        return app_json(facts)
    now = site().now()
    # Anybody may ask: nothing here moves as a window starts or ends. What the jobs did is on the page and in /metrics.
    facts["scheduler"] = "ok" if sweep and abs(now - sweep.ran_at) < OVERDUE else "overdue"
    facts["last_sweep"] = sweep.ran_at.isoformat() if sweep else None
    facts["clock"] = "doubted" if standing and standing.doubt else "ok"
    facts["record"] = "altered" if check and check.position else "ok"
    if (facts["scheduler"], facts["clock"], facts["record"]) != ("ok", "ok", "ok"):
        facts["status"] = "failing"
    if unsaved:
        facts |= {"status": "failing", "backup": "failed", "remedy": UNSAVED}
    if facts["record"] == "altered":
        facts["remedy"] = ALTERED
    return app_json(facts, 200 if facts["status"] == "ok" else 503)


@blueprint.get("/metrics", action=Action.PUBLIC)
def metrics() -> Response:
    """Give figures to Prometheus: to this machine itself, or with an ops token; which of the two is asked here."""
    if not _is_local():
        require_principal(Action.READ_METRICS)
    registry = CollectorRegistry()
    try:
        site().store.require_fit()
        _count(registry)
        fits = True
    except Refusal:
        fits = False  # the other figures cannot be had then, and this one must be
    _gauge(registry, "closures_store_fits", "1 where database and keys are there and belong together", fits)
    return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


def _count(registry: CollectorRegistry) -> None:
    with site().store.reading() as connection:
        head = read_head(connection)
        jobs, standing = runs.all_runs(connection), read_standing(connection)
    off = standing.doubt.off.total_seconds() if standing and standing.doubt else 0
    _gauge(registry, "closures_clock_doubted_seconds", "By how much the clock seems ahead; 0 where it is believed", off)
    _gauge(registry, "closures_changes", "Revisions applied since the register began", head.change)
    _gauge(registry, "closures_log_entries", "Entries in the tamper-evident log", head.log_size)
    _witness_gauges(registry)
    ages = Gauge("closures_job_age_seconds", "Seconds since a job last ran", ["job"], registry=registry)
    faults = max((job.position for job in jobs if job.name == runs.INTEGRITY), default=0)
    _gauge(registry, "closures_record_faults", "Faults that the last reading of everything stored found", faults)
    for job in jobs:
        ages.labels(job.name).set(_age(job.ran_at))


def _witness_gauges(registry: CollectorRegistry) -> None:
    """Say how it stands with the witnesses, where there are any."""
    standing = standing_of(site().register, site().witnesses)
    if not standing.of:
        return
    age = float("inf") if standing.quorum_at is None else _age(standing.quorum_at)
    _gauge(registry, "closures_witness_cosignatures", "Witnesses that cosigned what is published", standing.cosigned)
    _gauge(registry, "closures_witness_quorum", "How many witnesses make a quorum", standing.quorum)
    _gauge(registry, "closures_witness_quorum_age_seconds", "Seconds since a quorum cosigned a checkpoint", age)


def _gauge(registry: CollectorRegistry, name: str, text: str, value: float) -> None:
    Gauge(name, text, registry=registry).set(value)


def _age(ran_at: datetime) -> float:
    return max(0.0, (site().now() - ran_at).total_seconds())


def _is_local() -> bool:
    """Tell whether the request comes from this machine itself and through no proxy."""
    if "X-Forwarded-For" in request.headers or "Forwarded" in request.headers or not request.remote_addr:
        return False
    try:
        return ipaddress.ip_address(request.remote_addr).is_loopback
    except ValueError:
        return False
