"""What every answer carries: the browser's limits, and who may keep a copy."""

from flask import Flask, Response, request

_CSP = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_ALWAYS = {
    "Content-Security-Policy": _CSP,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
}
_STATIC = ("static", "bootstrap.static")


def install_headers(app: Flask, *, is_https: bool) -> None:
    """Put the headers on every answer of ``app``."""

    @app.after_request
    def _add(response: Response) -> Response:
        headers = response.headers
        for name, value in _ALWAYS.items():
            headers.setdefault(name, value)
        if is_https:
            headers.setdefault("Strict-Transport-Security", "max-age=31536000")
        if request.endpoint not in _STATIC:
            # What is shown depends on who asks: nobody in between may keep it for another.
            headers.setdefault("Cache-Control", "private, no-cache")
            headers.setdefault("Vary", "Authorization, Cookie")
        return response
