"""One request and its answer, as values: the XML that a body holds, and how a refusal is worded."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from lxml import etree

from app.caldav.notation import dav, document, element, escape

XML_TYPE = ("Content-Type", "application/xml; charset=utf-8")
_LARGEST = 1_000_000  # octets of a request's XML
LARGEST_MULTIGET = 4_000_000  # one that names 20,000 members stays under it
_EXTERNAL = re.compile(rb"\b(?:SYSTEM|PUBLIC)\b")
Element = etree._Element  # noqa: SLF001 - the type that lxml gives its elements has no public name


@dataclass(frozen=True, slots=True)
class Request:
    """A request by somebody who is known already.

    ``path`` is the path alone, still percent-encoded, as the request had it (``/dav/calendars/ALPHA/GW-1/a%20b.ics``).
    ``headers`` have names in lower case. ``body`` is whole, however it was framed. ``served_at`` is the host, with its
    port, of the address under which the service is known, "" where there is none.
    """

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    served_at: str = ""


@dataclass(frozen=True, slots=True)
class Response:
    """The answer; ``headers`` in the order in which they are sent. Content-Length is added by whoever sends it."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""


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
        """Return the content of DAV:error: "the element ... MUST be the child" of it (RFC 4918 16).

        It is the only one: clients and test suites compare the children of DAV:error with what they expect. So the
        sentence stands inside it; programs that show a person the text of the whole error show it.
        """
        said = element(dav("responsedescription"), escape(self.text))
        return element(self.precondition, self.inner + said) if self.precondition else said

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


def parse(body: bytes, *roots: str, largest: int = _LARGEST) -> Element:
    """Return the root of a request body, which must be one of ``roots`` (Clark names; none given: any).

    Raise ``Refused``: 413 for more octets than ``largest``, 400 for what is not well-formed, holds a DOCTYPE or has
    another root (RFC 4918 8.2, 17), and 403 for an external entity.
    """
    check_octets(body, largest)
    _, declares, declaration = body.partition(b"<!DOCTYPE")
    if declares and _EXTERNAL.search(declaration):
        raise Refused(403, dav("no-external-entities"), "A document that points to others is not accepted.")
    if declares:
        raise bad_request("A document type declaration is not accepted.")
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(body, parser)
    except (etree.XMLSyntaxError, ValueError) as fault:
        raise bad_request("The body is not well-formed XML.") from fault
    if root.getroottree().docinfo.internalDTD is not None:
        raise bad_request("A document type declaration is not accepted.")
    if roots and root.tag not in roots:
        raise bad_request("The body's root element is not one that this request takes.")
    return root


def check_octets(body: bytes, largest: int = _LARGEST) -> None:
    """Hold a body of XML to its limit. Raise ``Refused``."""
    if len(body) > largest:
        raise Refused(413, "", f"The body is larger than {largest:,} octets. Ask for less at once.")


def text_of(found: Element | None) -> str:
    """Return the text of an element, "" for none."""
    return "" if found is None else "".join(map(str, found.itertext()))


def kept(found: Element) -> str:
    """Return an element with its content as XML that stands for itself, its namespaces and language declared on it.

    "the value of xml:lang in scope ... MUST be persistently stored" (RFC 4918 4.3).
    """
    language = "{http://www.w3.org/XML/1998/namespace}lang"
    spoken = next((holder.get(language) for holder in (found, *found.iterancestors()) if holder.get(language)), None)
    if spoken is not None:
        found.set(language, spoken)
    written: str = etree.tostring(found, encoding="unicode", with_tail=False)
    return written
