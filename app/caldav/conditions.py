"""Refusals as the protocol words them: a status, the exact precondition element, and a sentence for a person."""

from app.caldav.exchange import Response
from app.caldav.markup import document, element, escape
from app.caldav.names import dav

XML_TYPE = ("Content-Type", "application/xml; charset=utf-8")


class Refused(Exception):  # noqa: N818 - a refusal, worded as the protocol words it
    """A request that is not carried out.

    ``precondition`` is the Clark name of the element that RFC 4918 16 asks for, "" where no RFC names one. ``inner``
    is what stands inside it, as XML.
    """

    def __init__(
        self,
        status: int,
        precondition: str,
        text: str,
        *,
        inner: str = "",
        headers: tuple[tuple[str, str], ...] = (),
    ) -> None:
        super().__init__(f"{status} {precondition}")
        self.status = status
        self.precondition = precondition
        self.text = text
        self.inner = inner
        self.headers = headers

    def markup(self) -> str:
        """Return the content of DAV:error: "the element ... MUST be the child" of it (RFC 4918 16)."""
        named = element(self.precondition, self.inner) if self.precondition else ""
        return named + element(dav("responsedescription"), escape(self.text))

    def response(self) -> Response:
        """Return the refusal as an answer."""
        return Response(self.status, (XML_TYPE, *self.headers), document("D:error", self.markup()))


def bad_request(text: str) -> Refused:
    """Return the refusal of a request that cannot be understood."""
    return Refused(400, "", text)


def missing() -> Refused:
    """Return the answer for what is not there, or not for the asker: the two look alike."""
    return Refused(404, "", "There is nothing here.")


def lacking(path: str, privilege: str, text: str) -> Refused:
    """Return the refusal of what the asker may not do: "the href ... and the privilege" (RFC 3744 7.1.1)."""
    resource = element(dav("href"), escape(path)) + element(dav("privilege"), element(dav(privilege)))
    return Refused(403, dav("need-privileges"), text, inner=element(dav("resource"), resource))
