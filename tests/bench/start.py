"""How soon `closures up` answers, and what it holds at rest: ``python tests/bench/start.py [N] [--rounds R]``.

In each round, in turn: Flask imported by a Python of its own, `closures up` in an empty folder, and over the register
of N closures of growth.py. Printed are medians of the wall clock and of the CPU time of all processes, each beside that
of the import, and memory once the scheduler did its first work (PSS: shared pages counted once). Nothing here is a test.
"""

import argparse
import http.client
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict

import psutil
from feeds_and_intake import free_port
from growth import fill

UNTIL_AT_REST = 8.0  # seconds, within which the scheduler took the lead and swept


def imported():
    """Return (wall, CPU) seconds of `import flask`."""
    began, before = time.perf_counter(), os.times()
    subprocess.run([sys.executable, "-c", "import flask"], check=True)
    after = os.times()
    spent = after.children_user + after.children_system - before.children_user - before.children_system
    return time.perf_counter() - began, spent


def asked(port, path):
    """Return the status of an answer, None where nobody answers yet."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        answer.read()
    except OSError:
        return None
    finally:
        connection.close()
    return answer.status


def started(folder, found):
    """Start it there, and note what that takes."""
    port = free_port()
    places = {"CLOSURES_DATA_DIR": f"{folder}/data", "CLOSURES_KEY_DIR": f"{folder}/keys"}
    command = [sys.executable, "-c", "from app.cli import main; main()", "up"]
    began = time.perf_counter()
    up = subprocess.Popen(command, env=os.environ | places | {"CLOSURES_PORT": str(port)}, stdout=subprocess.DEVNULL)
    try:
        while asked(port, "/livez") != 200:
            time.sleep(0.01)
        found["first answer"].append(time.perf_counter() - began)
        found["first answer, CPU"].append(sum(sum(one.cpu_times()) for one in tree(up)))
        asking = time.perf_counter()
        if asked(port, "/sign-in") != 200:
            raise SystemExit("no page came")
        found["first page after it"].append(time.perf_counter() - asking)
        time.sleep(UNTIL_AT_REST)
        found["PSS"].append(sum(one.memory_full_info().pss for one in tree(up)) / 1e6)
        found["processes"].append(len(tree(up)))
    finally:
        up.send_signal(signal.SIGTERM)
        up.wait(60)


def tree(process):
    """Return the process with all that it started."""
    whole = psutil.Process(process.pid)
    return [whole, *whole.children(recursive=True)]


def told(found, flask):
    """Return the figures in words, with the ratio to the import of Flask."""
    for name, figures in found.items():
        median = statistics.median(figures)
        if name == "PSS":
            yield f"{name} {median:.0f} MB"
        elif name == "processes":
            yield f"{median:.0f} {name}"
        else:
            yield f"{name} {median:.2f} s ({median / flask[name.endswith('CPU')]:.1f})"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("count", nargs="?", type=int, default=1_000)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    imports, found = [], {"empty": defaultdict(list), f"{given.count:,} closures": defaultdict(list)}
    with tempfile.TemporaryDirectory() as held:
        fill(held, given.count)
        for _ in range(given.rounds):
            imports.append(imported())
            with tempfile.TemporaryDirectory() as fresh:
                for place, figures in zip((fresh, held), found.values(), strict=True):
                    started(place, figures)
    flask = [statistics.median(column) for column in zip(*imports, strict=True)]
    print(f"import flask: {flask[0]:.2f} s, CPU {flask[1]:.2f} s; in brackets how many times that")
    for name, figures in found.items():
        print(f"{name}: {', '.join(told(figures, flask))}")


if __name__ == "__main__":
    main()
