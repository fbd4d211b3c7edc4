"""Rotation keeps everything readable; shredding makes one User unreadable for good, after saying so."""


def test_rotation_keeps_what_is_there_readable(alpha_closures, notified):
    assert alpha_closures("keys", "rotate", "--json").json == {"rotated": 2, "epoch": 1}
    assert [one["reference"] for one in alpha_closures("schedule", "--json").json["closures"]] == [notified]


def test_rotation_of_the_root_says_how_far_it_has_come(alpha_closures, notified):
    def status():
        found = alpha_closures("keys", "status", "--json").json
        return [found[name] for name in ("epoch", "settled", "left")], found["signing_key"]

    before, key = status()
    assert before == [1, True, 0]
    assert alpha_closures("keys", "rotate", "--root", "--json").json == {"rotated": 2, "epoch": 2}
    (epoch, settled, left), newest = status()
    assert (epoch, settled, left > 10, newest == key) == (2, False, True, False)
    assert f"Values still open to keys of before: {left}." in alpha_closures("keys", "status").stdout
    assert [one["reference"] for one in alpha_closures("schedule", "--json").json["closures"]] == [notified]
    assert alpha_closures("record", "verify").exit_code == 0


def test_rotation_of_a_given_key_needs_the_new_one(bare, tmp_path):
    old, new = "11" * 32, "22" * 32
    bare("db", "upgrade", CLOSURES_KEK=old)
    bare("user", "add", "ALPHA", "Alpha", CLOSURES_KEK=old)
    assert bare("keys", "rotate", CLOSURES_KEK=old).exit_code == 1
    (tmp_path / "new-kek").write_text(new)
    assert bare("keys", "rotate", "--new-kek-file", str(tmp_path / "new-kek"), CLOSURES_KEK=old).exit_code == 0
    assert bare("user", "list", CLOSURES_KEK=old).exit_code == 1
    assert bare("user", "list", "--json", CLOSURES_KEK=new).json["users"][0]["code"] == "ALPHA"


def test_shredding_asks_first_and_a_no_changes_nothing(alpha_closures, notified):
    said = alpha_closures("keys", "shred", "alpha", text="n\n")
    assert said.exit_code == 1
    assert said.stderr.splitlines()[0] == "Shredding destroys the data key of ALPHA (Alpha Energy). After it:"
    assert "It cannot be undone by anyone." in said.stderr
    assert [one["reference"] for one in alpha_closures("schedule", "--json").json["closures"]] == [notified]


def test_a_shredded_user_is_unreadable_as_of_then_too(alpha_closures, notified):
    alpha_closures("token", "add", "--user", "ALPHA", "--label", "m")
    assert alpha_closures("keys", "shred", "alpha", text="y\n").exit_code == 0
    assert alpha_closures("user", "list", "--json").json == {"users": []}
    assert alpha_closures("schedule", "--json").json["closures"] == []
    assert alpha_closures("schedule", "--as-of", "2026-11-25", "--json").json["closures"] == []
    assert alpha_closures("closure", "show", notified).exit_code == 1
    assert alpha_closures("record", "verify").exit_code == 0
    assert alpha_closures("gateway", "list", "--json").json["gateways"][0]["users"] == []
    assert alpha_closures("token", "list", "--json").json["tokens"][0]["for"] == "(shredded)"
    again = alpha_closures("keys", "shred", "ALPHA", "--yes")
    assert (again.exit_code, again.stderr.splitlines()[0]) == (1, "There is no such User.")


def test_shredding_by_a_program_asks_nothing(alpha_closures):
    said = alpha_closures("keys", "shred", "ALPHA", "--yes", "--json")
    assert (said.exit_code, said.json, said.stderr) == (0, {"shredded": "ALPHA"}, "")
