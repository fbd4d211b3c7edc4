"""Random sequences of acts through all doors: after each, every door says the same of every closure.

CLOSURES_SEQUENCES says how many sequences (a few, if not given); each is drawn by a seed and the same in every run. A
sequence that fails is printed, and can be put into ``KNOWN`` as it stands; with CLOSURES_SHRINK=1 it is cut down first.
"""

import os
import random

import pytest

from tests.one_answer.acts import BY_CALENDAR, Api, Change, Edit, Put, Remove, Transfer, Withdraw, draw
from tests.one_answer.world import World

pytestmark = pytest.mark.slow

KNOWN = {
    "a series that a program renamed, told anew": [
        Api(user=0, gateway=0, time=5, uid=1, form="ics", weekly=True, dcc=False),
        Edit(user=0, which=0, what="rename", time=5, conditional=True),
        Api(user=0, gateway=0, time=6, uid=1, form="ics", weekly=True, dcc=False),
        Withdraw(user=0, which=1, page=False, dcc=False),
    ],
    "an occurrence that was withdrawn, in a series that moves": [
        Put(user=0, gateway=0, time=5, uid=0, weekly=True, conditional=True),
        Withdraw(user=0, which=1, page=True, dcc=True),
        Edit(user=0, which=0, what="rename", time=5, conditional=False),
        Put(user=0, gateway=0, time=6, uid=0, weekly=True, conditional=True),
    ],
    "a copy, and a change of gateway to where it stands": [
        Put(user=0, gateway=0, time=5, uid=0, weekly=False, conditional=False),
        Transfer(user=0, which=0, method="COPY"),
        Change(user=0, which=0, time=6, elsewhere=True, dcc=False),
        Remove(user=0, which=0),
    ],
    "a withdrawn closure pulled to the other gateway": [
        Api(user=1, gateway=0, time=4, uid=0, form="json", weekly=False, dcc=False),
        Withdraw(user=1, which=0, page=False, dcc=True),
        Change(user=1, which=0, time=5, elsewhere=True, dcc=True),
        Edit(user=1, which=0, what="confirm", time=5, conditional=True),
    ],
}
SEQUENCES = int(os.environ.get("CLOSURES_SEQUENCES", "4"))
ACTS = 12


def play(running, site, sequence):
    """Do acts in a world of their own; return what is wrong after the first that leaves something wrong."""
    world = World(running, site)
    try:
        for place, act in enumerate(sequence, 1):
            try:
                answer = act.do(world) or {}
                wrong = world.check(by_calendar=isinstance(act, BY_CALENDAR))
                wrong += world.acknowledged(answer)
            except AssertionError as failed:
                wrong = [str(failed)]
            if wrong:
                said = [f"    {one}," for one in sequence[:place]]
                return "\n".join([f"after act {place} of", *said, *wrong])
        return ""
    finally:
        world.close()


def cut_down(running, site, sequence):
    """Leave out, one by one, what the failure does not need."""
    for place in reversed(range(len(sequence))):
        shorter = [*sequence[:place], *sequence[place + 1 :]]
        if play(running, site, shorter):
            sequence = shorter
    return sequence


@pytest.mark.parametrize("sequence", KNOWN.values(), ids=KNOWN)
def test_what_once_went_wrong(running, calendar_site, database_url, sequence):
    wrong = play(running, calendar_site, sequence)
    assert not wrong, wrong


@pytest.mark.parametrize("seed", range(SEQUENCES))
def test_after_each_act_every_door_says_the_same(running, calendar_site, database_url, seed):
    sequence = draw(random.Random(seed), ACTS)
    wrong = play(running, calendar_site, sequence)
    if wrong and os.environ.get("CLOSURES_SHRINK"):
        wrong = play(running, calendar_site, cut_down(running, calendar_site, sequence))
    assert not wrong, wrong
