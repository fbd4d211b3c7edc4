"""Random sequences of acts through all doors: after each, every door says the same of every closure.

CLOSURES_SEQUENCES says how many sequences (a few, if not given); each is drawn by a seed and the same in every run. A
sequence that fails is printed, and can be put into ``KNOWN`` as it stands; with CLOSURES_SHRINK=1 it is cut down first.
"""

import os
import random

import pytest

from tests.one_answer.acts import *  # noqa: F403 - a sequence is written by their names
from tests.one_answer.acts import BY_CALENDAR, draw
from tests.one_answer.world import World

SEQUENCES = int(os.environ.get("CLOSURES_SEQUENCES", "4"))
ACTS = 12


def play(running, site, sequence):
    """Do acts in a world of their own; return what is wrong after the first that leaves something wrong."""
    world = World(running, site)
    try:
        for place, act in enumerate(sequence, 1):
            try:
                act.do(world)
                wrong = world.check(by_calendar=isinstance(act, BY_CALENDAR))
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


@pytest.mark.parametrize("seed", range(SEQUENCES))
def test_after_each_act_every_door_says_the_same(running, calendar_site, database_url, seed):
    sequence = draw(random.Random(seed), ACTS)
    wrong = play(running, calendar_site, sequence)
    if wrong and os.environ.get("CLOSURES_SHRINK"):
        wrong = play(running, calendar_site, cut_down(running, calendar_site, sequence))
    assert not wrong, wrong
