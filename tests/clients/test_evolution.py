"""Evolution's own calendar engine (evolution-data-server), without its window: what it does when a person works in it."""

import json
import os
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

import pytest

ENGINE = Path("/usr/libexec/evolution-calendar-factory")
LIBRARY = Path("/usr/lib/x86_64-linux-gnu/girepository-1.0/ECal-2.0.typelib")
SCRIPT = """
import base64, json, sys, time, urllib.request
import gi
gi.require_version("EDataServer", "1.2"); gi.require_version("ECal", "2.0"); gi.require_version("ICalGLib", "3.0")
from gi.repository import ECal, EDataServer, GLib, ICalGLib
stated, found = json.load(sys.stdin), {}
DOES_NOT_ASK, EVERY, THIS = ECal.OperationFlags.NONE, ECal.ObjModType.ALL, ECal.ObjModType.THIS

def wait(what):
    context, until = GLib.MainContext.default(), time.monotonic() + 60
    while not (seen := what()):
        assert time.monotonic() < until, "nothing came of it"
        while context.iteration(False):
            pass
        time.sleep(0.05)
    return seen

def connect():
    registry = EDataServer.SourceRegistry.new_sync(None)
    source = EDataServer.Source.new_with_uid("closures", None)
    source.set_display_name("Closures")
    source.set_parent("caldav-stub")
    source.get_extension(EDataServer.SOURCE_EXTENSION_CALENDAR).set_backend_name("caldav")
    signing_in = source.get_extension(EDataServer.SOURCE_EXTENSION_AUTHENTICATION)
    signing_in.set_host(stated["host"]); signing_in.set_port(stated["port"]); signing_in.set_user(stated["user"])
    signing_in.set_method("plain/password")
    source.get_extension(EDataServer.SOURCE_EXTENSION_WEBDAV_BACKEND).set_resource_path(stated["path"])
    source.get_extension(EDataServer.SOURCE_EXTENSION_SECURITY).set_method("none")
    registry.commit_source_sync(source, None)
    source = wait(lambda: registry.ref_source("closures"))
    client = ECal.Client.connect_sync(source, ECal.ClientSourceType.EVENTS, 5, None)
    known = EDataServer.NamedParameters.new()
    known.set(EDataServer.SOURCE_CREDENTIAL_USERNAME, stated["user"])
    known.set(EDataServer.SOURCE_CREDENTIAL_PASSWORD, stated["password"])
    assert source.invoke_authenticate_sync(known, None)
    wait(lambda: source.get_connection_status() == EDataServer.SourceConnectionStatus.CONNECTED)
    return client

def event(uid, *lines):
    body = "".join(line + "\\r\\n" for line in (f"UID:{uid}", "DTSTAMP:20260101T000000Z", "SUMMARY:Words of ours", *lines))
    return ICalGLib.Component.new_from_string(f"BEGIN:VEVENT\\r\\n{body}END:VEVENT\\r\\n")

def shown(uid):
    wait(lambda: client.refresh_sync(None))
    try:
        return client.get_object_sync(uid, None, None)[1].get_dtstart().as_ical_string()
    except GLib.Error:
        return None

def tell(*lines):
    body = "\\r\\n".join(["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//ours//EN", "BEGIN:VEVENT", *lines, "END:VEVENT", "END:VCALENDAR", ""])
    asked = urllib.request.Request(stated["notices"], body.encode(), {"Content-Type": "text/calendar"})
    asked.add_header("Authorization", "Basic " + base64.b64encode(f"{stated['user']}:{stated['password']}".encode()).decode())
    urllib.request.urlopen(asked).close()

client = connect()
found["may write"] = not client.is_readonly()
client.create_object_sync(event("one", f"DTSTART:{stated['first']}", "DURATION:PT4H"), DOES_NOT_ASK, None)
moved = client.get_object_sync("one", None, None)[1]
moved.set_dtstart(ICalGLib.Time.new_from_string(stated["second"]))
client.modify_object_sync(moved, EVERY, DOES_NOT_ASK, None)
weekly = "RRULE:FREQ=WEEKLY;COUNT=3"
client.create_object_sync(event("series", f"DTSTART:{stated['third']}", "DURATION:PT2H", weekly), DOES_NOT_ASK, None)
client.remove_object_sync("series", stated["a week later"], THIS, DOES_NOT_ASK, None)
try:
    client.create_object_sync(event("endless", f"DTSTART:{stated['first']}"), DOES_NOT_ASK, None)
except GLib.Error as refused:
    found["a refused event is told"] = refused.message
found["and is not kept"] = shown("endless") is None
tell("UID:one", "DTSTAMP:20260102T000000Z", "SEQUENCE:9", f"DTSTART:{stated['fourth']}", "DURATION:PT4H")
found["what we move arrives"] = bool(wait(lambda: shown("one") == stated["fourth"]))
client.remove_object_sync("one", None, EVERY, DOES_NOT_ASK, None)
found["what is deleted is gone"] = shown("one") is None
print(json.dumps(found))
"""


@pytest.mark.slow
def test_a_day_in_evolution(running, tmp_path, instants):
    if not (ENGINE.exists() and LIBRARY.exists()):
        pytest.skip("NOT RUN: evolution-data-server, gir1.2-ecal-2.0 and dbus are not installed; .ci/run installs them")
    sender = running.enrol()
    where, gateway = urlsplit(running.base), sender.gateways[0]
    stated = {
        "host": where.hostname, "port": where.port, "user": sender.code, "password": sender.password,
        "path": f"/dav/calendars/{sender.code}/{gateway}/",
        "notices": f"{running.base}/api/v1/notices?gateway={gateway}", **instants,
    }  # fmt: skip
    done = subprocess.run(
        ["dbus-run-session", "--", "/usr/bin/python3", "-c", SCRIPT],
        input=json.dumps(stated), capture_output=True, text=True, timeout=180, check=False,
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), "XDG_RUNTIME_DIR": str(tmp_path), "LC_ALL": "C.UTF-8"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout.splitlines()[-1])
    told = found.pop("a refused event is told")
    assert found == {
        "may write": True,
        "and is not kept": True,
        "what we move arrives": True,
        "what is deleted is gone": True,
    }
    assert "This event has no end" in told
    assert running.story(sender) == [
        (gateway, "planned", ["first notice"]),
        (gateway, "withdrawn", ["first notice", "withdrawn"]),
        (gateway, "planned", ["first notice"]),
        (gateway, "withdrawn", ["first notice", "moved", "moved", "withdrawn"]),
    ]
