"""The functional suites of python-caldav and vdirsyncer, from their own source distributions, against this service."""

import json
import os
import subprocess

import pytest

CALDAV, VDIRSYNCER = "caldav==3.6.0", "vdirsyncer==0.21.0"
# What this service says of itself and nothing more: one collection for a gateway, made by an admin, and events only.
SERVER = """
test-servers:
  closures:
    type: external
    enabled: true
    url: {base}/dav/
    username: {user}
    password: {password}
    features:
      create-calendar: {{support: unsupported}}
      delete-calendar: {{support: unsupported}}
      save-load.todo: {{support: ungraceful}}
      save-load.journal: {{support: ungraceful}}
      scheduling: {{support: unsupported}}
      test-calendar: {{cleanup-regime: wipe-calendar}}
      test-calendar.compatibility-tests: {{name: {gateway}, cleanup-regime: wipe-calendar}}
"""
# Their own settings ask for coverage and for warnings that are theirs to mend.
QUIETLY = ("-q", "-o", "addopts=", "-o", "asyncio_default_fixture_loop_scope=function", "-W", "ignore")
MIXIN = """
import json, os
import pytest

_FREE = json.loads(os.environ["CLOSURES_SUITE"])

class ServerMixin:
    @pytest.fixture
    def get_storage_args(self, request, aio_connector):
        async def inner(collection="test"):
            args = {"url": _FREE["base"], "username": _FREE["user"], "password": _FREE["password"],
                    "connector": aio_connector}
            if collection is None:
                return args
            gateway = _FREE["gateways"].pop()
            args["url"] += f"/dav/calendars/{_FREE['user']}/{gateway}/"
            # A test calls a calendar as it likes; what is discovered is called as its gateway is.
            args["collection"] = gateway if request.node.originalname == "test_discover" else collection
            return args
        return inner
"""


def run_suite(words, folder, **environ):
    report = folder / "report.xml"
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "CLOSURES_", "COV_"))}
    done = subprocess.run(
        [*words, *QUIETLY, f"--junitxml={report}"],
        cwd=folder, env={**clean, **environ}, capture_output=True, text=True, timeout=900, check=False,
    )  # fmt: skip
    return report, done.stdout[-6000:] + done.stderr[-2000:]


@pytest.mark.slow
def test_the_functional_suites_of_python_caldav(running, environment_of, sources_of, report_of):
    sender = running.enrol()
    folder = sources_of(CALDAV)
    needed = ["pytest", "pytest-asyncio", "vobject", "tzlocal", "PyYAML", "manuel", "pyfakefs", "proxy.py", "httpx"]
    programs = environment_of(CALDAV, *needed)
    (folder / "tests" / "caldav_test_servers.yaml").write_text(
        SERVER.format(base=running.base, user=sender.code, password=sender.password, gateway=sender.gateways[0])
    )
    report, said = run_suite(
        [
            programs / "python",
            "-m",
            "pytest",
            "tests/test_caldav.py",
            "tests/test_async_integration.py",
            "-k",
            "Closures",
        ],
        folder,
        PYTHON_CALDAV_TEST_EMBEDDED="0",
        PYTHON_CALDAV_TEST_DOCKER="0",
    )
    passed, failed, skipped = report_of(report)
    assert (failed, said if failed else "") == ([], "")
    assert passed > 100
    print(f"python-caldav: {passed} passed, {len(skipped)} skipped: {skipped}")


@pytest.mark.slow
def test_the_storage_suite_of_vdirsyncer(running, environment_of, sources_of, report_of):
    sender = running.enrol(gateways=80)
    folder = sources_of(VDIRSYNCER)
    programs = environment_of(
        VDIRSYNCER, "pytest", "pytest-asyncio", "aioresponses", "aiostream", "hypothesis", "requests"
    )
    server = folder / "tests" / "storage" / "servers" / "closures"
    server.mkdir()
    (server / "__init__.py").write_text(MIXIN)
    stated = {
        "base": running.base,
        "gateways": sender.gateways,
        "user": sender.code,
        "password": sender.password,
    }
    # VTODO is not for a register of closures (one test wants both kinds in one collection), nor is MKCALENDAR.
    wanted = "not VTODO and not test_item_types_general and not test_create_collection"
    report, said = run_suite(
        [
            programs / "python",
            "-m",
            "pytest",
            "tests/storage/dav/test_caldav.py",
            "tests/storage/dav/test_main.py",
            "-k",
            wanted,
        ],
        folder,
        DAV_SERVER="closures",
        CLOSURES_SUITE=json.dumps(stated),
    )
    passed, failed, skipped = report_of(report)
    assert (failed, said if failed else "") == ([], "")
    assert passed > 40
    print(f"vdirsyncer: {passed} passed, {len(skipped)} skipped: {skipped}")
