"""Thunderbird itself, without its window, driven by its own remote protocol: what it does when a person works in it."""

import json
import os
import shutil
import signal
import socket
import subprocess
import time
from contextlib import contextmanager

import pytest

# What a first start would ask, fetch or report.
QUIET = {
    "app.update.enabled": False,
    "calendar.timezone.local": "Europe/London",
    "calendar.timezone.useSystemTimezone": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "mail.provider.suppress_dialog_on_startup": True,
    "mail.shell.checkDefaultClient": False,
    "mailnews.start_page.enabled": False,
    "network.proxy.type": 0,
    "security.allow_unsafe_chrome_eval": True,
    "toolkit.telemetry.enabled": False,
}
SCRIPT = """
const { cal } = ChromeUtils.importESModule("resource:///modules/calendar/calUtils.sys.mjs");
const { CalEvent } = ChromeUtils.importESModule("resource:///modules/CalEvent.sys.mjs");
const found = {};
const wait = async what => {
  for (let tries = 0; tries < 300; tries++) {
    const seen = await what();
    if (seen) return seen;
    await new Promise(done => setTimeout(done, 200));
  }
  throw new Error("nothing came of it");
};
const login = Cc["@mozilla.org/login-manager/loginInfo;1"].createInstance(Ci.nsILoginInfo);
login.init(stated.base, null, stated.realm, stated.user, stated.password, "", "");
await Services.logins.addLoginAsync(login);
const calendar = cal.manager.createCalendar("caldav", Services.io.newURI(stated.base + stated.path));
calendar.name = "Closures";
calendar.setProperty("username", stated.user);
let loads = 0;
calendar.addObserver({
  QueryInterface: ChromeUtils.generateQI(["calIObserver"]),
  onLoad() { loads++; }, onStartBatch() {}, onEndBatch() {}, onAddItem() {}, onModifyItem() {}, onDeleteItem() {},
  onError() {}, onPropertyChanged() {}, onPropertyDeleting() {},
});
cal.manager.registerCalendar(calendar);
await wait(() => loads > 0);
found["may write"] = !calendar.readOnly && !calendar.getProperty("disabled");
const event = (uid, ...lines) => new CalEvent(["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//ours//EN", "BEGIN:VEVENT",
  `UID:${uid}`, "DTSTAMP:20260101T000000Z", "SUMMARY:Words of ours", ...lines, "END:VEVENT", "END:VCALENDAR", ""].join("\\r\\n"));
const changed = async (uid, change) => {
  const before = await calendar.getItem(uid), after = before.clone();
  change(after, before);
  await calendar.modifyItem(after, before);
};
const fresh = async uid => { calendar.refresh(); return calendar.getItem(uid); };
await calendar.addItem(event("one", `DTSTART:${stated.first}`, "DURATION:PT4H"));
await changed("one", item => {
  item.startDate = cal.createDateTime(stated.second);
});
await calendar.addItem(event("series", `DTSTART:${stated.third}`, "DURATION:PT2H", "RRULE:FREQ=WEEKLY;COUNT=3"));
await changed("series", item => item.recurrenceInfo.removeOccurrenceAt(cal.createDateTime(stated["a week later"])));
try {
  await calendar.addItem(event("endless", `DTSTART:${stated.first}`));
} catch (refused) {
  found["a refused event is told"] = String(refused);
}
found["and is not kept"] = !(await calendar.getItem("endless"));
await fetch(stated.notices, { method: "POST", credentials: "omit",
  headers: { "Content-Type": "text/calendar", Authorization: "Basic " + btoa(stated.user + ":" + stated.password) },
  body: ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//ours//EN", "BEGIN:VEVENT", "UID:one", "DTSTAMP:20260102T000000Z",
    "SEQUENCE:9", `DTSTART:${stated.fourth}`, "DURATION:PT4H", "END:VEVENT", "END:VCALENDAR", ""].join("\\r\\n") });
found["what we move arrives"] = !!(await wait(async () => (await fresh("one")).startDate.icalString == stated.fourth));
await calendar.deleteItem(await calendar.getItem("one"));
found["what is deleted is gone"] = !(await fresh("one"));
return found;
"""


class Remote:
    """A session of the Marionette protocol: each message is its length, a colon and JSON."""

    def __init__(self, connection):
        self._connection, self._answers, self._number = connection, connection.makefile("rb"), 0
        self._receive()
        self.ask("WebDriver:NewSession", capabilities={"alwaysMatch": {}})
        self.ask("Marionette:SetContext", value="chrome")
        self.ask("WebDriver:SetTimeouts", script=150_000)

    def _receive(self):
        length = b""
        while (character := self._answers.read(1)) != b":":
            assert character, "Thunderbird went away"
            length += character
        return json.loads(self._answers.read(int(length)))

    def ask(self, name, **given):
        self._number += 1
        message = json.dumps([0, self._number, name, given])
        self._connection.sendall(f"{len(message)}:{message}".encode())
        _, _, error, value = self._receive()
        assert error is None, error
        return value

    def run(self, script, stated):
        """Run a program that may wait, and return what it returns."""
        whole = (
            "const [stated, done] = arguments;"
            f"(async () => {{{script}}})().then(found => done({{found}}), error => done({{error: `${{error}} ${{error.stack}}`}}));"
        )
        answer = self.ask("WebDriver:ExecuteAsyncScript", script=whole, args=[stated])["value"]
        assert "error" not in answer, answer["error"]
        return answer["found"]


@contextmanager
def thunderbird(folder):
    """A fresh Thunderbird with a profile of its own, and the way to tell it what to do."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    profile = folder / "profile"
    profile.mkdir()
    set_to = {**QUIET, "marionette.port": port}
    (profile / "user.js").write_text(
        "".join(f"user_pref({json.dumps(key)}, {json.dumps(value)});\n" for key, value in set_to.items())
    )
    process = subprocess.Popen(
        ["thunderbird", "--headless", "--marionette", "--remote-allow-system-access", "--no-remote", "--profile", profile],
        env={"PATH": os.environ["PATH"], "HOME": str(folder), "LC_ALL": "C.UTF-8"},
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    try:
        until = time.monotonic() + 90
        while True:
            try:
                connection = socket.create_connection(("127.0.0.1", port), 5)
                break
            except OSError:
                assert time.monotonic() < until
                time.sleep(0.2)
        connection.settimeout(180)
        with connection:
            yield Remote(connection)
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(30)


@pytest.mark.slow
def test_a_day_in_thunderbird(running, tmp_path, instants):
    if shutil.which("thunderbird") is None:
        pytest.skip("NOT RUN: thunderbird is not installed; .ci/run installs it")
    sender = running.enrol()
    gateway = sender.gateways[0]
    stated = {
        "base": running.base, "realm": "Planned gateway closures calendars", "user": sender.code,
        "password": sender.password, "path": f"/dav/calendars/{sender.code}/{gateway}/",
        "notices": f"{running.base}/api/v1/notices?gateway={gateway}", **instants,
    }  # fmt: skip
    with thunderbird(tmp_path) as program:
        found = program.run(SCRIPT, stated)
    told = found.pop("a refused event is told")
    assert found == {
        "may write": True,
        "and is not kept": True,
        "what we move arrives": True,
        "what is deleted is gone": True,
    }
    # It has no place for our sentence: the person sees that the server refused, and the event is not there.
    assert "403" in told
    assert running.story(sender) == [
        (gateway, "planned", ["first notice"]),
        (gateway, "withdrawn", ["first notice", "withdrawn"]),
        (gateway, "planned", ["first notice"]),
        (gateway, "withdrawn", ["first notice", "moved", "moved", "withdrawn"]),
    ]
