"""Who closes what: Users, their gateways, and the codes by which both are known."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from app.domain.refusal import CodeRefused

_CODE = re.compile(r"[A-Z0-9][A-Z0-9_-]{0,31}")

# Tables, not enumerations: the SEC adds to both lists (SEC Section A, definitions of "User Role" and "Party Category").
PARTY_CATEGORIES: tuple[str, ...] = ("Large Supplier", "Small Supplier", "Electricity Network", "Gas Network", "Other")
SEC_USER_ROLES: tuple[str, ...] = (
    "Import Supplier",
    "Export Supplier",
    "Gas Supplier",
    "Electricity Distributor",
    "Gas Transporter",
    "Registered Supplier Agent",
    "Other User",
)


@dataclass(frozen=True, slots=True)
class User:
    """A SEC organisation, never a person. ``roles`` are SEC User Roles.

    ``contact`` is whom to call about a closure, in the User's own words; "" where it named nobody.
    """

    id: bytes
    code: str
    name: str
    category: str = "Other"
    roles: tuple[str, ...] = ()
    contact: str = ""


@dataclass(frozen=True, slots=True)
class Gateway:
    """What a User closes. One gateway may carry several Users, and a User may have several gateways."""

    id: bytes
    code: str
    name: str


@dataclass(frozen=True, slots=True)
class Names:
    """What Users and gateways are called, by their codes."""

    users: Mapping[str, str]
    gateways: Mapping[str, str]


def read_code(text: str) -> str:
    """Read a User's or a gateway's code, in any case; return it in upper case. Raise ``CodeRefused``."""
    stated = text.strip()
    code = stated.upper()
    # Upper-casing turns some letters outside ASCII into ASCII ones (sharp s into "SS"); a code must have no such twin.
    if not stated.isascii() or not _CODE.fullmatch(code):
        raise CodeRefused(
            "That is not a code.",
            "A code starts with a letter or digit and has at most 32 letters, digits, hyphens and underscores.",
        )
    return code
