"""What the headers of a request ask for: its conditions (RFC 9110 13, RFC 4918 10.4) and its preferences (RFC 7240)."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from app.caldav.backend import Condition, TagList
from app.caldav.exchange import Request, bad_request
from app.caldav.notation import read_http_date
from app.caldav.properties.live import SYNC_TOKEN, AskerView
from app.caldav.resources import Resource, find, is_same, path_of

VARY = ("Vary", "Brief, Prefer")
_TAG = re.compile(r'(W/)?"([^"]*)"|(\*)|([^\s,"]+)')
# Of an If header: a list with the resource that it is about, if it names one; and one test inside a list.
_LIST = re.compile(r'\s*(?:<([^<>]*)>\s*)?\(((?:[^()"<>]|"[^"]*"|<[^<>]*>)*)\)\s*')
_TEST = re.compile(r'\s*(not\b)?\s*(?:<([^<>]+)>|\[\s*(W/)?"([^"]*)"\s*\])\s*', re.IGNORECASE)


def read_condition(request: Request, view: AskerView) -> Condition:
    """Read what a request makes its change depend on. Raise ``Refused`` for an If header that cannot be read."""
    headers = request.headers
    return Condition(
        # If-Match compares strongly, so a weak tag there matches nothing (RFC 9110 13.1.1).
        match=_tags(headers.get("if-match"), weak=False),
        none_match=_tags(headers.get("if-none-match")),
        unmodified_since=read_http_date(headers.get("if-unmodified-since")),
        lists=_lists(request, view) if "if" in headers else None,
    )


def _tags(text: str | None, *, weak: bool = True) -> frozenset[str] | None:
    if text is None:
        return None
    # Some clients leave the quotation marks out; what they mean is plain.
    found = [(match[1], match[2] if match[2] is not None else match[3] or match[4]) for match in _TAG.finditer(text)]
    return frozenset(tag for is_weak, tag in found if weak or not is_weak)


@dataclass(frozen=True, slots=True)
class _StateTest:
    """One test of a list in an If header: of a state token (``uri``) or of an entity tag; ``negated``: it must fail."""

    negated: bool
    uri: str | None
    weak: bool
    tag: str


def _lists(request: Request, view: AskerView) -> tuple[TagList, ...]:
    """Return the lists of an If header that may still hold.

    "if and only if at least one of the No-tag-list or Tagged-list productions evaluates to true", so does the header
    (RFC 4918 10.4.3).
    """
    found = []
    for about, tests in _parsed(request.headers["if"]):
        path = request.path if about is None else path_of(about, request)
        tags = _tags_required(view, request.path, path, tests)
        if tags is not None:
            found.append(tags)
    return tuple(found)


def _parsed(text: str) -> Iterator[tuple[str | None, list[_StateTest]]]:
    """Yield each list with the resource that it is about, None for that of the request. Raise ``Refused``."""
    at, about = 0, None
    while at < len(text) or at == 0:
        found = _LIST.match(text, at)
        if found is None or (found[1] is not None and about is None and at > 0):
            raise bad_request("The If header is not one of lists, as RFC 4918 10.4.2 writes them.")
        about, at = found[1] if found[1] is not None else about, found.end()
        yield about, _tests(found[2])


def _tests(text: str) -> list[_StateTest]:
    found, at = [], 0
    while at < len(text) or at == 0:
        test = _TEST.match(text, at)
        if test is None:
            raise bad_request('A list of the If header holds <state tokens> and ["entity tags"].')
        found.append(_StateTest(test[1] is not None, test[2], test[3] is not None, test[4] or ""))
        at = test.end()
    return found


def _tags_required(view: AskerView, own: str, path: str | None, tests: list[_StateTest]) -> TagList | None:
    """Return what a list asks of the member of the request, None where it cannot hold.

    "Each List production describes a series of conditions", and all of them must hold (RFC 4918 10.4.3). Those on
    another resource are looked up here and now; the backend holds the member to the others when it is changed.
    """
    if path is not None and is_same(path, own):
        required = [test for test in tests if not test.negated]
        if any(test.uri is not None or test.weak for test in required):
            return None
        excluded = frozenset(test.tag for test in tests if test.negated and test.uri is None and not test.weak)
        return TagList(frozenset(test.tag for test in required), excluded)
    resource = find(view.backend, path) if path is not None else None
    return TagList() if all(_stands(view, resource, test) is not test.negated for test in tests) else None


def _stands(view: AskerView, resource: Resource | None, test: _StateTest) -> bool:
    """Tell whether a resource has a tag or is in a state: a calendar in that of its sync-token (RFC 6578 5).

    Tags are compared strongly, as in If-Match; nothing is true of what is not there (RFC 4918 10.4.4).
    """
    if resource is None or resource.collection is None:
        return False
    if test.uri is None:
        return resource.entry is not None and not test.weak and resource.entry.etag == test.tag
    return resource.entry is None and test.uri == SYNC_TOKEN + view.reached(resource.collection).token


@dataclass(frozen=True, slots=True)
class Preferences:
    """What is preferred.

    ``minimal``: no rows for what is not there. ``representation``: the member as it is after a PUT. ``noroot``: only
    what is inside the collection.
    """

    minimal: bool = False
    representation: bool = False
    noroot: bool = False

    def applied(self, *names: str) -> tuple[tuple[str, str], ...]:
        """Return the headers that say which of these were followed (RFC 7240 3), and that answers vary."""
        words = {
            "minimal": "return=minimal" if self.minimal else "",
            "representation": "return=representation" if self.representation else "",
            "noroot": "depth-noroot" if self.noroot else "",
        }
        followed = ", ".join(words[name] for name in names if words[name])
        return (("Preference-Applied", followed), VARY) if followed else (VARY,)


def read_preferences(headers: Mapping[str, str]) -> Preferences:
    """Read the headers; a preference that is not known is no fault ("MUST be ignored", RFC 7240 2)."""
    stated: dict[str, str] = {}
    for preference in headers.get("prefer", "").split(","):
        name, _, value = preference.partition(";")[0].partition("=")
        # "The first instance ... is to be used" (RFC 7240 2).
        stated.setdefault(name.strip().lower(), value.strip().strip('"').lower())
    return Preferences(
        minimal=stated.get("return") == "minimal" or headers.get("brief", "").strip().lower() == "t",
        representation=stated.get("return") == "representation",
        noroot="depth-noroot" in stated,
    )
