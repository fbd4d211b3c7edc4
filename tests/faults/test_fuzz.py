"""Made and mutilated requests through the whole application: no fault, no long work, little memory (docs/targets.md, 4).

The number of requests is CLOSURES_FUZZ, the first of them CLOSURES_FUZZ_FIRST (make fuzz N=1000000). One that goes
wrong is named by its number, and its octets are written to a file.
"""

import os
import time
from base64 import b64encode

import psutil
import pytest
from werkzeug.test import EnvironBuilder, run_wsgi_app

from app.jobs.sweep import sweep
from app.register.people.enrolment import issue_token
from app.register.verification import verify_record
from tests.conftest import NOW
from tests.faults.fuzzer import Request

COUNT = int(os.environ.get("CLOSURES_FUZZ", "600"))
FIRST = int(os.environ.get("CLOSURES_FUZZ_FIRST", "0"))
SHARE = 1_000  # requests to one register: a dry run reads all that is planned, and much would be
SECONDS = 1.0  # of processor time
OCTETS = 150_000_000  # more than were held before the requests: what else this process ran is not theirs


class Judge:
    """Sends requests as ALPHA's program, and says what went wrong."""

    def __init__(self, web, token):
        self.app = web.wsgi_app
        self.credential = "Basic " + b64encode(f"ALPHA:{token}".encode()).decode()

    def fault(self, request):
        """Name the fault that a request brings: its status, or its seconds; "" for none."""
        headers = {"Authorization": self.credential} | request.headers
        seconds = []
        while len(seconds) < 3:  # the least of three: others on the machine make the same work seem longer
            try:
                asked = EnvironBuilder(request.path, method=request.method, data=request.body, headers=headers)
                environ = asked.get_environ()
            except (UnicodeError, ValueError):
                return ""  # no address that a server could have passed on
            began = time.process_time()
            try:
                _, status, _ = run_wsgi_app(self.app, environ, buffered=True)
            except Exception as problem:  # noqa: BLE001 - whatever gets out of the application is a fault
                return repr(problem)
            seconds.append(time.process_time() - began)
            if status >= "500":
                return status
            if seconds[-1] <= SECONDS:
                return ""
        return f"{min(seconds):.1f} s"


@pytest.fixture
def judge(web, store, register, alpha):
    sweep(register, NOW)  # health is 503 by right where the scheduler never ran
    _, token = issue_token(store, label="test", now=NOW, user_code="ALPHA")
    return Judge(web, token)


@pytest.mark.parametrize("first", range(FIRST, FIRST + COUNT, SHARE))
def test_no_request_brings_a_fault(judge, register, tmp_path, first):
    numbers, wrong = range(first, min(first + SHARE, FIRST + COUNT)), {}
    before = psutil.Process().memory_info().rss
    for number in numbers:
        request = Request(number)
        fault = judge.fault(request)
        if fault:
            wrong[number] = f"{fault}: {request.kind} {request.method} {request.path[:100]!r}"
            (tmp_path / f"request-{number}").write_bytes(request.body)
    assert wrong == {}, f"their bodies are in {tmp_path}"
    held = psutil.Process().memory_info().rss - before
    assert held < OCTETS
    assert verify_record(register).faults == ()
    print(f"{len(numbers)} requests from {first}: no fault; {held // 1_000_000} MB more held")


def test_a_fault_and_long_work_are_seen(judge, web):
    def fail():
        raise RuntimeError

    def dawdle():
        until = time.process_time() + SECONDS
        while time.process_time() < until:
            pass
        return ""

    request = Request(0)
    request.method, request.path, request.body = "GET", "/healthz", b""
    web.view_functions["status.healthz"] = fail
    assert judge.fault(request) == "500 INTERNAL SERVER ERROR"
    web.view_functions["status.healthz"] = dawdle
    assert judge.fault(request) == "1.0 s"
