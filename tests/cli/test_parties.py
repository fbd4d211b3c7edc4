"""Users and gateways by the command line."""


def test_a_user_is_added_in_any_case_and_listed(closures):
    said = closures(
        "user", "add", "beta", "Beta Grid", "--category", "gas network", "--role", "gas transporter", "--json"
    )
    facts = {"code": "BETA", "name": "Beta Grid", "category": "Gas Network", "roles": ["Gas Transporter"]}
    assert (said.exit_code, said.json) == (0, facts)
    closures("user", "add", "ALPHA", "Alpha Energy")
    assert closures("user", "list", "--json").json["users"] == [
        {"code": "ALPHA", "name": "Alpha Energy", "category": "Other", "roles": []},
        facts,
    ]
    assert closures("user", "list").lines == [
        "CODE   NAME          CATEGORY     ROLES",
        "ALPHA  Alpha Energy  Other        -",
        "BETA   Beta Grid     Gas Network  Gas Transporter",
    ]


def test_nobody_there_is_said(closures):
    assert closures("user", "list").lines == ["There are no Users yet."]
    assert closures("gateway", "list").lines == ["There are no gateways yet."]


def test_a_code_is_taken_once(alpha_closures):
    said = alpha_closures("user", "add", "Alpha", "Another")
    assert said.exit_code == 1
    assert said.stderr.splitlines() == ["There is a User with that code already.", "Choose another code."]


def test_what_is_no_code_is_usage(closures):
    said = closures("user", "add", "al pha", "Alpha")
    assert said.exit_code == 2
    assert "That is not a code." in said.stderr


def test_a_name_that_steers_terminals_is_refused(closures):
    said = closures("user", "add", "EVIL", "\x1b[2J")
    assert said.exit_code == 1
    assert said.stderr.splitlines()[0] == "That is not a name."
    assert closures("user", "list", "--json").json == {"users": []}


def test_one_gateway_carries_two_users(alpha_closures):
    alpha_closures("user", "add", "BETA", "Beta Grid")
    said = alpha_closures("gateway", "add", "beta", "gw-a1", "--name", "another name", "--json")
    assert said.json == {"user": "BETA", "gateway": "GW-A1", "name": "GW-A1"}
    assert alpha_closures("gateway", "list", "--json").json["gateways"] == [
        {"code": "GW-A1", "name": "GW-A1", "users": ["ALPHA", "BETA"]},
        {"code": "GW-A2", "name": "GW-A2", "users": ["ALPHA"]},
    ]


def test_a_gateway_needs_its_user(closures):
    assert closures("gateway", "add", "NOBODY", "GW-1").stderr.splitlines()[0] == "There is no such User."
