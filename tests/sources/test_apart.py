"""What the web process does to try a source: it looks in a process of its own, and comes to the same."""

import stat
import subprocess
import sys

import pytest

from app.pulling.apart import LookRequest, look_apart, look_here
from app.pulling.fetch import Bookmark
from app.pulling.fetch_failure import SourceUnread
from app.pulling.split_by_uid import Filter


def asked(url, *, allow_private=True, password="correct horse"):
    return LookRequest(allow_private, url, "alpha", password, "", Bookmark(), Filter(), whole=False)


def test_a_file_is_looked_at_alike(site, an_event, a_calendar):
    site.show(a_calendar(an_event("u1", "20261206T020000Z")), ETag='"1"')
    found = look_apart(asked(site.url))
    assert ([piece.uid for piece in found.read], found) == (["u1"], look_here(asked(site.url)))


def test_a_collection_is_looked_at_alike(peer, an_event, a_calendar):
    if peer.tls:  # its certificate is known to nobody but the test
        with pytest.raises(SourceUnread) as unread:
            look_apart(asked(peer.url))
        assert unread.value.outcome == look_here(asked(peer.url)) == "unreachable"
        return
    peer.put("apart.ics", a_calendar(an_event("apart", "20261206T020000Z")))
    found, expected = look_apart(asked(peer.url)), look_here(asked(peer.url))
    peer.delete("apart.ics")
    assert ("apart" in found.present, found) == (True, expected)


@pytest.mark.parametrize(
    ("answer", "allow_private", "outcome"),
    [((500, {}, b""), True, "answer 500"), ((404, {}, b""), True, "answer 404"), ((200, {}, b""), False, "address")],
)
def test_why_nothing_was_taken_comes_back(site, answer, allow_private, outcome):
    site.answer = lambda _method, _headers: answer
    with pytest.raises(SourceUnread) as unread:
        look_apart(asked(site.url, allow_private=allow_private))
    assert unread.value.outcome == outcome


LOOK = """
import sys
from app.pulling.apart import LookRequest, look_apart
from app.pulling.fetch import Bookmark
from app.pulling.split_by_uid import Filter
look_apart(LookRequest(True, sys.argv[1], "", "", "", Bookmark(), Filter(), whole=False))
print(sorted({"caldav", "niquests", "requests"} & set(sys.modules)))
"""


def test_whoever_asks_loads_no_caldav_client(site, an_event, a_calendar):
    site.show(a_calendar(an_event("u1", "20261206T020000Z")))
    done = subprocess.run([sys.executable, "-c", LOOK, site.url], capture_output=True, text=True, check=True)
    assert (done.stdout, site.asked) == ("[]\n", ["PROPFIND", "GET"])


def test_no_setting_of_ours_goes_along_and_a_process_that_fails_is_no_news(tmp_path, monkeypatch):
    program = tmp_path / "python"
    program.write_text(f"#!/bin/sh\nenv > {tmp_path}/environment\nexit 1\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setattr(sys, "executable", str(program))
    monkeypatch.setenv("CLOSURES_KEK", "ab" * 32)
    with pytest.raises(SourceUnread) as unread:
        look_apart(asked("https://example.org/"))
    kept = (tmp_path / "environment").read_text()
    assert (unread.value.outcome, "PATH=" in kept, "CLOSURES_" in kept) == ("broken-off", True, False)
