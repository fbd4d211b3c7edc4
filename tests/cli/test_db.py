from app.store import schema


def test_upgrade_makes_database_and_keys_and_may_be_repeated(bare):
    assert bare("db", "upgrade", "--json").json == {"migration": schema.NEWEST}
    again = bare("db", "upgrade")
    assert (again.exit_code, again.lines) == (0, [f"The database is at migration {schema.NEWEST}, the newest."])


def test_check_tells_an_empty_database_from_a_current_one(bare):
    assert bare("db", "check").exit_code == 1
    bare("db", "upgrade")
    said = bare("db", "check", "--json")
    assert (said.exit_code, said.json) == (0, {"migration": schema.NEWEST, "current": True, "policy_version": 1})


def test_check_refuses_a_database_whose_keys_are_elsewhere(closures, tmp_path):
    said = closures("db", "check", CLOSURES_KEY_DIR=str(tmp_path / "nowhere"))
    assert said.exit_code == 1
    assert said.stderr.splitlines()[0] == f"There is no key folder {tmp_path / 'nowhere'}."
