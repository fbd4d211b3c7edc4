"""`closures serve` as a process for tests of slow clients, and what such clients send."""

import contextlib
import http.client
import os
import socket
import subprocess
import sys
import time

REQUEST = b"GET /livez HTTP/1.1\r\nHost: a\r\n\r\n"
HALF_HEAD = b"GET /livez HTTP/1.1\r\nHost: a\r\nX-Half: "
HALF_BODY = b"POST /api/v1/notices HTTP/1.1\r\nHost: a\r\nContent-Type: text/calendar\r\nContent-Length: 9\r\n\r\nhalf"
HALF_CHUNKS = b"POST /api/v1/notices HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nha"
SLOW = {"nothing": b"", "half a head": HALF_HEAD, "half a body": HALF_BODY, "half a chunk": HALF_CHUNKS}
# The worker as it was before: a thread waits for each client.
A_THREAD_EACH = "import app.wsgi; app.wsgi.WaitingRoom = 'gthread'"
# Whatever asks for /slow waits until somebody asks for /go.
ONE_SLOW_VIEW = """
import threading
import app.wsgi
shipped, let_go = app.wsgi.create_app, threading.Event()

def create_app(settings):
    made = shipped(settings)
    served = made.wsgi_app

    def serve(environ, start):
        path = environ["PATH_INFO"]
        if path not in ("/slow", "/go"):
            return served(environ, start)
        let_go.set() if path == "/go" else let_go.wait(90)
        start("200 OK", [("Content-Length", "0")])
        return [b""]

    made.wsgi_app = serve
    return made

app.wsgi.create_app = create_app
pass"""
SERVE = (
    "; import os; from app.wsgi import serve; from app.settings import read_settings; serve(read_settings(os.environ))"
)


class Server:
    """`closures serve`, with other limits where a test states them."""

    def __init__(self, environ, otherwise="pass"):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        full = os.environ | environ | {"CLOSURES_PORT": str(self.port)}
        self.process = subprocess.Popen([sys.executable, "-c", otherwise + SERVE], env=full)
        self.opened = []
        for _ in range(900):
            assert self.process.poll() is None
            with contextlib.suppress(OSError):
                if self.answers():
                    return
            time.sleep(0.1)
        raise AssertionError("the server did not come up")

    def open(self, octets=b"", source="127.0.0.1"):
        client = socket.create_connection(("127.0.0.1", self.port), 60, (source, 0))
        self.opened.append(client)
        client.sendall(octets)
        return client

    def answers(self, timeout=60):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        with contextlib.closing(connection):
            connection.request("GET", "/livez")
            return connection.getresponse().status == 200

    def stop(self):
        for client in self.opened:
            client.close()
        self.process.terminate()
        self.process.wait(60)
