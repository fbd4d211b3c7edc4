"""A configuration profile for Apple's devices: one CalDAV account, without its password."""

import plistlib
from urllib.parse import urlsplit
from uuid import NAMESPACE_URL, uuid5

_TLS_PORT = 443
_PLAIN_PORT = 80


def caldav_profile(base_url: str, code: str, name: str) -> bytes:
    """Return the profile of a User's CalDAV account as a property list; the device asks for the app password.

    The same User gets the same identifiers, so that a second download takes the place of the first.
    """
    parts = urlsplit(base_url)
    tls = parts.scheme == "https"
    address = f"{base_url}/dav/principals/{code}/"
    identifier = ".".join(reversed((parts.hostname or "closures").split(".")))
    account = {
        "PayloadType": "com.apple.caldav.account",
        "PayloadVersion": 1,
        "PayloadIdentifier": f"{identifier}.closures.{code.lower()}.caldav",
        "PayloadUUID": str(uuid5(NAMESPACE_URL, address + "account")).upper(),
        "PayloadDisplayName": "Planned gateway closures (CalDAV)",
        "CalDAVAccountDescription": f"Planned closures of {code}",
        "CalDAVHostName": parts.hostname or "",
        "CalDAVPort": parts.port or (_TLS_PORT if tls else _PLAIN_PORT),
        "CalDAVUseSSL": tls,
        "CalDAVUsername": code,
        "CalDAVPrincipalURL": f"{parts.path}/dav/principals/{code}/",
    }
    profile = {
        "PayloadType": "Configuration",
        "PayloadVersion": 1,
        "PayloadIdentifier": f"{identifier}.closures.{code.lower()}",
        "PayloadUUID": str(uuid5(NAMESPACE_URL, address)).upper(),
        "PayloadDisplayName": f"Planned gateway closures of {code}",
        "PayloadDescription": f"Connects this device's calendar to the gateways of {name}.",
        "PayloadContent": [account],
    }
    return plistlib.dumps(profile)
