"""A row that was altered is named by its list with the command that ends it, and the others are shown."""

import pytest
from pysqlite3 import dbapi2
from sqlalchemy import make_url

_LISTS = {
    "token": ("app password", ("token", "add", "--user", "ALPHA", "--label"), "tokens", "tokens", "revoke"),
    "subscription": (
        "subscription", ("subscription", "add", "--scope", "all", "--label"), "subscriptions", "subscriptions", "revoke"
    ),
}  # fmt: skip


@pytest.mark.parametrize("group", _LISTS)
def test_the_list_goes_on_and_the_altered_row_can_be_ended(alpha_closures, environ, group):
    noun, add, table, key, end = _LISTS[group]
    made = [alpha_closures(*add, label, "--json").json["id"] for label in ("one", "two")]
    with dbapi2.connect(make_url(environ["CLOSURES_DATABASE_URL"]).database) as driver:
        shown = "lower(hex(id))" if group == "token" else "id"
        driver.execute(f"UPDATE {table} SET expires_at = expires_at + 1 WHERE {shown} = ?", [made[0]])
    said = alpha_closures(group, "list", "--json").json
    assert ([one["id"] for one in said[key]], said["altered"]) == ([made[1]], [made[0]])
    assert alpha_closures(group, "list").lines[-1] == (
        f"The {noun} {made[0]} cannot be read: it was altered. End it: closures {group} {end} {made[0]}"
    )
    assert alpha_closures(group, end, made[0]).exit_code == 0
    said = alpha_closures(group, "list", "--json").json
    assert {one["id"]: one["state"] for one in said[key]} == {made[0]: "revoked", made[1]: "live"}
    assert said["altered"] == []
    assert alpha_closures("record", "verify").exit_code == 0
