"""Calendar programs and what to press in each: to subscribe to a feed, and to connect a User's own calendar."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote, urlencode


@dataclass(frozen=True, slots=True)
class Client:
    """One program. ``feed`` are its steps to subscribe, ``caldav`` those to connect by CalDAV; () where it cannot.

    A program that ``needs_secret_url`` can send no password.
    """

    name: str
    feed: tuple[str, ...]
    caldav: tuple[str, ...] = ()
    needs_secret_url: bool = False


CLIENTS = (
    Client(
        "Outlook for Windows (classic)",
        (
            "File, Account Settings, Account Settings; the tab Internet Calendars; New.",
            "Paste the address. When Outlook asks, give the user name and the password, and let it remember them.",
            "Name the calendar and leave the update limit ticked.",
        ),
        (
            "Outlook itself speaks no CalDAV. Install the add-in CalDAV Synchronizer.",
            "Synchronization Profiles, Add, Generic CalDAV. Paste the CalDAV address as DAV URL.",
            "Give the user name and the app password; press Test or discover settings.",
            "Choose the gateway's calendar and a folder for it. Leave the direction at both ways.",
        ),
    ),
    Client(
        "New Outlook and Outlook on the web",
        (
            "Calendar, Add calendar, Subscribe from web.",
            "Paste the secret address, name the calendar, Import.",
            "Microsoft's servers fetch it when they see fit, which can take many hours.",
        ),
        needs_secret_url=True,
    ),
    Client(
        "Apple Calendar on a Mac",
        (
            "File, New Calendar Subscription; paste the address.",
            "Give the user name and the password when asked.",
            "Choose the location On My Mac and refresh every hour.",
        ),
        (
            "Download the profile on this page and open it. Or by hand:",
            "Calendar, Settings, Accounts, +, Other CalDAV Account, Manual.",
            "Give the user name, the app password and, as server address, the CalDAV address.",
        ),
    ),
    Client(
        "iPhone and iPad",
        (
            "Settings, Apps, Calendar, Calendar Accounts, Add Account, Other, Add Subscribed Calendar.",
            "Paste the address, then fill in the user name and the password. Keep SSL on.",
        ),
        (
            "Download the profile on this page; then Settings, Profile Downloaded, Install.",
            "It asks for the app password while it installs.",
        ),
    ),
    Client(
        "Thunderbird",
        (
            "New Calendar, On the Network. Give the user name and the address; Find Calendars.",
            "Give the password when asked; choose the iCalendar (ICS) entry, Subscribe.",
            "In the calendar's properties tick Read Only and refresh every 60 minutes.",
        ),
        (
            "New Calendar, On the Network. Give the user name and the CalDAV address; Find Calendars.",
            "Give the app password when asked; tick the gateways' calendars, Subscribe.",
        ),
    ),
    Client(
        "Evolution",
        (
            "File, New, Calendar; type On The Web.",
            "Give the address and the user name; refresh every 60 minutes; then the password when asked.",
        ),
        (
            "File, New, Calendar; type CalDAV.",
            "Give the CalDAV address and the user name, Find Calendars, then the app password.",
        ),
    ),
    Client(
        "Google Calendar",
        (
            "In a browser: Other calendars, +, From URL.",
            "Paste the secret address; leave “make publicly accessible” off.",
            "Google's servers fetch it about once a day and cannot be hurried.",
        ),
        needs_secret_url=True,
    ),
    Client(
        "Android (ICSx5, DAVx5)",
        (
            "ICSx5: +, paste the address; tick that it requires authentication; give the user name and the password.",
            "Choose a sync interval of an hour or more.",
        ),
        (
            "DAVx5: +, Login with URL and user name; give the CalDAV address, the user name and the app password.",
            "Tick the gateways' calendars and Synchronise.",
        ),
    ),
    Client(
        "vdirsyncer",
        ("A read-only storage of type http with the address as url, and the user name and password beside it.",),
        ("A storage of type caldav with the CalDAV address as url, and the user name and app password beside it.",),
    ),
    Client(
        "curl",
        (
            'Put user = "USER NAME:PASSWORD" into a file that only you may read.',
            "curl -fsS -K THAT-FILE -o closures.ics ADDRESS",
        ),
        ("curl -fsS -K THAT-FILE -X PROPFIND -H 'Depth: 1' CALDAV-ADDRESS",),
    ),
)


@dataclass(frozen=True, slots=True)
class FeedAddresses:
    """The addresses of one feed; those that hold a secret are "" where it has no secret URL."""

    plain: str
    webcal: str
    secret: str
    secret_webcal: str
    outlook: str
    google: str


def feed_addresses(base_url: str, made: Mapping[str, str]) -> FeedAddresses:
    """Return the addresses of a feed that was just made: its ``id``, ``label`` and ``secret_token`` ("" for none)."""
    plain = f"{base_url}/feeds/{made['id']}.ics"
    if not made["secret_token"]:
        return FeedAddresses(plain, _webcal(plain), "", "", "", "")
    secret = f"{base_url}/feeds/s/{made['secret_token']}/closures.ics"
    outlook = urlencode({"url": secret, "name": made["label"]}, quote_via=quote)
    return FeedAddresses(
        plain,
        _webcal(plain),
        secret,
        _webcal(secret),
        f"https://outlook.office.com/calendar/0/addfromweb?{outlook}",
        f"https://calendar.google.com/calendar/r?{urlencode({'cid': _webcal(secret)}, quote_via=quote)}",
    )


def _webcal(address: str) -> str:
    """Return the address that calendar programs open by themselves: the scheme alone differs."""
    return "webcal" + address.partition(":")[2].join((":", ""))
