"""Privileges as clients read them (RFC 3744 5.3 to 5.6): flat lists, and nothing that is not so."""

from app.caldav.hrefs import principal_path
from app.caldav.markup import href

# Outlook CalDav Synchronizer reads write, or write-content with bind and unbind; "all" alone it takes for no rights.
_WRITING = (
    "D:read",
    "D:write",
    "D:write-properties",
    "D:write-content",
    "D:bind",
    "D:unbind",
    "D:all",
    "D:read-current-user-privilege-set",
    "C:read-free-busy",
)
# Thunderbird takes write-properties alone for the right to write, so it is not named where members cannot be changed.
_READING = ("D:read", "D:read-current-user-privilege-set", "C:read-free-busy")


def _each(names: tuple[str, ...]) -> str:
    return "".join(f"<D:privilege><{name}/></D:privilege>" for name in names)


_LISTS = {True: _each(_WRITING), False: _each(_READING)}


def current_user_privileges(*, writable: bool) -> str:
    """Return the content of DAV:current-user-privilege-set."""
    return _LISTS[writable]


def access_list(code: str, *, writable: bool) -> str:
    """Return the content of DAV:acl: one entry, of the asker, that nobody changes here."""
    who = f"<D:principal>{href(principal_path(code))}</D:principal>"
    return f"<D:ace>{who}<D:grant>{_LISTS[writable]}</D:grant><D:protected/></D:ace>"


def _supported(name: str, description: str, *inner: str) -> str:
    return (
        f"<D:supported-privilege><D:privilege><{name}/></D:privilege>"
        f'<D:description xml:lang="en">{description}</D:description>{"".join(inner)}</D:supported-privilege>'
    )


SUPPORTED_PRIVILEGES = _supported(
    "D:all",
    "Everything",
    _supported(
        "D:read",
        "See",
        _supported("D:read-current-user-privilege-set", "See what one may do"),
        _supported("C:read-free-busy", "See when it is busy"),
    ),
    _supported(
        "D:write",
        "Change",
        _supported("D:write-properties", "Change properties"),
        _supported("D:write-content", "Change a notice"),
        _supported("D:bind", "Give notice"),
        _supported("D:unbind", "Withdraw"),
    ),
)
RESTRICTIONS = "<D:grant-only/><D:no-invert/>"
