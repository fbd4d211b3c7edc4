"""A CalDAV collection of our own making: by sync token, by ctag, by ETags alone; paged, forgetful, odd or hostile."""

import re
from dataclasses import dataclass, field
from xml.sax.saxutils import escape

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.pulling.fetch import COLLECTION, Bookmark, look_at
from app.pulling.fetch_failure import SourceUnread
from app.pulling.http_client import HttpAnswer
from app.pulling.split_by_uid import Filter

URL = "https://dav.example.org/alpha/changes/"
BASE = "/alpha/changes/"
ANY = Filter()
EMPTY = b"<D:multistatus xmlns:D='DAV:'/>"
XML = {"content-type": "application/xml; charset=utf-8"}


def calendar(uid, start="20261206T020000Z"):
    return (
        f"BEGIN:VCALENDAR\nVERSION:2.0\nBEGIN:VEVENT\nUID:{uid}\nDTSTAMP:20261101T000000Z\nDTSTART:{start}\n"
        "DURATION:PT4H\nSUMMARY:<&>\nEND:VEVENT\nEND:VCALENDAR\n"
    )


@dataclass
class Collection:
    """A collection with a history. ``offers``: "sync", "ctag" or "". ``page``: how many changes one answer holds."""

    offers: str = "sync"
    page: int = 1000
    members: dict = field(default_factory=dict)  # name: (etag, octets)
    history: list = field(default_factory=list)  # names, in the order of their changes
    asked: list = field(default_factory=list)
    forgets: bool = False

    def put(self, name, text):
        self.history.append(name)
        self.members[name] = (f'"{len(self.history)}"', text)

    def delete(self, name):
        self.history.append(name)
        del self.members[name]

    def ask(self, method, url, headers, body=b""):
        assert (method in {"PROPFIND", "REPORT"}, url) == (True, URL)
        depth = headers.get("Depth", "")
        kind = re.search(rb"<\w+:(sync-collection|calendar-multiget|propfind)", body)[1].decode()
        self.asked.append(f"{kind} {depth}".strip())
        rows = getattr(self, f"_{kind.replace('-', '_')}")(depth, body.decode())
        if isinstance(rows, HttpAnswer):
            return rows
        text = "".join(rows)
        space = 'xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:S="http://calendarserver.org/ns/"'
        return HttpAnswer(207, XML, f"<D:multistatus {space}>{text}</D:multistatus>".encode())

    def _row(self, href, inner):
        return f"<D:response><D:href>{href}</D:href>{inner}</D:response>"

    def _found(self, href, prop):
        return self._row(href, f"<D:propstat><D:prop>{prop}</D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat>")

    def _missing(self, href):
        return self._row(href, "<D:status>HTTP/1.1 404 Not Found</D:status>")

    def _propfind(self, depth, _body):
        mark = {
            "sync": f"<D:sync-token>t:{len(self.history)}</D:sync-token>",
            "ctag": f"<S:getctag>c:{len(self.history)}</S:getctag>",
        }.get(self.offers, "")
        kind = "<D:resourcetype><D:collection/><C:calendar/></D:resourcetype>"
        own = self._found(BASE, kind + mark)
        rows = [self._found(BASE + name, f"<D:getetag>{etag}</D:getetag>") for name, (etag, _) in self.members.items()]
        return [own] if depth == "0" else [own, *rows, self._found(BASE + "sub/", kind)]

    def _sync_collection(self, _depth, body):
        token = re.search(r"t:(\d+)", body)
        if self.offers != "sync" or self.forgets or token is None:
            return HttpAnswer(403, XML, b'<D:error xmlns:D="DAV:"><D:valid-sync-token/></D:error>')
        since = int(token[1])
        until = min(since + self.page, len(self.history))
        names = dict.fromkeys(self.history[since:until])
        rows = [
            self._found(BASE + name, f"<D:getetag>{self.members[name][0]}</D:getetag>")
            if name in self.members
            else self._missing(BASE + name)
            for name in names
        ]
        if until < len(self.history):
            rows.append(self._row(BASE, "<D:status>HTTP/1.1 507 Insufficient Storage</D:status>"))
        return [*rows, f"<D:sync-token>t:{until}</D:sync-token>"]

    def _calendar_multiget(self, _depth, body):
        rows = []
        for href in re.findall(r"<\w+:href>(.*?)</", body):
            name = href.removeprefix(BASE)
            if name in self.members:
                etag, text = self.members[name]
                prop = f"<D:getetag>{etag}</D:getetag><C:calendar-data>{escape(text)}</C:calendar-data>"
                rows.append(self._found(href, prop))
            else:
                rows.append(self._missing(href))
        return rows


def look(collection, bookmark=None, *, whole=False, wanted=ANY):
    return look_at(collection, URL, bookmark or Bookmark(), wanted, whole=whole)


def uids(found):
    return sorted(piece.uid for piece in found.read)


@pytest.mark.parametrize("offers", ["sync", "ctag", ""])
def test_a_first_look_reads_everything_and_the_next_what_changed(offers):
    held = Collection(offers)
    for name in ("a", "b", "c"):
        held.put(name, calendar(name))
    first = look(held)
    assert (uids(first), first.present, first.bookmark.kind) == (["a", "b", "c"], {"a", "b", "c"}, COLLECTION)
    held.asked.clear()
    second = look(held, first.bookmark)
    if offers:
        assert (second.changed, held.asked) == (False, ["propfind 0"])
    else:
        assert (uids(second), held.asked) == ([], ["propfind 0", "propfind 1"])
    held.put("a", calendar("a", "20261207T020000Z"))
    held.delete("b")
    held.put("d", calendar("d"))
    held.asked.clear()
    third = look(held, second.bookmark)
    assert (uids(third), third.present) == (["a", "d"], {"a", "c", "d"})
    how = ["sync-collection 0"] if offers == "sync" else ["propfind 1"]
    assert held.asked == ["propfind 0", *how, "calendar-multiget"]


def test_a_token_that_the_server_forgot_means_a_whole_look():
    held = Collection()
    held.put("a", calendar("a"))
    first = look(held)
    held.forgets = True
    held.put("b", calendar("b"))
    held.delete("a")
    second = look(held, first.bookmark)
    assert (uids(second), second.present) == (["b"], {"b"})


def test_changes_that_come_in_pages_are_followed_to_the_last():
    held = Collection(page=1)
    held.put("a", calendar("a"))
    first = look(held)
    for name in ("b", "c"):
        held.put(name, calendar(name))
    held.delete("a")
    held.asked.clear()
    second = look(held, first.bookmark)
    assert (uids(second), second.present, second.bookmark.mark) == (["b", "c"], {"b", "c"}, "t:4")
    assert held.asked == ["propfind 0", *["sync-collection 0"] * 3, "calendar-multiget"]


def test_a_whole_look_is_asked_for_whatever_the_token_says():
    held = Collection()
    held.put("a", calendar("a"))
    first = look(held)
    held.asked.clear()
    second = look(held, first.bookmark, whole=True)
    assert (second.changed, second.present, held.asked) == (True, {"a"}, ["propfind 0", "propfind 1"])


def test_many_members_are_fetched_in_parts():
    held = Collection()
    for number in range(120):
        held.put(f"{number}", calendar(f"u{number}"))
    assert (len(look(held).read), held.asked.count("calendar-multiget")) == (120, 3)


def test_nothing_is_kept_of_members_that_the_filter_leaves_out():
    held = Collection()
    held.put("private-1", calendar("private-1"))
    found = look(held, wanted=Filter(word="billing"))
    assert (found.read, found.present, found.bookmark.members) == ((), frozenset(), {})


def test_one_odd_member_is_a_problem_and_leaves_the_others_alone():
    held = Collection()
    held.put("a", calendar("a"))
    held.put("b", calendar("b"))
    first = look(held)
    held.put("a", "<html></html>")
    held.put("b", calendar("b", "20261207T020000Z"))
    second = look(held, first.bookmark)
    assert (uids(second), second.present, [one.code for one in second.problems]) == (["b"], {"a", "b"}, ["odd-member"])


def test_a_member_that_is_listed_but_not_sent_is_no_sound_look():
    held = Collection()
    held.put("a", calendar("a"))
    held._calendar_multiget = lambda *_: []
    with pytest.raises(SourceUnread) as caught:
        look(held)
    assert caught.value.outcome == "broken-off"


def test_a_member_deleted_between_the_list_and_the_fetch_is_not_there():
    held = Collection()
    held.put("a", calendar("a"))
    listed = held._propfind("1", "")
    held.delete("a")
    held._propfind = lambda depth, body: listed if depth == "1" else Collection._propfind(held, depth, body)
    assert (look(held).read, look(held).present) == ((), frozenset())


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (HttpAnswer(200, {"content-type": "text/html"}, b"<html/>"), "not-calendar"),
        (HttpAnswer(207, {"content-type": "text/html"}, b"<html/>"), "not-calendar"),
        (HttpAnswer(207, XML, b""), "not-calendar"),
        (HttpAnswer(207, XML, b"<D:multistatus xmlns:D='DAV:'>"), "not-calendar"),
        (HttpAnswer(207, XML, b"<!DOCTYPE x [<!ENTITY e SYSTEM 'file:///etc/passwd'>]><x>&e;</x>"), "not-calendar"),
        (HttpAnswer(207, XML, "<!DOCTYPE x><x/>".encode("utf-16")), "not-calendar"),
        (HttpAnswer(207, XML, EMPTY), "not-calendar"),
        (HttpAnswer(401, {"www-authenticate": "Basic"}, b""), "sign-in"),
        (HttpAnswer(403, {}, b""), "answer 403"),
        (HttpAnswer(401, {}, b""), "sign-in"),
        (HttpAnswer(500, {}, b""), "answer 500"),
        (HttpAnswer(503, {"retry-after": "3600"}, b""), "answer 503"),
        (HttpAnswer(429, {"retry-after": "3600"}, b""), "answer 429"),
        (HttpAnswer(404, {}, b""), "not-calendar"),
    ],
    ids=lambda part: part if isinstance(part, str) else f"{part.status} {part.body[:12]}",
)
@pytest.mark.parametrize("where", ["propfind 0", "propfind 1", "sync-collection 0", "calendar-multiget"])
def test_a_bad_answer_at_any_step_is_never_a_look(answer, outcome, where):
    held = Collection()
    held.put("a", calendar("a"))
    bookmark = look(held).bookmark
    held.put("b", calendar("b"))
    whole, plain = where == "propfind 1", held.ask

    def ask(method, url, headers, body=b""):
        said = plain(method, url, headers, body)
        return answer if held.asked[-1] == where else said

    held.ask = ask
    if where == "sync-collection 0" and answer.status in {403, 404}:
        assert look(held, bookmark).present == {"a", "b"}  # the token is forgotten, so the whole is listed
        return
    if answer.body == EMPTY:
        if where == "sync-collection 0":
            assert look(held, bookmark).present == {"a", "b"}  # as if the token were forgotten
            return
        outcome = "not-calendar" if where == "propfind 0" else "broken-off"
    elif answer.status in {200, 404} and where != "propfind 0":
        outcome = f"answer {answer.status}"
    with pytest.raises(SourceUnread) as caught:
        look(held, bookmark, whole=whole)
    assert caught.value.outcome == outcome


def test_what_the_library_finds_odd_in_an_answer_does_not_reach_the_log(caplog):
    held = Collection()
    held.put("a", calendar("a"))
    plain = held._found
    held._found = lambda href, prop: plain(href, prop).replace("</D:response>", "<D:x>secret</D:x></D:response>")
    assert (look(held).present, caplog.records) == ({"a"}, [])


steps = st.lists(st.tuples(st.sampled_from("abcde"), st.integers(0, 3), st.booleans()), max_size=25)


@settings(max_examples=60)
@given(steps, st.sampled_from(["sync", "ctag", ""]), st.integers(1, 5))
def test_looks_in_between_add_up_to_what_is_there(changes, offers, page):
    held, bookmark, seen = Collection(offers, page), Bookmark(), {}
    for name, what, looks in [*changes, ("a", 0, True)]:
        if what == 3:
            if name in held.members:
                held.delete(name)
        else:
            held.put(name, calendar(f"uid-{name}", f"2026120{what + 1}T020000Z"))
        if looks:
            found = look(held, bookmark)
            bookmark = found.bookmark
            if found.changed:
                seen |= {piece.uid: piece.octets for piece in found.read}
                seen = {uid: octets for uid, octets in seen.items() if uid in found.present}
    whole = {piece.uid: piece.octets for piece in look(held).read}
    assert seen == whole
