"""XML that comes in: parsed by lxml without entities, network or DTD, from a body that is bounded."""

from lxml import etree

from app.caldav.conditions import Refused, bad_request

_LARGEST = 4_000_000  # octets; a multiget of 20,000 members stays under it
Element = etree._Element  # noqa: SLF001 - the type that lxml gives its elements has no public name


def parse(body: bytes, *roots: str) -> Element:
    """Return the root of a request body, which must be one of ``roots`` (Clark names; none given: any).

    Raise ``Refused``: 400 for what is not well-formed, holds a DOCTYPE or has another root (RFC 4918 8.2, 17).
    """
    if len(body) > _LARGEST:
        raise Refused(413, "", f"The body is larger than {_LARGEST:,} octets.")
    if b"<!DOCTYPE" in body:
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


def local(name: str) -> str:
    """Return an element's name without its namespace."""
    return name.rpartition("}")[2]


def text_of(found: Element | None) -> str:
    """Return the text of an element, "" for none."""
    return "" if found is None else "".join(map(str, found.itertext()))


def kept(found: Element) -> str:
    """Return an element with its content as XML that stands for itself, its namespaces and language declared on it.

    "the value of xml:lang in scope ... MUST be persistently stored" (RFC 4918 4.3).
    """
    language = "{http://www.w3.org/XML/1998/namespace}lang"
    spoken = next((one.get(language) for one in (found, *found.iterancestors()) if one.get(language)), None)
    if spoken is not None:
        found.set(language, spoken)
    written: str = etree.tostring(found, encoding="unicode", with_tail=False)
    return written
