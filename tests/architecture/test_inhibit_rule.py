"""The shipped rule that mutes alerts of a closed gateway, as Debian's Alertmanager reads it and goes by it."""

import subprocess
import time

from tests.alertmanager import CONFIG, require_alertmanager


def test_amtool_finds_nothing_wrong_with_it():
    require_alertmanager()
    done = subprocess.run(["amtool", "check-config", CONFIG], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert [line.strip() for line in done.stdout.splitlines()] == [
        f"Checking '{CONFIG}'  SUCCESS", "Found:", "- global config", "- route", "- 1 inhibit rules", "- 2 receivers",
        "- 0 templates", "",
    ]  # fmt: skip


def test_a_closed_gateway_mutes_its_own_alerts_and_nothing_else(alertmanager):
    closed = {"alertname": "GatewayClosed", "gateway": "GW-1", "severity": "none"}
    down = [{"alertname": "GatewayDown", "gateway": name} for name in ("GW-1", "GW-2")]
    others = [{"alertname": "DiskFull"}, {"alertname": "ClosuresGatewayOverTime", "gateway": "GW-1"}]
    expected = {tuple(sorted(labels.items())): (0, 0) for labels in (closed, *down, *others)}
    expected[tuple(sorted(down[0].items()))] = (0, 1)
    alertmanager.fire(closed, *down, *others)
    for _ in range(200):
        found = alertmanager.muted()
        if found == expected:
            break
        time.sleep(0.05)
    assert found == expected
