"""A request in pieces: when it is whole, what is handed over of it, and what is refused before anybody waits."""

import pytest
from gunicorn.config import Config
from gunicorn.http.errors import (
    InvalidChunkSize,
    InvalidHeader,
    InvalidRequestLine,
    LimitRequestHeaders,
    UnsupportedTransferCoding,
)

from app.arrival.message import LARGEST_BODY, LARGEST_HEAD, Arrival

GET = b"GET /livez HTTP/1.1\r\nHost: a\r\n\r\n"
PUT = b"PUT /x HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"
CHUNKED = b"PUT /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
IN_CHUNKS = CHUNKED + b"2;a=b\r\nhe\r\n3\r\nllo\r\n0\r\nX-After: 1\r\n\r\n"


def arrival(*pieces):
    one = Arrival(Config(), ("127.0.0.1", 1))
    for piece in pieces:
        one.take(piece)
    return one


def body_of(one):
    return next(one).body.read()


@pytest.mark.parametrize(
    ("octets", "body"), [(GET, b""), (PUT, b"hello"), (IN_CHUNKS, b"hello"), (CHUNKED + b"0\r\n\r\n", b"")]
)
@pytest.mark.parametrize("behind", [b"", GET], ids=["alone", "another-behind"])
def test_a_request_is_whole_with_its_last_octet_and_not_before(octets, body, behind):
    for cut in range(len(octets)):
        early = arrival(octets[:cut])
        assert (early.is_whole, early.head_is_read) == (False, cut >= octets.index(b"\r\n\r\n") + 4)
        early.take(octets[cut:] + behind)
        assert (early.is_whole, body_of(early), bytes(early.octets)) == (True, body, behind)


@pytest.mark.parametrize("octets", [GET, PUT, IN_CHUNKS])
def test_a_request_may_come_octet_by_octet(octets):
    slow = arrival(*(octets[at : at + 1] for at in range(len(octets))))
    at_once = arrival(octets)
    assert (slow.is_whole, next(slow).headers, body_of(slow)) == (True, next(at_once).headers, body_of(at_once))


@pytest.mark.parametrize(
    ("octets", "fault"),
    [
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", InvalidHeader),
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n", InvalidHeader),
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", InvalidHeader),
        (b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n", UnsupportedTransferCoding),
        (b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", InvalidHeader),
        (b"GET / HTTP/1.1\n", InvalidRequestLine),
        (b"GET / HTTP/1.1\r\nHost: a\n", InvalidHeader),
        (b"GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n", InvalidHeader),
        (b"\r\n\r\n", InvalidRequestLine),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * LARGEST_HEAD, LimitRequestHeaders),
        (b"GET / HTTP/1.1\r\nHost: a\r\n" + 5 * (b"X: " + b"a" * 8_000 + b"\r\n") + b"\r\n", LimitRequestHeaders),
        (b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X: aaaaaaa\r\n" * (LARGEST_HEAD // 12) + b"\r\n", LimitRequestHeaders),
    ],
)
def test_what_is_no_request_is_refused_at_once(octets, fault):
    one = arrival(octets)
    assert one.is_whole
    with pytest.raises(fault):
        next(one)


@pytest.mark.parametrize(
    "chunks", [b"-5\r\n", b"0x2\r\nhe\r\n", b"zz\r\n", b" 2\r\nhe\r\n", b"2" * 9_000, b"fffffffff\r\n"]
)
def test_what_is_no_chunk_waits_for_nothing_and_ends_the_connection(chunks):
    one = arrival(CHUNKED + chunks)
    request = next(one)
    assert (one.is_whole, request.should_close(), bytes(one.octets)) == (True, True, b"")
    with pytest.raises((InvalidChunkSize, OSError)):
        request.body.read()


def test_a_body_announced_as_more_than_anybody_sends_is_answered_without_it():
    one = arrival(
        b"PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n" % (LARGEST_BODY + 1)
    )
    assert (one.is_whole, next(one).should_close(), one.wants_a_nod) == (True, True, False)


def test_chunks_without_end_are_answered_without_the_rest():
    one = arrival(CHUNKED)
    while not one.is_whole:
        one.take(b"10000\r\n" + b"a" * 65_536 + b"\r\n")
    request = next(one)
    assert (request.should_close(), len(request.body.read(LARGEST_BODY - 65_536))) == (True, LARGEST_BODY - 65_536)


@pytest.mark.parametrize(
    ("version", "body", "wanted"),
    [(b"1.1", b"", True), (b"1.1", b"he", True), (b"1.1", b"hello", False), (b"1.0", b"", False)],
)
def test_who_waits_for_a_nod_gets_one_while_the_body_is_not_here(version, body, wanted):
    one = arrival(
        b"PUT / HTTP/" + version + b"\r\nHost: a\r\nExpect: 100-Continue\r\nContent-Length: 5\r\n\r\n" + body
    )  # fmt: skip
    assert one.wants_a_nod is wanted
