"""What programs call themselves, in words: of a subscriber's fetch and of a browser's session."""

_CLIENTS = (
    ("microsoft office", "Outlook"),
    ("outlook", "Outlook"),
    ("microsoft.exchange", "Outlook on the web"),
    ("exchange", "Outlook on the web"),
    ("google-calendar", "Google Calendar"),
    ("google", "Google Calendar"),
    ("dataaccessd", "Apple Calendar"),
    ("calendaragent", "Apple Calendar"),
    ("ios/", "Apple Calendar"),
    ("macos/", "Apple Calendar"),
    ("thunderbird", "Thunderbird"),
    ("evolution", "Evolution"),
    ("icsx5", "ICSx5"),
    ("davx5", "DAVx5"),
    ("vdirsyncer", "vdirsyncer"),
    ("curl", "curl"),
    ("python", "a Python program"),
)
_BROWSERS = (("edg", "Edge"), ("firefox", "Firefox"), ("chrom", "Chrome"), ("safari", "Safari"))
_SYSTEMS = (
    ("android", "Android"),
    ("iphone", "iPhone"),
    ("ipad", "iPad"),
    ("windows", "Windows"),
    ("mac os", "Mac"),
    ("linux", "Linux"),
)


def client_words(agent: str) -> str:
    """Name the calendar program behind a User-Agent; what is not known is named by its own first word."""
    return _named(_CLIENTS, agent) or agent.split("/", maxsplit=1)[0].strip()[:40] or "A program without a name"


def browser_words(agent: str) -> str:
    """Name the browser and the system behind a User-Agent: ``Firefox on Windows``."""
    browser, system = _named(_BROWSERS, agent) or "A browser", _named(_SYSTEMS, agent)
    return f"{browser} on {system}" if system else browser


def _named(table: tuple[tuple[str, str], ...], agent: str) -> str | None:
    lower = agent.lower()
    return next((name for mark, name in table if mark in lower), None)
