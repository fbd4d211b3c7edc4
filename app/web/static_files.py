"""Static files: read, compressed and named by their digest at the start; browsers keep them for a year, unasked."""

import gzip
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from mimetypes import guess_type
from pathlib import Path
from typing import Any

import flask_bootstrap
from flask import Flask, Response, abort, request
from werkzeug.wrappers import Response as AnyResponse

from app.domain.access import Action
from app.web.bootstrap_subset import subset_of

_OURS = Path(__file__).with_name("static")
_TEMPLATES = Path(__file__).with_name("templates")
_BOOTSTRAP = Path(flask_bootstrap.__file__).with_name("static") / "bootstrap5" / "css" / "bootstrap.min.css"
_OF_EVERY_PAGE = "site.css"  # Bootstrap's part goes before it, in one file
_YEAR = 31_536_000
_DIGEST_LENGTH = 16


@dataclass(frozen=True, slots=True)
class StaticFile:
    """A file as it is served, plain and by gzip; ``digest`` is of the plain octets."""

    plain: bytes
    gzipped: bytes
    media_type: str
    digest: str


def install_static_files(app: Flask) -> None:
    """Serve the files, and have ``url_for("static", filename=...)`` name each with its digest."""
    _files()  # before a worker is forked, for all of them
    app.add_url_rule("/static/<path:filename>", endpoint="static", view_func=_serve, action=Action.PUBLIC)

    @app.url_defaults
    def _name_digest(endpoint: str, values: dict[str, Any]) -> None:
        held = _files().get(values.get("filename", "")) if endpoint == "static" else None
        if held is not None:
            values["v"] = held.digest


def _serve(filename: str) -> AnyResponse:
    held = _files().get(filename)
    if held is None:
        abort(404)
    packed = request.accept_encodings["gzip"] > 0
    response = Response(held.gzipped if packed else held.plain, content_type=held.media_type)
    if packed:
        response.headers["Content-Encoding"] = "gzip"
    response.headers["Vary"] = "Accept-Encoding"
    response.set_etag(held.digest + ("-gzip" if packed else ""))
    # Under its digest an address never says anything else; under none, or one of another release, it may.
    if request.args.get("v") == held.digest:
        response.headers["Cache-Control"] = f"public, max-age={_YEAR}, immutable"
    else:
        response.headers["Cache-Control"] = "no-cache"
    return response.make_conditional(request)


@cache
def _files() -> dict[str, StaticFile]:
    """Return the files by name; made once in a process."""
    ours = {path.name: path.read_bytes() for path in _OURS.iterdir() if path.is_file()}
    read = [path.read_text("utf-8") for path in (*_TEMPLATES.rglob("*.html"), *_OURS.glob("*.js"))]
    ours[_OF_EVERY_PAGE] = subset_of(_BOOTSTRAP.read_text("utf-8"), read).encode() + ours[_OF_EVERY_PAGE]
    return {name: _file(name, octets) for name, octets in ours.items()}


def _file(name: str, octets: bytes) -> StaticFile:
    kind = guess_type(name)[0] or "application/octet-stream"
    media_type = f"{kind}; charset=utf-8" if kind.startswith("text/") else kind
    # Without a time stamp, so that it is the same on every worker.
    return StaticFile(octets, gzip.compress(octets, mtime=0), media_type, sha256(octets).hexdigest()[:_DIGEST_LENGTH])
