"""The log says what happened, on standard error, and never a token."""

import json
import logging

import pytest
import structlog

from app.factory import _IntoOurLog, configure_log
from app.security.tokens import TokenKind, mint


@pytest.fixture
def restored():
    yield
    structlog.reset_defaults()


def test_the_log_is_json_on_standard_error_without_tokens(restored, capsys):
    configure_log("json")
    token = mint(TokenKind.FEED)
    structlog.get_logger().info("fetched", path=f"/feeds/s/{token}/closures.ics", status=200)
    out, err = capsys.readouterr()
    line = json.loads(err)
    assert (out, line["event"], line["level"], line["path"], line["status"]) == (
        "", "fetched", "info", "/feeds/s/gwff_…/closures.ics", 200,
    )  # fmt: skip


def test_a_trace_in_the_log_holds_no_token(restored, capsys):
    configure_log("console")
    token = mint(TokenKind.APP_PASSWORD)
    try:
        int(token)
    except ValueError:
        structlog.get_logger().exception("failed")
    err = capsys.readouterr().err
    assert (token in err, "gwfp_…" in err) == (False, True)


def test_lines_of_libraries_take_our_form_and_hold_no_token(restored, capsys):
    configure_log("json")
    token = mint(TokenKind.SIGN_IN)
    library = logging.getLogger("gunicorn.error")
    ours = _IntoOurLog()
    library.addHandler(ours)
    try:
        library.warning("Invalid request: GET /sign-in/%s", token)
    finally:
        library.removeHandler(ours)
    line = json.loads(capsys.readouterr().err)
    assert (line["event"], line["level"], line["logger"]) == (
        "Invalid request: GET /sign-in/gwfr_…", "warning", "gunicorn.error",
    )  # fmt: skip
