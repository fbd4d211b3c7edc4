"""What brings an Alertmanager in step, as a property: an Alertmanager of values that does as the real one does."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.refusal import CodeRefused
from app.domain.window import ClosureWindow
from app.jobs.alertmanager import HeldSilence
from app.jobs.silences import NO_STEPS, Steps, compare
from app.register.messages.silences import Matcher, Silence, SilencingRefused, read_matchers, read_silencing

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
ONE, TWO = (frozenset({Matcher("gateway", name, False, True)}) for name in ("GW-A1", "GW-A2"))


def made(reference, starts, ends, matchers=ONE):
    window = ClosureWindow(NOW + starts * MINUTE, NOW + ends * MINUTE)
    return Silence(matchers, window, f"{reference} GW-A1 ALPHA [id]")


class Server:
    """Holds silences: what has begun keeps its beginning, and is ended and made anew where that is to be another."""

    def __init__(self, held=()):
        self.held, self._ids = {one.id: one for one in held}, count(1000)

    def take(self, steps, now=NOW):
        for silence, held_id in steps.to_put:
            assert silence.window.ends > now
            before = self.held.get(held_id)
            if before is not None and self._may_change(before, silence, now):
                self.held[held_id] = replace(before, silence=silence)
                continue
            self.held.pop(held_id, None)
            starts = max(now, silence.window.starts)
            held = replace(silence, window=ClosureWindow(starts, silence.window.ends))
            new = f"s{next(self._ids)}"
            self.held[new] = HeldSilence(new, held, has_begun=starts <= now)
        for held_id in steps.to_end:
            del self.held[held_id]

    def _may_change(self, before, silence, now):
        if before.silence.matchers != silence.matchers:
            return False
        same = before.silence.window.starts == silence.window.starts
        return same if before.has_begun else silence.window.starts >= now


def silences(reference):
    spans = st.tuples(st.integers(-90, 90), st.integers(1, 90)).filter(lambda span: sum(span) > 1)
    return st.builds(
        lambda span, matchers: made(reference, span[0], sum(span), matchers), spans, st.sampled_from([ONE, TWO])
    )


references = st.sampled_from(["CN-0000000001", "CN-0000000002", "CN-0000000003", "CN-0000000004"])
wanted_ones = st.lists(references, unique=True).flatmap(
    lambda names: st.fixed_dictionaries({name: silences(name) for name in names})
)
held_ones = st.lists(references.flatmap(silences), max_size=8).map(
    lambda found: [HeldSilence(f"s{number}", one, one.window.starts <= NOW) for number, one in enumerate(found)]
)


@given(wanted_ones, held_ones)
def test_whatever_is_held_becomes_what_is_wanted_in_one_turn(wanted, held):
    server = Server(held)
    server.take(compare(wanted, held, NOW))
    found = {one.silence.comment.split()[0]: one.silence for one in server.held.values()}
    assert len(server.held) == len(found)
    assert {name: (one.matchers, one.window.ends, one.comment) for name, one in found.items()} == {
        name: (one.matchers, one.window.ends, one.comment) for name, one in wanted.items()
    }
    # What is to have begun has, and what is ahead begins when it is to.
    assert {name: max(NOW, one.window.starts) for name, one in found.items()} == {
        name: max(NOW, one.window.starts) for name, one in wanted.items()
    }
    assert compare(wanted, server.held.values(), NOW) == NO_STEPS


@given(wanted_ones)
def test_what_is_right_is_left_alone_and_nothing_is_made_twice(wanted):
    server = Server()
    server.take(compare(wanted, [], NOW))
    before = dict(server.held)
    assert compare(wanted, before.values(), NOW) == NO_STEPS
    assert compare({}, before.values(), NOW) == Steps((), tuple(sorted(before)))


def test_a_silence_whose_end_moves_keeps_its_id_and_its_beginning():
    begun = HeldSilence("s1", made("CN-0000000001", -30, 60), has_begun=True)
    longer = made("CN-0000000001", -90, 120)
    steps = compare({"CN-0000000001": longer}, [begun], NOW)
    assert steps == Steps(((made("CN-0000000001", -30, 120), "s1"),), ())


def test_nothing_is_asked_of_what_ends_by_itself():
    over = HeldSilence("s1", made("CN-0000000001", -60, 0), has_begun=True)
    near = HeldSilence("s2", made("CN-0000000002", -60, 2), has_begun=True)
    wanted = {"CN-0000000002": made("CN-0000000002", -60, 1), "CN-0000000003": made("CN-0000000003", -60, 1)}
    assert compare(wanted, [over, near], NOW) == NO_STEPS


def test_a_server_whose_clock_is_behind_has_not_begun_what_has():
    held = HeldSilence("s1", made("CN-0000000001", -1, 60), has_begun=False)
    assert compare({"CN-0000000001": held.silence}, [held], NOW) == NO_STEPS
    ahead = HeldSilence("s1", made("CN-0000000001", 90, 120), has_begun=True)
    wanted = made("CN-0000000001", -1, 60)
    assert compare({"CN-0000000001": wanted}, [ahead], NOW) == Steps(((wanted, "s1"),), ())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('gateway="{gateway}"', {("gateway", "{gateway}", False, True)}),
        (
            ' gateway = {gateway} ,site!="a\\"b\\\\\\n"',
            {("gateway", "{gateway}", False, True), ("site", 'a"b\\\n', False, False)},
        ),
        ('gateway=~"(?i){gateway}|x{gateway}{1,2}",', {("gateway", "(?i){gateway}|x{gateway}{1,2}", True, True)}),
        (
            'job!~"a,b|\\d+",gateway="{gateway}"',
            {("job", "a,b|\\d+", True, False), ("gateway", "{gateway}", False, True)},
        ),
    ],
)
def test_matchers_are_read_as_alertmanager_writes_them(text, expected):
    assert read_matchers(text) == {Matcher(*one) for one in expected}


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "gateway", "{gateway}", 'gateway="{gateway}', "gateway={gateway} x", "1a={gateway}", 'gateway=="{gateway}"',
        'a="b"', 'gateway!="{gateway}"', 'gateway!~"{gateway}"', 'gateway=~".*|{gateway}"', 'gateway=~"({gateway})?"',
        'gateway=~"{gateway}("', 'gateway=~"(?={gateway})x"', 'gateway=~"({gateway})\\1"', 'gateway=~"{gateway}",b=~"[", ',
    ],
)  # fmt: skip
def test_matchers_that_mute_others_or_say_nothing_are_refused(text):
    with pytest.raises(SilencingRefused):
        read_matchers(text)


@pytest.mark.parametrize(
    ("address", "expected", "sign_in"),
    [
        ("https://am.example", "https://am.example", ""),
        (" https://am.example:8443/prefix/ ", "https://am.example:8443/prefix", ""),
        ("https://ops:p%40ss@am.example/x", "https://am.example/x", "ops:p%40ss"),
        ("https://t0ken@am.example/x@y", "https://am.example/x@y", "t0ken"),
    ],
)
def test_the_sign_in_is_taken_out_of_the_address(address, expected, sign_in):
    found, silencing = read_silencing(address, 'gateway="{gateway}"', ["gw-a1"])
    assert (found, silencing.sign_in, silencing.gateways) == (expected, sign_in, {"GW-A1"})


@pytest.mark.parametrize(
    "address",
    ["https://am.example?x", "https://am.example/#x", "https://a%0d:b@am.example", "https://%C3%A4@am.example"],
)
def test_an_address_that_cannot_be_one_is_refused(address):
    with pytest.raises(SilencingRefused):
        read_silencing(address, 'gateway="{gateway}"', [])
    with pytest.raises(CodeRefused):
        read_silencing("https://am.example", 'gateway="{gateway}"', ["?"])
