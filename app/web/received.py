"""A request as it reaches the views: uploads stay in memory, and a credential that cannot be read is none."""

from functools import cached_property
from io import BytesIO
from typing import Any

from flask import Request
from werkzeug.datastructures import Authorization


class ReceivedRequest(Request):
    """What a client sent. Uploads are bounded by the application's limit, and never put on disk."""

    def __init__(self, environ: dict[str, Any], *facts: Any, **more: Any) -> None:
        # The host that a client names counts for nothing, since our address is a setting (FEEDS.md B3); a name that is
        # no host name would even leave us unable to link from one page to the next.
        environ.pop("HTTP_HOST", None)
        super().__init__(environ, *facts, **more)

    @cached_property
    def authorization(self) -> Authorization | None:
        """Return the credential, or None where there is none or it cannot be read: never a fault (FEEDS.md B4)."""
        try:
            return super().authorization
        except ValueError:  # Basic with anything but ASCII in it; werkzeug passes on what base64 raises
            return None

    def _get_file_stream(self, *_facts: object, **_more: object) -> BytesIO:
        # Werkzeug would put a file of over 500 kB into a temporary file, in clear (SECURITY.md 1: temp names nobody).
        return BytesIO()
