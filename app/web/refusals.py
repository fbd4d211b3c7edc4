"""The one table from refusals to HTTP: a page for people, RFC 9457 problem+json for programs."""

from contextlib import suppress
from http import HTTPStatus

import structlog
from flask import Flask, Response, json, redirect, render_template, request, url_for
from flask_wtf.csrf import CSRFError
from typing_extensions import TypedDict
from werkzeug.exceptions import HTTPException

from app.domain import refusal as refused
from app.domain.fact import FactDoubted
from app.domain.refusal import IntakeProblem, Refusal, size_words
from app.register.give import LIMITS
from app.register.people.sign_in import TooManyTries
from app.register.planned_limit import TooManyPlanned
from app.register.receipts import IntakeProblemJson, problem_facts
from app.security.sealing import SealBroken
from app.security.security_log import SecurityAction, security_event
from app.store.engine import COMMITS
from app.web.idempotency import KeyReused
from app.web.principal import SignInNeeded, signed_in_account
from app.web.resumed_forms import remember_request
from app.web.second_try import IS_SECOND, LOST

_LOG = structlog.get_logger()

_STATUS: dict[type[Refusal], int] = {
    SignInNeeded: 401,
    TooManyTries: 429,
    refused.AccessRefused: 403,
    TooManyPlanned: 403,
    refused.Unknown: 404,
    refused.AlreadyThere: 409,
    FactDoubted: 409,
    refused.NoticeTooLarge: 413,
    KeyReused: 422,
    refused.NoticeUnreadable: 422,
    refused.NoticeCompressed: 415,
    refused.StoreFull: 507,
    refused.StoreBusy: 503,
    refused.StoreUncertain: 503,
    refused.StoreUnfit: 503,
    SealBroken: 503,
    refused.Shredded: 410,
}
# They may not, or nothing that they may see is there; or it is too much. Tries have their line where they are counted.
_NOTED: dict[type[Refusal], SecurityAction] = {
    refused.AccessRefused: SecurityAction.ACCESS_REFUSED,
    refused.Unknown: SecurityAction.ACCESS_REFUSED,
    TooManyPlanned: SecurityAction.LIMIT_REACHED,
    refused.NoticeTooLarge: SecurityAction.LIMIT_REACHED,
    refused.StoreFull: SecurityAction.LIMIT_REACHED,
}
_RETRY_AFTER = {503: "10", 507: "60"}
_PROGRAM_PATHS = ("/api/", "/feeds/", "/dav", "/.well-known/", "/metrics", "/checkpoint")
_CHALLENGE = 'Basic realm="Planned gateway closures", charset="UTF-8"'


class ProblemJson(TypedDict):
    """What could not be done (RFC 9457). ``code`` is stable, for programs; ``remedy`` says what helps."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    remedy: str
    problems: list[IntakeProblemJson]


def is_for_a_program() -> bool:
    """Tell whether the answer goes to a program: the API, a feed, or a request with a token."""
    return request.path.startswith(_PROGRAM_PATHS) or request.authorization is not None


def install_refusals(app: Flask) -> None:
    """Make every refusal an answer."""
    app.register_error_handler(Refusal, _answer)
    app.register_error_handler(HTTPException, _plain)
    app.register_error_handler(Exception, _unforeseen)


def problem_response(
    status: int, code: str, text: str, remedy: str, problems: tuple[IntakeProblem, ...] = ()
) -> Response:
    """Return a refusal as problem+json, or as a page."""
    if not is_for_a_program():
        page = render_template("refusal.html", status=status, title=text, text=text, remedy=remedy, problems=problems)
        response = Response(page, status, content_type="text/html; charset=utf-8")
    else:
        facts: ProblemJson = {
            "type": f"about:blank#{code}",
            "title": text,
            "status": status,
            "detail": f"{text} {remedy}".strip(),
            "code": code,
            "remedy": remedy,
            "problems": [problem_facts(problem) for problem in problems],
        }
        response = app_json(facts, status, "application/problem+json")
    if status in _RETRY_AFTER:
        response.headers["Retry-After"] = _RETRY_AFTER[status]
    return response


def app_json(facts: object, status: int = 200, media_type: str = "application/json") -> Response:
    """Return facts as JSON in UTF-8, in the order in which they were put together."""
    return Response(json.dumps(facts, ensure_ascii=False, sort_keys=False) + "\n", status, content_type=media_type)


def _answer(problem: Refusal) -> Response:
    may_begin_anew = isinstance(problem, refused.StoreAway) and COMMITS.get() == 0
    if may_begin_anew and IS_SECOND not in request.environ:
        request.environ[LOST] = True
        return problem_response(503, problem.code, problem.text, problem.remedy)
    status = next((_STATUS[kind] for kind in type(problem).__mro__ if kind in _STATUS), 400)
    if status in _RETRY_AFTER:
        _LOG.error("refused", code=problem.code, text=problem.text, path_kind=request.endpoint)
    if status == _STATUS[SignInNeeded]:
        if not is_for_a_program():
            remember_request()
            return redirect(url_for("session.sign_in"), 303)  # type: ignore[return-value]  # werkzeug's Response is what redirect makes
        response = problem_response(status, problem.code, problem.text, problem.remedy)
        response.headers["WWW-Authenticate"] = _CHALLENGE
        return response
    noted = next((_NOTED[kind] for kind in type(problem).__mro__ if kind in _NOTED), None)
    if noted is not None:
        security_event(noted, failed=True, reason=problem.code, status=status, route=request.endpoint)
    problems = problem.problems if isinstance(problem, refused.NoticeUnreadable) else ()
    return problem_response(status, problem.code, problem.text, problem.remedy, problems)


def _plain(problem: HTTPException) -> Response:
    status = problem.code or 500
    if not is_for_a_program():
        with suppress(Refusal):  # so that the page of an address that is nothing, or of too much, has its menu
            signed_in_account()
    text, remedy = _WORDS.get(status, (problem.name + ".", ""))
    if isinstance(problem, CSRFError):
        security_event(SecurityAction.FORM_REFUSED, failed=True, status=status, route=request.endpoint)
        text, remedy = (
            "The form was open for too long, or came from elsewhere.",
            "Go back, reload it and send it again.",
        )
    elif status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        security_event(SecurityAction.LIMIT_REACHED, failed=True, status=status, route=request.endpoint)
    response = problem_response(status, problem.name.lower().replace(" ", "-"), text, remedy)
    for name, value in problem.get_headers():
        if name == "Allow":
            response.headers[name] = value
    return response


_WORDS = {
    400: ("The request could not be understood.", "Check its form."),
    404: ("There is nothing at this address.", "Check it for a mistyped letter, or begin from the menu."),
    405: ("That is not done here.", "See the Allow header for what is."),
    413: (
        "That is too large.",
        f"A notice may have at most {size_words(LIMITS.octets)} and {LIMITS.events:,} events. Send it in parts.",
    ),
}


def _unforeseen(problem: Exception) -> Response:
    _LOG.exception("unforeseen", endpoint=request.endpoint, kind=type(problem).__name__)
    return problem_response(500, "unforeseen", "Something went wrong on our side.", "It was logged; try again later.")
