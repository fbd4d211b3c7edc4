"""The web process: gunicorn with threads, over the one application."""

import gc
import resource
import sys
from typing import Any

from gunicorn.app.base import BaseApplication
from gunicorn.config import Config
from gunicorn.glogging import Logger

# The first two are nearly all that `create_app` loads: here that is done before the fork, and beside the set-up.
import app.caldav.blueprint
import app.web.blueprints  # noqa: F401 - as above
from app.arrival.listening import require_free
from app.arrival.room import WaitingRoom
from app.factory import configure_log, create_app
from app.settings import Settings
from app.web.site import EXTENSION

_CONNECTIONS = 2_000  # of each worker; most of them wait for a request, which costs no thread
_OTHER_FILES = 200
# How long a thread may compute while others of its process wait. A notice lets others in at each of its statements: at
# Python's 5 ms it would come back a hundred times to the end of that queue, and hold the writer's place meanwhile.
_SWITCH_SECONDS = 0.0005

# How many objects come to be before Python looks which of the newest refer to nothing but each other. At its own 700
# that is several times in a notice, some hundredths of what it costs; what a request leaves so is small.
_OBJECTS = 10_000


class ServerLog(Logger):  # type: ignore[misc]  # gunicorn publishes no types
    """gunicorn's own messages, passed on to our log: one form for every line, and no token in any."""

    def setup(self, cfg: Config) -> None:
        """Leave out gunicorn's own handler."""
        super().setup(cfg)
        self.error_log.handlers.clear()
        self.error_log.propagate = True


class WebServer(BaseApplication):  # type: ignore[misc]  # gunicorn publishes no types
    """gunicorn, told by our settings and by nothing else."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        super().__init__()

    def load_config(self) -> None:
        """Give gunicorn its settings (docs/targets.md#speed)."""
        settings = self._settings
        stated = {
            "bind": settings.listens_at,
            "workers": settings.web_workers,
            "worker_class": WaitingRoom,
            "threads": settings.web_threads,
            "worker_connections": _most_connections(),
            "preload_app": True,  # one copy of the code in memory, shared by the workers
            "graceful_timeout": 20,
            "timeout": 60,
            "keepalive": 15,
            "limit_request_line": 8190,
            # ProxyFix counts hops; gunicorn itself believes no header, of a Unix socket's peer neither.
            "forwarded_allow_ips": "",
            "secure_scheme_headers": {},
            "forwarder_headers": "",
            "umask": 0o117,  # of a Unix socket: for our account and its group
            "control_socket_disable": True,
            "worker_exit": _write_reads,
            "logger_class": ServerLog,
            "loglevel": "warning",
            "proc_name": "closures-web",
        }
        for name, value in stated.items():
            if name in self.cfg.settings:
                self.cfg.set(name, value)

    def load(self) -> Any:
        """Make the application before the workers are forked; each opens the database for itself."""
        sys.setswitchinterval(_SWITCH_SECONDS)
        made = create_app(self._settings)
        made.extensions[EXTENSION].store.close()
        # A collection writes to every object that it looks at, and so makes each worker its own copy of all the code:
        # what is there before the fork is never looked at again.
        gc.freeze()
        gc.set_threshold(_OBJECTS)
        return made


def _write_reads(_server: object, worker: WaitingRoom) -> None:
    """Write the reads that wait for their second, when the last request of a worker was answered."""
    worker.app.wsgi().extensions[EXTENSION].read_log.flush()


def _most_connections() -> int:
    """Return how many connections a worker may hold: each is an open file, and a shell may allow 1,024 of them."""
    allowed, most = (
        float("inf") if limit == resource.RLIM_INFINITY else limit
        for limit in resource.getrlimit(resource.RLIMIT_NOFILE)
    )
    files = int(min(_CONNECTIONS + _OTHER_FILES, most))
    if allowed < files:
        resource.setrlimit(resource.RLIMIT_NOFILE, (files, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    return files - _OTHER_FILES


def serve(settings: Settings) -> None:
    """Serve pages, API and feeds until SIGTERM or SIGINT. Raise ``ListeningRefused`` where it cannot listen."""
    configure_log(settings.log, settings.security_log)
    require_free(settings.host, settings.port)
    WebServer(settings).run()
