"""Entries to render: a plain one to vary, and every one there could be."""

import json
import shutil
import subprocess
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import strategies as st

from feeds.entry import FeedEntry, Publisher

ICAL_JS = "ical.js@2.2.1"
PLANNED = FeedEntry(
    reference="CN-7F3K9QZ0AB",
    user_code="ALPHA",
    user_name="Alpha Energy",
    gateway_code="GW-ALPHA-1",
    gateway_name="Main gateway",
    starts=datetime(2026, 12, 6, 2, tzinfo=UTC),
    ends=datetime(2026, 12, 6, 6, tzinfo=UTC),
    withdrawn=False,
    sequence=1,
    created=datetime(2026, 10, 27, 9, 30, 15, tzinfo=UTC),
    changed=datetime(2026, 10, 28, 10, 31, 16, 999_999, tzinfo=UTC),
    notice_days=27,
    first_notice_days=27,
    recommended_days=20,
    band=">=20",
    short_notice=False,
    late_change=False,
    moves=0,
    moved_from_starts=None,
    moved_from_ends=None,
)


@pytest.fixture(scope="session")
def planned():
    return PLANNED


@pytest.fixture(scope="session")
def publisher():
    return Publisher("Closure notices", "notices@closures.example", "https://closures.example", "closures.example")


@pytest.fixture(scope="session")
def run_ical_js(tmp_path_factory):
    """Run a script over octets in a folder in which node finds ical.js; it answers JSON.

    It is fetched for this run, since nothing of it is needed to run the service.
    """
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        pytest.skip("NOT TESTED: no JavaScript parser has read what leaves (node and npm are not installed)")
    folder = tmp_path_factory.mktemp("ical-js")
    (folder / "package.json").write_text('{"private": true}')
    fetch = [npm, "install", "--no-audit", "--no-fund", "--ignore-scripts", "--fetch-retries=0", ICAL_JS]
    try:
        subprocess.run(fetch, cwd=folder, capture_output=True, timeout=60, check=True)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
        pytest.skip(f"NOT TESTED: no JavaScript parser has read what leaves (npm could not fetch {ICAL_JS})")

    def run(script, octets):
        (folder / "read.mjs").write_text(script)
        done = subprocess.run(
            [node, "read.mjs"], cwd=folder, input=octets, capture_output=True, timeout=60, check=False
        )
        assert done.returncode == 0, done.stderr.decode()
        return json.loads(done.stdout)

    return run


def _instants():
    naive = st.datetimes(datetime(2000, 1, 1), datetime(2060, 1, 1), allow_imaginary=False)
    # Midnights and the instants beside them are where a feed may change.
    near_midnight = st.builds(
        lambda day, beside: day.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(microseconds=beside),
        naive,
        st.integers(-1, 1),
    )
    return st.one_of(naive, near_midnight).map(lambda instant: instant.replace(tzinfo=UTC))


@st.composite
def _entries(draw):
    codes = st.from_regex(r"[A-Z0-9][A-Z0-9_-]{0,31}", fullmatch=True)
    starts = draw(_instants())
    lasts = st.timedeltas(timedelta(microseconds=1), timedelta(days=40))
    moved_starts = draw(st.none() | _instants())
    days = st.integers(0, 300)
    return FeedEntry(
        reference="CN-" + draw(st.text("0123456789ABCDEFGHJKMNPQRSTVWXYZ", min_size=10, max_size=10)),
        user_code=draw(codes),
        user_name=draw(st.text(max_size=220)),
        gateway_code=draw(codes),
        gateway_name=draw(st.text(max_size=20)),
        starts=starts,
        ends=starts + draw(lasts),
        withdrawn=draw(st.booleans()),
        sequence=draw(st.integers(0, 10_000)),
        created=draw(_instants()),
        changed=draw(_instants()),
        notice_days=draw(days),
        first_notice_days=draw(days),
        recommended_days=draw(st.integers(1, 60)),
        band=draw(st.sampled_from([">=20", "10-19", "5-9", "2-4", "<2", "after start", "after end"])),
        short_notice=draw(st.booleans()),
        late_change=draw(st.booleans()),
        moves=draw(st.integers(0, 100)),
        moved_from_starts=moved_starts,
        moved_from_ends=None if moved_starts is None else moved_starts + draw(lasts),
    )


@pytest.fixture(scope="session")
def entries():
    """Every entry there could be, as a hypothesis strategy to draw from."""
    return _entries()
