"""Whether the service lives, is ready and does its work, in words; and figures for Prometheus."""

import ipaddress
from contextlib import suppress
from importlib.metadata import version

from flask import Blueprint, Response, request
from prometheus_client import CollectorRegistry, Info, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from app.domain.access import Action, Principal
from app.domain.refusal import Refusal
from app.register.questions.freshness import OVERDUE, SWEEP
from app.register.questions.troubles import find_troubles
from app.store import runs
from app.store.clock import read_standing
from app.store.engine import read_head
from app.store.room import free_octets
from app.web.principal import current_principal, require_principal
from app.web.process_figures import process_figures
from app.web.refusals import app_json
from app.web.request_figures import request_figures
from app.web.site import site
from app.web.stored_figures import GatewayFigures, StoredFigures

blueprint = Blueprint("status", __name__)

ALTERED = (
    "Something stored was altered: run `closures record verify`, which names it; docs/operating.md says what then."
)
_LATE = "The scheduler has not swept in its time: start `closures up`, or `closures work` beside the web process."
_DOUBTED = "The clock is doubted, and nothing expires: look at it; if it is right, type `closures clock confirm`."


@blueprint.get("/livez", action=Action.PUBLIC)
def livez() -> Response:
    """Say that this process answers."""
    return app_json({"status": "ok"})


@blueprint.get("/readyz", action=Action.PUBLIC)
def readyz() -> Response:
    """Say whether database and keys are there and belong together, and a write is taken."""
    facts, failing = _stand()
    return _answer(facts, failing)


@blueprint.get("/healthz", action=Action.PUBLIC)
def healthz() -> Response:
    """Say the same, whether the scheduler did its work lately, and what else is wrong.

    Anybody may ask: nothing here moves as a window starts or ends. What the jobs did is on the page and in /metrics.
    """
    facts, failing = _stand()
    if "database" in failing:
        return _answer(facts, failing)
    try:
        with site().store.reading() as connection:
            sweep, standing = runs.read_run(connection, SWEEP), read_standing(connection)
            check = runs.read_run(connection, runs.INTEGRITY)
        troubles = find_troubles(site().register, free_octets(site().store, site().key_dir), site().now())
    except Refusal as problem:
        return _answer(facts | {"database": problem.text}, {**failing, "database": problem.text})
    is_late = sweep is None or abs(site().now() - sweep.ran_at) >= OVERDUE
    facts["scheduler"] = "overdue" if is_late else "ok"
    facts["last_sweep"] = sweep.ran_at.isoformat() if sweep else None
    facts["clock"] = "doubted" if standing and standing.doubt else "ok"
    facts["record"] = "altered" if check and check.position else "ok"
    for name, words in (("scheduler", _LATE), ("clock", _DOUBTED), ("record", ALTERED)):
        if facts[name] != "ok":
            failing[name] = words
    if "record" in failing:
        facts["remedy"] = ALTERED
    return _answer(facts, failing, troubles)


def _stand() -> tuple[dict[str, object], dict[str, str]]:
    """Return what is said of the database, and a sentence for each part that fails: reading, or writing."""
    facts: dict[str, object] = {"status": "ok", "database": "ok", "writing": "ok"}
    try:
        site().store.require_fit()
        with site().store.reading() as connection:
            read_head(connection)
    except Refusal as problem:
        del facts["writing"]
        return facts | {"database": problem.text}, {"database": f"{problem.text} {problem.remedy}"}
    refused = site().write_probe.ask()
    if refused is None:
        return facts, {}
    return facts | {"writing": refused.text}, {"writing": f"{refused.text} {refused.remedy}"}


def _answer(facts: dict[str, object], failing: dict[str, str], troubles: list[str] | None = None) -> Response:
    """Answer 503 where a part fails. Troubles alone are "degraded" and no reason to take the service away: 200."""
    problems = [*failing.values(), *(troubles or ())]
    facts["status"] = "failing" if failing else "degraded" if problems else "ok"
    return app_json({**facts, "problems": problems}, 503 if failing else 200)


@blueprint.get("/metrics", action=Action.PUBLIC)
def metrics() -> Response:
    """Give figures to Prometheus: to this machine itself, or with an ops token; which of the two is asked here."""
    watcher = _watcher()
    registry, now = CollectorRegistry(), site().now()
    if watcher is not None:
        registry.register(GatewayFigures(site(), watcher, now))
    Info("closures_build", "What runs here", registry=registry).info({"version": version("closure-notices")})
    registry.register(request_figures())
    registry.register(process_figures())
    registry.register(StoredFigures(site(), now))
    return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


def _watcher() -> Principal | None:
    """Return who asks and may see when gateways close; None where this machine itself asks, without a token that may.

    Every account of the machine can ask it, and every container beside. Raise as ``require_principal`` to others.
    """
    with suppress(*([Refusal] if _is_local() else [])):
        require_principal(Action.READ_METRICS)
        return current_principal()
    return None


def _is_local() -> bool:
    """Tell whether the request comes from this machine itself and through no proxy."""
    if "X-Forwarded-For" in request.headers or "Forwarded" in request.headers or not request.remote_addr:
        return False
    try:
        return ipaddress.ip_address(request.remote_addr).is_loopback
    except ValueError:
        return False
