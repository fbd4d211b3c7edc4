"""How many requests of one program may be writing at once in a process."""

import threading
import time

import pytest
from flask import Flask

from app.web.at_once import MOST_AT_ONCE, TooMuchAtOnce, install_shares
from app.wsgi import THREADS


@pytest.fixture
def slow():
    """A site whose writing waits to be let go: (application, what began, what lets it go)."""
    app, begun, let_go = Flask("slow"), [], threading.Event()
    install_shares(app)
    app.register_error_handler(TooMuchAtOnce, lambda problem: (str(problem), 503))

    @app.route("/", methods=["GET", "PUT"])
    def serve():
        begun.append(threading.get_ident())
        let_go.wait(60)
        return "done"

    yield app, begun, let_go
    let_go.set()


def asking(app, credential, answers, method="PUT"):
    def ask():
        headers = {"Authorization": credential} if credential else {}
        answers.append(app.test_client().open("/", method=method, headers=headers).status_code)

    thread = threading.Thread(target=ask)
    thread.start()
    return thread


def wait_until(holds):
    until = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.001)


def test_one_works_some_wait_and_what_is_more_is_refused_at_once(slow):
    app, begun, let_go = slow
    answers, others = [], []
    threads = [asking(app, "Basic noisy", answers) for _ in range(MOST_AT_ONCE)]
    wait_until(lambda: begun)
    while 503 not in answers:  # until as many as may have come in
        one = asking(app, "Basic noisy", answers)
        one.join(0.2)
        threads.append(one)
    assert (set(answers), len(begun)) == ({503}, 1)
    threads += [asking(app, "Basic calm", others), asking(app, None, others), asking(app, "Basic noisy", others, "GET")]
    wait_until(lambda: len(begun) == 4)
    let_go.set()
    for thread in threads:
        thread.join(60)
    assert (answers.count(200), set(answers)) == (MOST_AT_ONCE, {200, 503})
    assert others == [200, 200, 200]
    assert app.test_client().put("/", headers={"Authorization": "Basic noisy"}).status_code == 200


def test_a_process_has_a_thread_left_beside_one_credentials_notices_and_reports():
    reports = 2  # a large one at work, and one that waits
    assert MOST_AT_ONCE + reports < THREADS
