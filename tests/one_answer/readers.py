"""What each door says of closures: one function for a door, and the same value from all of them.

A reader returns ``{reference: Seen}``; a fact is None where its door does not say it.
"""

import csv
import io
import json
import re
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from html import unescape
from zoneinfo import ZoneInfo

import icalendar

SPAN = timedelta(days=30), timedelta(days=500)  # all that these tests plan; feeds, too, look back so far
STATES = {"planned": "planned", "withdrawn": "withdrawn", "finished": "expired"}  # on pages: as JSON has it
REFERENCE = r"CN-[0-9A-HJKMNP-TV-Z]{10}"
_WHEN_UTC = re.compile(r"(\d{4}-\d\d-\d\d) (\d\d:\d\d) to (?:(\d{4}-\d\d-\d\d) )?(\d\d:\d\d) UTC")
_ONE_DAY = re.compile(r"\w{3} (\d+ \w{3} \d{4}) (\d\d:\d\d)-(\d\d:\d\d) (GMT|BST)")
_TWO_DAYS = re.compile(r"\w{3} (\d+ \w{3} \d{4} \d\d:\d\d) (GMT|BST) to \w{3} (\d+ \w{3} \d{4} \d\d:\d\d) (GMT|BST)")
_LONDON = ZoneInfo("Europe/London")
_DIFFERENCES = {"early", "over time", "on plan", "not taken place"}
_OFFSETS = {"GMT": "+0000", "BST": "+0100"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A closure as a door shows it; times are aware UTC.

    ``notice`` are Working Days before the times that stand, ``first_notice`` those before the times first told.
    """

    reference: str
    user: str | None = None
    gateway: str | None = None
    starts: datetime | None = None
    ends: datetime | None = None
    state: str | None = None
    is_withdrawn: bool | None = None
    closed_now: bool | None = None
    revision: int | None = None
    moves: int | None = None
    notice: int | None = None
    first_notice: int | None = None
    band: str | None = None
    short_notice: bool | None = None
    late_change: bool | None = None
    planned_ends: datetime | None = None
    provisional: bool | None = None
    difference: str | None = None


def differences(door, seen, whole):
    """Say what a door says otherwise than ``whole`` of the same closures, and which of those there it lacks."""
    if seen.keys() != whole.keys():
        return [f"{door} shows {sorted(seen)}, while there are {sorted(whole)}"]
    return [
        f"{door}: {name} of {reference} is {said}, elsewhere {known}"
        for reference, one in seen.items()
        for (name, said), known in zip(asdict(one).items(), asdict(whole[reference]).values(), strict=True)
        if None not in (said, known) and said != known
    ]


# The API, the command line and sheets: one closure JSON.


def seen_in(facts):
    """Read the closure JSON."""
    state = facts.get("state")
    return Seen(
        reference=facts["reference"],
        user=facts.get("user"),
        gateway=facts.get("gateway"),
        starts=_utc(facts["starts"]),
        ends=_utc(facts["ends"]),
        state=state,
        is_withdrawn=None if state is None else state == "withdrawn",
        closed_now=facts.get("closed_now"),
        revision=facts.get("revision"),
        moves=facts.get("moves"),
        notice=facts.get("working_days_notice"),
        first_notice=facts.get("first_notice_days"),
        band=facts.get("band"),
        short_notice=facts.get("short_notice"),
        late_change=facts.get("late_change"),
        planned_ends=_utc(facts["plan"]["ends"]) if "plan" in facts else None,
        provisional=facts.get("provisional"),
        difference=facts["difference"] or "as planned" if "difference" in facts else None,
    )


def _all_in(listed):
    return {facts["reference"]: seen_in(facts) for facts in listed}


def _span_query():
    now = datetime.now(UTC)
    return f"from={now - SPAN[0]:%Y-%m-%dT%H:%MZ}&to={now + SPAN[1]:%Y-%m-%dT%H:%MZ}"


def api_list(asker, user):
    """Read /api/v1/closures as somebody who may see the User's."""
    return _all_in(asker.ask("GET", f"/api/v1/closures?{_span_query()}&user={user}").json()["closures"])


def api_show(asker, reference):
    """Read /api/v1/closures/REF."""
    return seen_in(asker.ask("GET", f"/api/v1/closures/{reference}").json())


def api_closed(asker, gateway, at):
    """Read which windows of a gateway /api/v1/closed finds an instant in, those told of only later, too."""
    answer = asker.ask("GET", f"/api/v1/closed?gateway={gateway}&at={at:%Y-%m-%dT%H:%M:%SZ}").json()
    # What is closed or over is so at that instant here, not now.
    found = _all_in([*answer["inside"], *answer["told_later"]])
    return {reference: replace(one, closed_now=None, state=None) for reference, one in found.items()}


def late_changes(asker):
    """Read /api/v1/late-changes: {(reference, revision): band}."""
    answer = asker.ask("GET", "/api/v1/late-changes").json()
    return {(one["reference"], one["revision"]): one["band"] for one in answer["late_changes"]}


def late_csv(running):
    """Read ``closures late --csv`` as ``late_changes``."""
    rows = csv.DictReader(io.StringIO(running.run("late", "--csv").removeprefix("\ufeff")))
    return {(one["reference"], int(one["revision"])): band_of(one["band"]) for one in rows}


def closures_csv(sender):
    """Read the sheet of the page Closures."""
    now = datetime.now(UTC)
    days = f"from={now - SPAN[0]:%Y-%m-%d}&to={now + timedelta(days=360):%Y-%m-%d}"
    text = sender.browser.ask("GET", f"/closures.csv?{days}").content.decode("utf-8-sig")
    return _all_in([_facts_of_row(row) for row in csv.DictReader(io.StringIO(text))])


def _facts_of_row(row):
    truth = {"True": True, "False": False, "true": True, "false": False, "yes": True, "no": False}
    facts = {name: truth.get(value, value) for name, value in row.items()}
    numbers = {name: int(facts[name]) for name in ("revision", "moves", "working_days_notice", "first_notice_days")}
    return {**facts, **numbers, "band": band_of(facts["band"])}


def cli_schedule(running, user):
    """Read ``closures schedule --json``."""
    now = datetime.now(UTC)
    span = ("--from", f"{now - SPAN[0]:%Y-%m-%dT%H:%MZ}", "--to", f"{now + SPAN[1]:%Y-%m-%dT%H:%MZ}")
    return _all_in(running.run("schedule", *span, "--user", user, "--json")["closures"])


def cli_show(running, reference):
    """Read ``closures closure show REF --json``."""
    return seen_in(running.run("closure", "show", reference, "--json"))


# Feeds.


def feed_json(sender):
    """Read the feed as JSON."""
    document = sender.subscriber.ask("GET", f"/feeds/{sender.feed}.json").json()
    closed = {one["reference"] for one in document["closed_now"]}
    return _all_in([{**facts, "closed_now": facts["reference"] in closed} for facts in document["closures"]])


def feed_ics(sender):
    """Read the feed as iCalendar."""
    return calendar_of_feed(sender.subscriber.ask("GET", f"/feeds/{sender.feed}.ics").content)


def feed_jcal(sender):
    """Read the feed as jCal."""
    answer = sender.subscriber.ask("GET", f"/feeds/{sender.feed}.ics", Accept="application/calendar+json")
    _, _, components = json.loads(answer.content)
    events = []
    for name, stated, _ in components:
        assert name == "vevent"
        properties = {key: values if key == "categories" else values[0] for key, _, _, *values in stated}
        properties |= {key: _utc(properties[key]) for key in ("dtstart", "dtend")}
        events.append(_seen_in_event(properties))
    return {one.reference: one for one in events}


def calendar_of_feed(octets):
    """Read a calendar that we rendered for subscribers, or a member of DCC's collections."""
    found = [_seen_in_event(_properties(event)) for event in icalendar.Calendar.from_ical(octets).walk("VEVENT")]
    return {one.reference: one for one in found}


def _properties(event):
    plain = {name.lower(): event[name] for name in event if name not in {"DTSTART", "DTEND", "CATEGORIES"}}
    words = [str(word) for word in event["CATEGORIES"].cats]
    return {**plain, "dtstart": event.start, "dtend": event.end, "categories": words}


def _seen_in_event(stated):
    notice = notice_of(str(stated["description"]))
    return Seen(
        reference=str(stated["uid"]).partition("@")[0].upper(),
        user=str(stated["x-maintnote-provider"]),
        gateway=str(stated["x-maintnote-object-id"]),
        starts=stated["dtstart"].astimezone(UTC),
        ends=stated["dtend"].astimezone(UTC),
        is_withdrawn=stated["status"] == "CANCELLED",
        revision=int(stated["sequence"]),
        notice=notice,
        band=_retrospective(str(stated["description"])),
        short_notice="Short notice" in stated["categories"],
        late_change="Late change" in stated["categories"],
        planned_ends=_planned_ends(str(stated["description"])),
        provisional=None if stated["status"] == "CANCELLED" else stated["status"] == "TENTATIVE",
    )


def _planned_ends(description):
    """Return the end that a description names as planned; None where it names none."""
    said = re.search(r"; planned until \w{3} (\d+ \w{3} \d{4} \d\d:\d\d) (GMT|BST)\.", description)
    return said and datetime.strptime(f"{said[1]} {_OFFSETS[said[2]]}", "%d %b %Y %H:%M %z").astimezone(UTC)


# Pages.


def closure_page(asker, reference):
    """Read /closures/REF."""
    text = asker.ask("GET", f"/closures/{reference}").text
    head, _, story = text.partition("<h2>History</h2>")
    head = head.partition("<h2>What it clashes with</h2>")[0]
    tags = _tags(head)
    told = _definition(head, "Notice for the current times")
    judged = [chapter for chapter in story.split("<li>") if "recommended" in chapter]
    return Seen(
        reference=reference,
        user=_definition(head, "User").partition(" ")[0],
        gateway=_definition(head, "Gateway"),
        **_window_utc(_definition(head, "By what was told since" if "By what was told since" in head else "Window")),
        state=next(STATES[tag] for tag in tags if tag in STATES),
        is_withdrawn="withdrawn" in tags,
        closed_now="closed now" in tags,
        revision=max(int(number) for number in re.findall(r">revision (\d+)<", story)),
        notice=notice_of(told),
        first_notice=notice_of(_definition(head, "First notice")),
        band=_retrospective(told),
        short_notice="short notice" in tags,
        late_change=bool({"short notice", "late change"} & set(_tags(judged[-1]))),
        planned_ends=_window_utc(_definition(head, "Planned"))["ends"] if "<dt>Planned<" in head else None,
        provisional="provisional" in tags,
        difference=next(
            (tag.partition(" by ")[0] for tag in tags if tag.partition(" by ")[0] in _DIFFERENCES), "as planned"
        ),
    )


def closures_page(sender):
    """Read the page Closures, each of its pages."""
    now, found, page = datetime.now(UTC), {}, 1
    days = f"from={now - SPAN[0]:%Y-%m-%d}&to={now + timedelta(days=360):%Y-%m-%d}"
    while True:
        text = sender.browser.ask("GET", f"/closures?{days}&page={page}").text
        for item in re.findall(r'<li class="closure\b.*?</li>', text, re.DOTALL):
            tags = _tags(item)
            reference = re.search(REFERENCE, item)[0]
            band = re.search(r'class="band">(.*?)<', item, re.DOTALL)[1]
            found[reference] = Seen(
                reference=reference,
                user=re.search(r'class="closure-user"><bdi>(.*?)</bdi>', item)[1],
                gateway=re.search(r"<bdi>(.*?)</bdi>", item)[1],
                **_window_utc(words_of(item)),
                state=next((STATES[tag] for tag in tags if tag in STATES), "planned"),
                is_withdrawn="withdrawn" in tags,
                closed_now="closed now" in tags,
                moves=_moves_in(tags),
                band=band_of(words_of(band)),
                short_notice="short notice" in tags,
            )
        if f"&amp;page={page + 1}" not in text:
            return found
        page += 1


def now_page(sender):
    """Read the User's first page: what is closed or comes in the next eight weeks."""
    text = sender.browser.ask("GET", "/").text
    return dict(_line(item, "planned") for item in re.findall(r'<li class="line">.*?</li>', text, re.DOTALL))


def horizon_page(sender):
    """Read the Horizon's list of closures of the next two weeks, each in its place."""
    text = sender.browser.ask("GET", "/horizon?zoom=2w").text
    items = re.findall(rf'<li><a href="/closures/{REFERENCE}">.*?</a>', text, re.DOTALL)
    return dict(_line(item, "planned") for item in items)


def _line(item, unmarked):
    reference, tags, words = re.search(REFERENCE, item)[0], _tags(item), words_of(item)
    seen = Seen(
        reference=reference,
        gateway=re.search(r"<bdi>(.*?)</bdi>", item)[1],
        **_window_london(words),
        state=next((STATES[tag] for tag in tags if tag in STATES), unmarked),
        is_withdrawn="withdrawn" in tags,
        closed_now="closed now" in tags,
        short_notice="short notice" in tags,
    )
    return reference, seen


def triage_box(asker, gateway, at):
    """Read the answer of the box Planned?: the closure that it names, None where the time is inside no window."""
    london = at.astimezone(_LONDON).strftime("%Y-%m-%dT%H:%M")
    text = asker.ask("GET", f"/planned?q={gateway}&at={london}").text
    named = re.search(r"<dt>Closure</dt><dd>(.*?)</dd>.*?<dt>Known since</dt><dd>(.*?)</dd>", text, re.DOTALL)
    if named is None:
        return None
    words, known = words_of(named[1]), words_of(named[2])
    return Seen(
        reference=re.search(REFERENCE, words)[0],
        gateway=gateway,
        **_window_london(words),
        is_withdrawn=False,
        notice=notice_of(known),
        band=_retrospective(known),
    )


def peaks_now(asker):
    """Read the most gateways closed at once on each of the next 14 days from Now, today first."""
    text = asker.ask("GET", "/").text
    return [int(number) for number in re.findall(r'class="heat-number">(\d+)<', text)]


def peaks_on_horizon(asker):
    """Read the same from the Horizon: {"Sun 6 Dec": 2}; a day without closures is not there."""
    label = re.search(
        r'aria-label="At most \d+ gateways closed at once. (.*?)"', asker.ask("GET", "/horizon?zoom=2w").text
    )
    return {day: int(number) for day, number in re.findall(r"(\w{3} \d+ \w{3}): (\d+)", label[1])}


# Words.


def words_of(text):
    """Return what a person reads of a page's content, or of a piece of it."""
    content = text.partition("<main")[2].partition(">")[2].partition("</main>")[0] or text
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", content)).split())


def notice_of(words):
    """Return the Working Days that a sentence on the notice given states first; None where it states none."""
    found = re.search(r"(\d+) Working Days?(?:'s?)?(?: notice| before|;)", words)
    return None if found is None or _retrospective(words) else int(found[1])


def _retrospective(words):
    found = re.search(r"after (?:the window|it) had (started|ended)", words)
    return found and {"started": "after start", "ended": "after end"}[found[1]]


def band_of(words):
    """Return the band that words name, as the closure JSON names it."""
    numbers = re.findall(r"\d+", words)
    if _retrospective(words) or not numbers:
        return _retrospective(words) or words
    if len(numbers) > 1:
        return "-".join(numbers)
    return (">=" if re.search(r">=|or more|at least", words) else "<") + numbers[0]


def _tags(piece):
    return re.findall(r'class="tag[^"]*">([^<]*)<', piece)


def _moves_in(tags):
    words = next((tag for tag in tags if tag.startswith("moved ")), "moved 0 times")
    return 1 if words == "moved once" else int(words.split()[1])


def _definition(piece, term):
    found = re.search(rf"<dt>{term}</dt>\s*<dd>(.*?)</dd>", piece, re.DOTALL)
    return words_of(found[1])


def _window_utc(words):
    day, starts, last_day, ends = _WHEN_UTC.search(words).groups()
    return {"starts": _utc(f"{day}T{starts}Z"), "ends": _utc(f"{last_day or day}T{ends}Z")}


def _window_london(words):
    found = _ONE_DAY.search(words)
    if found:
        day, starts, ends, zone = found.groups()
        return {"starts": _from_london(f"{day} {starts}", zone), "ends": _from_london(f"{day} {ends}", zone)}
    starts, first, ends, second = _TWO_DAYS.search(words).groups()
    return {"starts": _from_london(starts, first), "ends": _from_london(ends, second)}


def _from_london(words, zone):
    return datetime.strptime(f"{words} {_OFFSETS[zone]}", "%d %b %Y %H:%M %z").astimezone(UTC)


def _utc(text):
    return datetime.fromisoformat(text).astimezone(UTC)
