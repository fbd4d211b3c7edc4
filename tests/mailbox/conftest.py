"""Ends of the network for mail that comes in: keys served by DNS on loopback, and mails signed with them."""

import base64
import socket
import threading
from email.message import EmailMessage
from email.policy import SMTP

import dkim
import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.certificates import certificate_in
from tests.mailbox.dovecot import Dovecot

CALENDAR = (
    "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:Microsoft Exchange Server 2010\r\nMETHOD:{method}\r\n"
    "BEGIN:VEVENT\r\nUID:{uid}\r\nDTSTAMP:20261124T080000Z\r\nSEQUENCE:{sequence}\r\nDTSTART:{starts}\r\n"
    "DTEND:{ends}\r\nSUMMARY:Gateway closed\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
)


def new_key(bits=2048):
    """A key as (PEM that signs, TXT record)."""
    key = rsa.generate_private_key(65537, bits)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return private, b"v=DKIM1; k=rsa; p=" + base64.b64encode(public)


class NameServer:
    """Serves TXT records by UDP on loopback. ``records`` by name; a name in ``failing`` gets SERVFAIL."""

    def __init__(self):
        self.records, self.failing, self.asked = {}, set(), []
        self._wire = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._wire.bind(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._wire.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self):
        while True:
            octets, whence = self._wire.recvfrom(4096)
            if octets == b"stop":
                return
            asked = dns.message.from_wire(octets)
            name = asked.question[0].name.to_text().rstrip(".").lower()
            self.asked.append(name)
            answer = dns.message.make_response(asked)
            answer.flags |= dns.flags.RA
            if name in self.failing:
                answer.set_rcode(dns.rcode.SERVFAIL)
            elif name in self.records:
                record = self.records[name].decode()
                strings = " ".join(f'"{record[at : at + 200]}"' for at in range(0, len(record), 200))
                answer.answer.append(dns.rrset.from_text(asked.question[0].name, 60, "IN", "TXT", strings))
            else:
                answer.set_rcode(dns.rcode.NXDOMAIN)
            self._wire.sendto(answer.to_wire(), whence)

    def stop(self):
        self._wire.sendto(b"stop", self._wire.getsockname())
        self._thread.join()
        self._wire.close()


@pytest.fixture(scope="session")
def keys():
    """The pair of keys of alpha.example; what it signs with, and what its DNS says."""
    return new_key()


@pytest.fixture
def name_server(keys):
    server = NameServer()
    server.records["s1._domainkey.alpha.example"] = keys[1]
    yield server
    server.stop()


@pytest.fixture
def sign(keys):
    """Return a function that signs a mail as the server of a domain does."""

    def signed(octets, domain="alpha.example", private=keys[0], selector="s1", **options):
        header = dkim.sign(octets, selector.encode(), domain.encode(), private, **options)
        return header + octets

    return signed


@pytest.fixture
def write():
    """Return a function that writes a mail with an invitation, as Outlook sends one; ``calendar`` None is none."""

    def written(
        sender="anna@alpha.example", to="notices@closures.example", method="REQUEST", uid="u1", sequence=0,
        starts="20270207T020000Z", ends="20270207T060000Z", calendar=CALENDAR, number=1, **headers,
    ):  # fmt: skip
        mail = EmailMessage(policy=SMTP)
        stated = {"From": sender, "To": to, "Subject": "Gateway closed", "Date": "Tue, 24 Nov 2026 09:00:00 +0000"}
        stated |= {"Message-ID": f"<{number}@alpha.example>"}
        for name, value in (stated | {name.replace("_", "-"): value for name, value in headers.items()}).items():
            if value is not None:
                mail[name] = value
        mail.set_content("See below.\r\n")
        if calendar is not None:
            octets = calendar.format(method=method, uid=uid, sequence=sequence, starts=starts, ends=ends).encode()
            params = {"method": method, "charset": "utf-8"}
            mail.add_alternative(octets, maintype="text", subtype="calendar", params=params)
        return mail.as_bytes()

    return written


@pytest.fixture(scope="session")
def certificate(tmp_path_factory):
    """A certificate of this session for localhost: (path of certificate and key, what a client trusts)."""
    return certificate_in(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="session")
def dovecot(certificate):
    server = Dovecot(certificate[0])
    yield server
    server.remove()
