"""What every answer carries: the browser's limits, and who may keep a copy."""

from http import HTTPStatus

from flask import Flask, Response, request

from app.web.routes import STATIC

_CSP = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
# Pages run our one file of script, which fetches their own address; nothing inline, and nothing from elsewhere.
_CSP_OF_PAGES = f"{_CSP}; script-src 'self'; connect-src 'self'"
_ALWAYS = {
    "Content-Security-Policy": _CSP,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
}
_HTTPS = {"Strict-Transport-Security": "max-age=31536000"}
# What is shown depends on who asks: nobody in between may keep it for another.
_NOT_PUBLIC = {"Cache-Control": "private, no-cache", "Vary": "Authorization, Cookie"}
# Where a secret is shown or typed in: what was made is shown once, the secret of an authenticator, the address of a
# link. Whoever goes back is answered anew, and not from what the browser kept (ASVS 5.0 14.3.2).
_SECRET = _NOT_PUBLIC | {"Cache-Control": "no-store"}
_SHOW_SECRETS = frozenset({"form_once", "set_up", "session", "oidc"})


def install_headers(app: Flask, *, is_https: bool) -> None:
    """Put the headers on every answer of ``app``."""
    always = tuple((_ALWAYS | (_HTTPS if is_https else {})).items())

    @app.after_request
    def _add(response: Response) -> Response:
        headers = response.headers
        if request.method == "OPTIONS" and not response.calculate_content_length():
            headers.pop("Content-Type", None)  # Flask states one even of nothing
        if response.mimetype == "text/html":
            headers.setdefault("Content-Security-Policy", _CSP_OF_PAGES)
        stated = {name.lower() for name, _ in headers}
        # A 304 has no content to guard; it says again only what a cache goes by (RFC 9110 15.4.5).
        wanted = () if response.status_code == HTTPStatus.NOT_MODIFIED else always
        if request.endpoint != STATIC:
            wanted = (*wanted, *(_SECRET if request.blueprint in _SHOW_SECRETS else _NOT_PUBLIC).items())
        headers.extend([(name, value) for name, value in wanted if name.lower() not in stated])
        return response
