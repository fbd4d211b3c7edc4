"""What the pages of sources share, whether of Users or of DCC: the source that a form states, and one look at it."""

from collections.abc import Callable

from flask import Response, flash, make_response, redirect, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from app.domain.maintenance import MaintenanceKind
from app.domain.refusal import Refusal
from app.pulling.fetch_failure import words_of
from app.pulling.look import poll_source, preview_source, try_source
from app.register.sources import ListedSource, SourceRefused, add_source, make_source
from app.store.sources import OK, GatewayOf, Source
from app.web import form_once
from app.web.principal import require_account
from app.web.site import site


def stated_source(topic: GatewayOf | MaintenanceKind) -> Source:
    """Return the source that the form states, checked, and kept nowhere yet. Raise a ``Refusal``."""
    form = request.form
    minutes = form.get("minutes", "")
    if not (minutes.isascii() and minutes.isdigit()):
        raise SourceRefused("The minutes are not a whole number.", "Give a whole number.")
    url = form.get("url", "").strip()
    site().outbound.check(url)
    return make_source(
        topic,
        url=url,
        username=form.get("username", ""),
        password=form.get("calendar_password", ""),
        word=form.get("word", ""),
        category=form.get("category", ""),
        every_minutes=int(minutes[:6]),
        now=site().now(),
    )


def try_or_add(stated: Callable[[], Source], form: Callable[..., Response], back: str, added: str) -> AnyResponse:
    """Try the source that a form states, or add it; which of the two the button says.

    ``form`` shows the form again, with a fault or what the try found; ``back`` is where an added one leads, with the
    words ``added``.
    """
    account, form_id = require_account(), request.form.get("form_id", "")

    def work() -> dict[str, object]:
        made = stated()
        add_source(site().store, made)
        return {"kind": "source", "id": made.id.hex()}

    try:
        if request.form.get("do") == "try":
            return form(form_id, tried=try_source(site().register, site().outbound, stated(), site().now))
        form_once.carry_out(account, work)
    except Refusal as refusal:
        return form(form_id, fault=refusal)
    flash(added)
    return redirect(back, 303)


def look_at_source(found: ListedSource, back: str, back_title: str) -> AnyResponse:
    """Read a source now, or only say what that would change; which of the two the button says.

    ``back`` is the address of the page that lists it, ``back_title`` its heading.
    """
    dry = request.form.get("do") == "try"
    report = (preview_source if dry else poll_source)(site().register, site().outbound, found.source.id, site().now)
    if report is None:
        flash("It is being read at this moment; look again shortly.")
        return redirect(back, 303)
    shown = {"back": back, "back_title": back_title, "ok": OK, "words_of": words_of}
    page: Response = make_response(render_template("connect/polled.html", report=report, one=found, dry=dry, **shown))
    return page
