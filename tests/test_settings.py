"""Settings: read once, a bad one stops the start, and no value is echoed."""

import pytest

from app.settings import SettingsRefused, read_settings


def test_defaults():
    found = read_settings({})
    assert (str(found.data_dir), str(found.key_dir), found.base_url, found.host, found.port, found.is_https) == (
        "closures-data", "closures-keys", "http://127.0.0.1:8000", "127.0.0.1", 8000, False,
    )  # fmt: skip
    assert (found.web_workers, found.web_threads) == (2, 6)
    assert found.database.startswith("sqlite:////")
    assert found.database.endswith("/closures-data/closures.sqlite3")


def test_each_is_read_from_its_variable(tmp_path):
    secret = tmp_path / "url"
    secret.write_text("postgresql+psycopg://user:pass@host/db\n")
    found = read_settings(
        {
            "CLOSURES_DATABASE_URL_FILE": str(secret),
            "CLOSURES_BASE_URL": "https://closures.example.org/",
            "CLOSURES_PORT": "9000",
            "CLOSURES_TRUSTED_PROXIES": "1",
            "CLOSURES_LOG": "json",
            "OTHER": "x",
        }
    )
    assert (found.database, found.base_url, found.port, found.trusted_proxies, found.log, found.is_https) == (
        "postgresql+psycopg://user:pass@host/db", "https://closures.example.org", 9000, 1, "json", True,
    )  # fmt: skip
    assert "pass" not in repr(found)


@pytest.mark.parametrize(
    ("stated", "address"),
    [
        ({"CLOSURES_PORT": "9000"}, "http://127.0.0.1:9000"),
        ({"CLOSURES_PORT": "9000", "CLOSURES_BASE_URL": "https://a.example"}, "https://a.example"),
        ({"CLOSURES_HOST": "0.0.0.0"}, "http://127.0.0.1:8000"),
        ({"CLOSURES_HOST": "::"}, "http://127.0.0.1:8000"),
        ({"CLOSURES_HOST": "::1"}, "http://[::1]:8000"),
        ({"CLOSURES_HOST": "10.0.0.7", "CLOSURES_PORT": "9000"}, "http://10.0.0.7:9000"),
    ],
)
def test_the_address_goes_with_host_and_port_unless_it_is_stated(stated, address):
    assert read_settings(stated).base_url == address


SOCKET = {"CLOSURES_HOST": "unix:/run/closures/web.sock"}


def test_behind_a_socket_the_public_address_and_the_proxy_are_stated():
    with pytest.raises(SettingsRefused) as refused:
        read_settings(SOCKET)
    assert refused.value.text == (
        "The settings do not hold: CLOSURES_BASE_URL: Value error, must be an address such as "
        "https://closures.example.org; CLOSURES_TRUSTED_PROXIES: Value error, must be 1 or more behind a Unix socket: "
        "only the proxy knows who asks."
    )
    stated = {"CLOSURES_BASE_URL": "https://closures.example.org", "CLOSURES_TRUSTED_PROXIES": "1"}
    found = read_settings(SOCKET | stated)
    assert (found.listens_at, found.base_url, found.is_bare) == (
        "unix:/run/closures/web.sock", "https://closures.example.org", False,
    )  # fmt: skip


@pytest.mark.parametrize(("host", "place"), [("127.0.0.1", "127.0.0.1:8000"), ("::", "[::]:8000")])
def test_an_ipv6_address_stands_in_brackets_before_the_port(host, place):
    assert read_settings({"CLOSURES_HOST": host}).listens_at == place


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "many"), ("PORT", "0"), ("PORT", "65536"), ("BASE_URL", "ftp://x"), ("BASE_URL", "nonsense"),
        ("BASE_URL", "http://x/?a=1"), ("BASE_URL", "https://x.example/closures"), ("LOG", "loud"), ("TRUSTED_PROXIES", "-1"), ("TRUSTED_PROXIES", "6"),
        ("WEB_WORKERS", "0"), ("WEB_WORKERS", "33"), ("WEB_WORKERS", "two"), ("WEB_THREADS", "3"), ("WEB_THREADS", "17"),
        ("HOST", "unix:web.sock"), ("HOST", "unix:/" + "a" * 107),
        ("UID_DOMAIN", "bad domain"), ("ORGANIZER_EMAIL", "nobody"), ("ORGANIZER_NAME", "a\nb"),
        ("IMAP_URL", "https://mail.example"), ("IMAP_URL", "imaps://mail.example"), ("IMAP_URL", "imap://user:secret@"),
        ("IMAP_URL", "imaps://user:secret@mail.example:0"), ("DNS", "dns.example:53"), ("DNS", "192.0.2.53"), ("DNS", "x"),
        ("WITNESSES", "https://w.example"), ("WITNESSES", "nonsense"), ("WITNESS_QUORUM", "0"), ("WITNESS_QUORUM", "1"),
    ],
)  # fmt: skip
def test_a_bad_value_names_its_variable_and_not_itself(name, value):
    with pytest.raises(SettingsRefused) as refused:
        read_settings({f"CLOSURES_{name}": value})
    assert f"CLOSURES_{name}" in refused.value.text
    assert len(value) < 4 or value not in refused.value.text


def test_a_file_and_a_value_are_one_too_many(tmp_path):
    with pytest.raises(SettingsRefused, match="Keep one"):
        read_settings({"CLOSURES_PORT": "1", "CLOSURES_PORT_FILE": str(tmp_path / "x")})


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(SettingsRefused, match="CLOSURES_KEK_FILE"):
        read_settings({"CLOSURES_KEK_FILE": str(tmp_path / "x")})


OIDC = {
    "CLOSURES_OIDC_ISSUER": "https://login.example.org/realm",
    "CLOSURES_OIDC_CLIENT_ID": "closures",
    "CLOSURES_OIDC_CLIENT_SECRET": "s",
}


def test_the_organisations_own_sign_in_takes_three_settings_together():
    assert read_settings(OIDC).oidc_issuer == "https://login.example.org/realm"
    for name in OIDC:
        with pytest.raises(SettingsRefused):
            read_settings({other: value for other, value in OIDC.items() if other != name})


@pytest.mark.parametrize(
    "issuer", ["http://login.example.org", "login.example.org", "https://x/?a=b", "http://localhost.evil.example"]
)
def test_the_issuer_is_reached_over_tls_or_on_this_machine(issuer):
    with pytest.raises(SettingsRefused):
        read_settings(OIDC | {"CLOSURES_OIDC_ISSUER": issuer})
    assert read_settings(OIDC | {"CLOSURES_OIDC_ISSUER": "http://127.0.0.1:8080/realm"}).oidc_client_id == "closures"


@pytest.mark.parametrize(
    ("environ", "is_bare"),
    [
        ({}, False),
        ({"HOST": "localhost"}, False),
        ({"HOST": "127.0.0.2"}, False),
        ({"HOST": "::1"}, False),
        ({"HOST": "0.0.0.0"}, True),
        ({"HOST": "::"}, True),
        ({"HOST": "192.0.2.7"}, True),
        ({"HOST": "closures.example.org"}, True),
        ({"HOST": "0.0.0.0", "BASE_URL": "http://closures.example.org"}, True),
        ({"HOST": "0.0.0.0", "BASE_URL": "https://closures.example.org"}, False),
        ({"HOST": "0.0.0.0", "TRUSTED_PROXIES": "1"}, False),
    ],
)
def test_who_listens_to_other_machines_without_a_proxy_is_bare(environ, is_bare):
    assert read_settings({f"CLOSURES_{name}": value for name, value in environ.items()}).is_bare is is_bare


KEY = "A" * 44
ONE, TWO, THREE = (f"witness.example/w{n}+0a1b2c3d+{KEY} https://w{n}.example" for n in (1, 2, 3))


@pytest.mark.parametrize(
    ("stated", "quorum", "found"),
    [
        ("", "", 0), (ONE, "", 1), (f"{ONE}\n{TWO}", "", 2), (f"{ONE}\n{TWO}\n\n{THREE}/\n", "", 2),
        (f"{ONE}\n{TWO}", "1", 1),
    ],
)  # fmt: skip
def test_a_quorum_of_witnesses_is_more_than_half_unless_it_is_stated(stated, quorum, found):
    settings = read_settings({"CLOSURES_WITNESSES": stated, "CLOSURES_WITNESS_QUORUM": quorum})
    assert settings.quorum == found
    assert settings.witnesses == tuple(
        (f"witness.example/w{n}+0a1b2c3d+{KEY}", f"https://w{n}.example")
        for n, line in enumerate((ONE, TWO, THREE), 1)
        if line in stated
    )


@pytest.mark.parametrize(
    "stated", [f"{ONE} more", f"{ONE}\n{ONE}", ONE.replace("https", "ftp"), f"{ONE}?a=1", ONE.replace("+0a", "+0A")]
)
def test_lines_that_name_no_witness_stop_the_start(stated):
    with pytest.raises(SettingsRefused, match="CLOSURES_WITNESSES: Value error, must be lines such as"):
        read_settings({"CLOSURES_WITNESSES": stated})


def test_a_quorum_is_not_more_than_there_are():
    with pytest.raises(SettingsRefused, match="CLOSURES_WITNESS_QUORUM: Value error, is more than there are witnesses"):
        read_settings({"CLOSURES_WITNESSES": ONE, "CLOSURES_WITNESS_QUORUM": "2"})
