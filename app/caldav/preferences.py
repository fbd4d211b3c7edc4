"""What a client would rather have: Prefer (RFC 7240, RFC 8144) and its forerunner Brief."""

from collections.abc import Mapping
from dataclasses import dataclass

VARY = ("Vary", "Brief, Prefer")


@dataclass(frozen=True, slots=True)
class Preferences:
    """What is preferred.

    ``minimal``: no rows for what is not there. ``representation``: the member as it is after a PUT. ``noroot``: only
    what is inside the collection.
    """

    minimal: bool = False
    representation: bool = False
    noroot: bool = False

    def applied(self, *names: str) -> tuple[tuple[str, str], ...]:
        """Return the headers that say which of these were followed (RFC 7240 3), and that answers vary."""
        words = {
            "minimal": "return=minimal" if self.minimal else "",
            "representation": "return=representation" if self.representation else "",
            "noroot": "depth-noroot" if self.noroot else "",
        }
        followed = ", ".join(words[name] for name in names if words[name])
        return (("Preference-Applied", followed), VARY) if followed else (VARY,)


def read_preferences(headers: Mapping[str, str]) -> Preferences:
    """Read the headers; a preference that is not known is no fault ("MUST be ignored", RFC 7240 2)."""
    stated: dict[str, str] = {}
    for one in headers.get("prefer", "").split(","):
        name, _, value = one.partition(";")[0].partition("=")
        # "The first instance ... is to be used" (RFC 7240 2).
        stated.setdefault(name.strip().lower(), value.strip().strip('"').lower())
    return Preferences(
        minimal=stated.get("return") == "minimal" or headers.get("brief", "").strip().lower() == "t",
        representation=stated.get("return") == "representation",
        noroot="depth-noroot" in stated,
    )
