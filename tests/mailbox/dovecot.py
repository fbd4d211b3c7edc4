"""A real IMAP server on loopback, started by a test and ended by it: Debian's Dovecot over a Maildir in a folder."""

import base64
import hmac
import json
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import imap_tools
import pytest

DOVECOT = shutil.which("dovecot") or "/usr/sbin/dovecot"
PASSWORD = "p@ss/word"
_SECRET = b"no secret: it signs the tokens of this server alone"
_CONF = """
base_dir = {root}/run
state_dir = {root}/state
log_path = {root}/log
protocols = imap
listen = 127.0.0.1
ssl = {ssl}
ssl_cert = <{certificate}
ssl_key = <{certificate}
disable_plaintext_auth = no
auth_mechanisms = plain login xoauth2
auth_failure_delay = 0
mail_location = maildir:{root}/mail/%u
default_login_user = {who}
default_internal_user = {who}
default_internal_group = {group}
first_valid_uid = 1
namespace inbox {{
  inbox = yes
  separator = {separator}
}}
passdb {{
  driver = oauth2
  mechanisms = xoauth2
  args = {root}/oauth2
}}
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={root}/home/%u
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = {tls_port}
  }}
}}
service anvil {{
  chroot =
}}
service stats {{
  chroot =
}}
"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Dovecot:
    """The server: ``port`` in clear, ``tls_port`` by TLS; each user name has a mailbox of its own."""

    def __init__(self, certificate, separator="."):
        if not Path(DOVECOT).exists():
            pytest.skip(f"NOT RUN: no {DOVECOT} (apt-get install dovecot-imapd); .ci/run installs it")
        # Its processes give up root, so that what they read must be theirs, in a folder that they reach.
        self.root = Path(tempfile.mkdtemp(prefix="dovecot-"))
        self.root.chmod(0o755)
        self.port, self.tls_port = free_port(), free_port()
        me = pwd.getpwuid(os.getuid() or pwd.getpwnam("nobody").pw_uid)
        shutil.copy(certificate, self.root / "both.pem")
        (self.root / "keys/default/HS256").mkdir(parents=True)
        (self.root / "keys/default/HS256/default").write_bytes(base64.b64encode(_SECRET))
        (self.root / "oauth2").write_text(
            "introspection_mode = local\nusername_attribute = sub\n"
            f"local_validation_key_dict = fs:posix:prefix={self.root}/keys/\n"
        )
        stated = _CONF.format(
            root=self.root, ssl="yes", certificate=self.root / "both.pem", who=me.pw_name, uid=me.pw_uid,
            gid=me.pw_gid, group=_group(me.pw_gid), password=PASSWORD, port=self.port, tls_port=self.tls_port,
            separator=separator,
        )  # fmt: skip
        (self.root / "conf").write_text(stated)
        if not os.getuid():
            for path in (self.root, *self.root.rglob("*")):
                os.chown(path, me.pw_uid, me.pw_gid)
        self.process = None
        self.start()

    def start(self):
        self.process = subprocess.Popen([DOVECOT, "-F", "-c", str(self.root / "conf")], start_new_session=True)
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
            except OSError:
                time.sleep(0.05)
            else:
                return
        raise AssertionError((self.root / "log").read_text())

    def end(self):
        os.killpg(self.process.pid, signal.SIGTERM)  # who is signed in has a process of its own
        self.process.wait()

    def remove(self):
        self.end()
        shutil.rmtree(self.root)

    def box(self, user):
        """Return the mailbox of a user, signed in."""
        return imap_tools.MailBoxUnencrypted("127.0.0.1", self.port).login(user, PASSWORD)

    def deliver(self, user, *mails):
        with self.box(user) as box:
            for octets in mails:
                box.append(octets, "INBOX")

    def held(self, user, folder):
        """Return the octets of the mails in a folder of a user."""
        with self.box(user) as box:
            box.folder.set(folder)
            found = (box.client.uid("FETCH", uid, "(BODY.PEEK[])")[1][0][1] for uid in box.uids("ALL", charset=None))
            return list(found)

    def url(self, user, folder="", password="p%40ss%2Fword"):
        return f"imap://{user}:{password}@127.0.0.1:{self.port}/{folder}"


def token_of(user, lasts=3600):
    """Return an OAuth token (JWT) of a user, such as this server takes."""

    def part(facts):
        return base64.urlsafe_b64encode(json.dumps(facts).encode()).rstrip(b"=")

    now = int(time.time())
    signed = part({"alg": "HS256", "typ": "JWT"}) + b"." + part({"sub": user, "iat": now, "exp": now + lasts})
    mark = base64.urlsafe_b64encode(hmac.digest(_SECRET, signed, "sha256")).rstrip(b"=")
    return (signed + b"." + mark).decode()


def _group(gid):
    import grp

    return grp.getgrgid(gid).gr_name
