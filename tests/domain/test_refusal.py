import pytest

from app.domain import refusal
from app.domain.refusal import IntakeProblem, NoticeUnreadable, Refusal, sentence_of, size_words

CODES = {
    "Refusal": "refused",
    "WindowRefused": "window",
    "CodeRefused": "code",
    "TimeRefused": "time",
    "Unknown": "unknown",
    "AlreadyThere": "already-there",
    "AccessRefused": "access",
    "NoticeTooLarge": "too-large",
    "NoticeUnreadable": "unreadable",
    "NoticeCompressed": "compressed",
    "PolicyRefused": "policy",
    "StoreFull": "store-full",
    "StoreBusy": "store-busy",
    "StoreAway": "store-busy",
    "Deposed": "deposed",
    "StoreUncertain": "store-uncertain",
    "StoreUnfit": "store-unfit",
    "BackupRefused": "backup",
    "Shredded": "shredded",
}


def test_every_refusal_has_its_stable_code():
    kinds = [value for value in vars(refusal).values() if isinstance(value, type) and issubclass(value, Refusal)]
    assert {kind.__name__: kind.code for kind in kinds} == CODES


@pytest.mark.parametrize("name", CODES)
def test_a_refusal_carries_its_text_and_remedy(name):
    refused = getattr(refusal, name)("It is so.", "Do this.")
    assert (refused.text, refused.remedy, str(refused)) == ("It is so.", "Do this.", "It is so. Do this.")
    assert refused.args == ("It is so. Do this.",)


def test_a_refusal_without_remedy_reads_as_one_sentence():
    refused = Refusal("It is so.")
    assert (refused.text, refused.remedy, str(refused)) == ("It is so.", "", "It is so.")


def test_an_unreadable_notice_names_each_problem():
    problem = IntakeProblem("The end is before the start.", "Correct DTEND.", 88, "DTEND", "end-before-start")
    refused = NoticeUnreadable("Nothing could be read.", "See the problems.", (problem,))
    assert refused.problems == (problem,)
    assert (refused.text, refused.remedy) == ("Nothing could be read.", "See the problems.")
    bare = NoticeUnreadable("Nothing could be read.")
    assert (bare.problems, bare.remedy) == ((), "")


@pytest.mark.parametrize(
    ("facts", "sentence"),
    [
        ({}, "It is so. Do this."),
        ({"line": 8}, "Line 8: It is so. Do this."),
        ({"property": "VTODO"}, "VTODO: It is so. Do this."),
        ({"line": 8, "property": "DTEND"}, "Line 8, DTEND: It is so. Do this."),
        ({"event": "Works, 2026-12-06"}, "Works, 2026-12-06: It is so. Do this."),
        ({"line": 8, "event": "Works, 2026-12-06"}, "Line 8 (Works, 2026-12-06): It is so. Do this."),
    ],
)
def test_a_problem_is_one_sentence_wherever_it_is(facts, sentence):
    assert sentence_of(IntakeProblem("It is so.", "Do this.", **facts)) == sentence


def test_a_problem_needs_only_text_and_remedy():
    problem = IntakeProblem("It is so.", "Do this.")
    assert (problem.line, problem.property, problem.code, problem.event) == (None, None, "unreadable", "")


@pytest.mark.parametrize(
    ("octets", "words"),
    [(1_000_000, "1 MB"), (1_500_000, "1.5 MB"), (16_000, "16 kB"), (12_345, "12.3 kB"), (1_000, "1 kB"), (1, "1 byte"),
     (999, "999 bytes"), (0, "0 bytes"), (999_999, "1 MB")],
)  # fmt: skip
def test_sizes_are_worded_as_people_read_them(octets, words):
    assert size_words(octets) == words
