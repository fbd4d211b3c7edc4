"""By which signatures a mail is taken for its sender's, with keys served by DNS on loopback."""

from datetime import UTC, datetime, timedelta
from string import ascii_lowercase, ascii_uppercase, digits

import dkim
import pytest

from app.pulling.mail_origin import DnsAway, find_signature, keys_from
from tests.mailbox.conftest import new_key

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
ANNA = "anna@alpha.example"
SIXTY_FOUR = (ascii_uppercase + ascii_lowercase + digits + "+/").encode()


@pytest.fixture
def holds(name_server):
    """Return a function that tells whether a mail is taken for its sender's."""
    ask = keys_from(name_server.address)
    return lambda octets, sender=ANNA, now=NOW: find_signature(octets, sender, ask, now) is not None


@pytest.fixture
def signed_of(name_server):
    """Return a function that returns what is signed of a mail."""
    ask = keys_from(name_server.address)
    return lambda octets: find_signature(octets, ANNA, ask, NOW)


def restated(octets, old, new):
    """Return a mail with something else in its signature: what was changed breaks it too, so see who looks first."""
    assert old in octets
    return octets.replace(old, new, 1)


def test_what_its_domain_signed_is_its_senders(write, sign, holds):
    assert holds(sign(write()))


def test_so_is_what_the_domain_above_signed(write, sign, holds):
    assert holds(sign(write(sender="anna@it.alpha.example")), "anna@it.alpha.example")


@pytest.mark.parametrize(
    "sender", ["anna@beta.example", "anna@notalpha.example", "anna@alpha.example.org", "anna@example"]
)
def test_no_other_domain_signs_for_it(write, sign, holds, name_server, sender):
    assert not holds(sign(write(sender=sender)), sender)
    assert name_server.asked == []


def test_a_top_level_domain_signs_for_nobody(write, sign, holds, name_server, keys):
    name_server.records["s1._domainkey.example"] = keys[1]
    assert not holds(sign(write(), domain="example"))


def test_an_unsigned_mail_is_nobodys(write, holds):
    assert not holds(write())


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"See below.", b"See above."),
        (b"From: anna@alpha.example", b"From: otto@alpha.example"),
        (b"Subject: Gateway closed", b"Subject: Gateway open"),
    ],
)
def test_what_was_changed_on_its_way_is_nobodys(write, sign, holds, old, new):
    octets = sign(write())
    assert not holds(restated(octets, old, new))


@pytest.mark.parametrize(
    "more",
    [b"From: otto@alpha.example\r\n", b"Content-Type: text/calendar\r\n", b"Content-Transfer-Encoding: base64\r\n"],
)
def test_a_header_by_which_a_mail_is_read_stands_once(write, sign, holds, more):
    octets = sign(write(), include_headers=[b"from", b"subject"])
    assert holds(octets)
    assert not holds(more + octets) or more.startswith(b"Content-Transfer")  # it had none: one is no second
    assert not holds(more + more + octets)


def test_a_signature_over_a_part_of_the_body_is_none(write, sign, holds):
    assert not holds(sign(write(), length=True))


@pytest.fixture
def restate(sign, monkeypatch):
    """Return a function that signs with other tags, and over other headers, than the library would."""

    def signed(octets, *more, over=None):
        made = dkim.DKIM.gen_header

        def restated(self, fields, headers, *rest):
            over_all = [(name, b":".join(over) if over and name == b"h" else value) for name, value in fields]
            return made(self, [*over_all[:-2], *more, *over_all[-2:]], over or headers, *rest)

        with monkeypatch.context() as patch:
            patch.setattr(dkim.DKIM, "gen_header", restated)
            return sign(octets)

    return signed


def test_a_signature_that_is_not_over_from_is_none(write, restate, holds):
    assert not holds(restate(write(), over=[b"subject", b"date"]))
    assert holds(restate(write(), over=[b"subject", b"from"]))


def test_a_signature_ends_when_it_says(write, restate, holds):
    ends = str(int((NOW + timedelta(days=3650)).timestamp())).encode()
    octets = restate(write(), (b"x", ends))
    assert holds(octets)
    assert not holds(octets, now=NOW + timedelta(days=3650, seconds=1))
    assert not holds(octets.replace(b"x=" + ends, b"x=never"))


def test_a_short_key_signs_for_nobody(write, sign, holds, name_server):
    for bits, stands in ((1024, True), (512, False)):
        try:
            private, record = new_key(bits)
        except ValueError:  # the library makes none so short: this one was made elsewhere, and is no secret
            private, record = SHORT
        name_server.records["short._domainkey.alpha.example"] = record
        assert holds(sign(write(), private=private, selector="short")) is stands


SHORT = (
    b"""-----BEGIN RSA PRIVATE KEY-----
MIIBOgIBAAJBALTlgJnwyh7Omzr5ZwytngEHiUHTAMU1aI4bPJ/QNk41Ut4f3fRj
CuKT5k4luN5C9fpyYeEbqDlcS99wfRs99nECAwEAAQJAJLxasmho03rHoWFWoQd9
B9587EYqaOIguoMje5zv+k+YWABW7aki0bsN6IbLHt2phTV1v0rCgvnKYFxgXd8A
AQIhAOQjVwJdJ/lfJ7J/zt71NA/YFJ9+CVonp1FpWwUKA/ZxAiEAyv0ryQdjrwg+
VWYIdKnRPjbaHXhRCM8DVd0SyAXaAAECIACTCjQKUgBxueLcKYQsL95eV+by5Ukh
0m0FC+KeXNYxAiEAldbGkHFk8xpZsP5NdZi5PXyOCzz6TE9LfgFf0MkJAAECIDg1
dYxpN0I1yuRFo+Pvk21QEV3WGbR24kwKF0el8CEA
-----END RSA PRIVATE KEY-----
""",
    b"v=DKIM1; k=rsa; p=MFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBALTlgJnwyh7Omzr5ZwytngEHiUHTAMU1aI4bPJ/QNk41Ut4f3fRjCuKT5k4luN5C9fpyYeEbqDlcS99wfRs99nECAwEAAQ==",
)


@pytest.mark.parametrize(
    "record", [b"", b"v=DKIM1; p=", b"v=DKIM1; k=rsa; p=!!", b"v=DKIM1; k=dsa; p=AAAA", b"p", b"v=DKIM2; p=AAAA"]
)
def test_a_key_that_is_none_signs_for_nobody(write, sign, holds, name_server, record):
    name_server.records["s1._domainkey.alpha.example"] = record or b" "
    assert not holds(sign(write()))


def test_a_key_in_testing_or_taken_away_signs_for_nobody(write, sign, holds, name_server, keys):
    octets = sign(write())
    name_server.records["s1._domainkey.alpha.example"] = keys[1] + b"; t=y:s"
    assert not holds(octets)
    del name_server.records["s1._domainkey.alpha.example"]
    assert not holds(octets)


def test_sha1_signs_for_nobody(write, sign, holds):
    assert not holds(sign(write(), signature_algorithm=b"rsa-sha1"))


def test_the_second_signature_may_be_the_one(write, sign, holds, name_server):
    octets = sign(sign(write()), domain="list.example")
    assert holds(octets)
    assert name_server.asked == ["s1._domainkey.alpha.example"]


def test_no_more_than_five_are_looked_at(write, sign, holds):
    octets = sign(write())
    assert not holds(b"DKIM-Signature: v=1\r\n" * 5 + octets)
    assert holds(b"DKIM-Signature: v=1\r\n" * 4 + octets)


def test_where_no_name_server_answers_nothing_is_known_yet(write, sign, holds, name_server):
    name_server.failing.add("s1._domainkey.alpha.example")
    with pytest.raises(DnsAway):
        holds(sign(write()))


@pytest.mark.parametrize(
    "octets",
    [
        b"", b" folded\r\n\r\n", b"no header\r\n\r\n", b"DKIM-Signature: \xff=\r\n\r\n", b"DKIM-Signature: a=rsa-sha256\r\n",
        b"DKIM-Signature: v=1; a=rsa-sha256; h=from; d=alpha.example; s=" + b"a" * 300 + b"; bh=AA; b=AA; c=x/y\r\nFrom: a\r\n\r\n",
        b"DKIM-Signature: v=1; a=rsa-sha256; h=from; d=alpha.example; s=..; bh=AA==; b=AA==\r\nFrom: a\r\n\r\n",
        b"DKIM-Signature: v=1; a=rsa-sha256; h=from; d=alpha.example; s=\xc3\xa9; bh=AA==; b=AA==\r\nFrom: a\r\n\r\n",
    ],
)  # fmt: skip
def test_a_made_up_signature_is_none(holds, octets):
    assert not holds(octets)


def test_headers_have_an_end(write, sign, holds):
    octets = sign(write(calendar=None))
    assert holds(b"X-Long: a" + b"\r\n b" * 20_000 + b"\r\n" + octets)
    assert not holds(b"X-Long: a" + b"\r\n b" * 30_000 + b"\r\n" + octets)


def test_a_run_of_blanks_costs_no_time(write, sign, holds):
    assert not holds(sign(write(calendar=None) + b" " * 250 + b"\r\n"))
    assert holds(sign(write(calendar=None) + b" " * 249 + b"\r\n"))


def test_what_is_signed_is_the_same_in_each_copy(write, sign, signed_of):
    octets = sign(write(), canonicalize=(b"relaxed", b"relaxed"))
    first, last = octets.index(b"a=rsa-sha256;"), octets.index(b"==\r\nFrom:") - 1
    on_its_way = b"Received: from a.example by b.example\r\nDelivered-To: notices+GW-A2@closures.example\r\n"
    copies = [
        on_its_way + octets,
        octets[:first] + b"  \t " + octets[first:],  # a relaxed signature fits with any number of blanks
        octets.replace(b"h=from : to", b"h=from  :   to", 1),
        octets.replace(b"Subject: Gateway closed", b"subject:   Gateway  closed"),
        octets[:last] + SIXTY_FOUR[SIXTY_FOUR.index(octets[last]) ^ 1 :][:1] + octets[last + 1 :],  # the same value
        octets + b"\r\n\r\n",
    ]
    assert len({octets, *copies}) == 7
    assert {signed_of(copy) for copy in copies} == {signed_of(octets)} != {b""}


def test_what_is_signed_of_two_mails_is_not(write, sign, signed_of):
    assert signed_of(sign(write())) != signed_of(sign(write(number=2)))
    without = [sign(write(number=number), include_headers=[b"from", b"subject"]) for number in (1, 2)]
    assert [signed_of(octets) for octets in without] == [b"", b""]
