"""The files that run the service in containers: they say what the service knows, and every container is fenced in."""

import re
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from app.cli import main
from app.settings import Settings, read_settings

DEPLOY = Path(__file__).parents[2] / "deploy"
PREFIX = "CLOSURES_"
SITE = "closures.example.org"
COMPOSE = ("compose.yaml", "compose.postgresql.yaml")
CADDYS_OWN = {found[1] for found in re.finditer(r"\{\$(CLOSURES_\w+)", (DEPLOY / "Caddyfile").read_text())}


def read(name):
    """A compose file as compose reads it, the public name filled in."""
    text = (DEPLOY / name).read_text()
    return yaml.safe_load(re.sub(r"\$\{CLOSURES_SITE[^}]*\}", SITE, text))


SERVICES = [(name, service) for name in COMPOSE for service in read(name)["services"]]


def ours(services):
    return {name: facts for name, facts in services.items() if "build" in facts}


def settings_of(environment, folder, files):
    """Return the settings that a container starts with; ``files`` says what stands in each file that it is given."""
    stated = {}
    for name, value in environment.items():
        if name.endswith("_FILE"):
            (folder / name).write_text(files[value])
        stated[name] = str(folder / name) if name.endswith("_FILE") else value
    assert {name.removeprefix(PREFIX).removesuffix("_FILE").lower() for name in stated} <= set(Settings.model_fields)
    return read_settings(stated)


@pytest.mark.parametrize("name", COMPOSE)
def test_the_service_starts_with_what_is_stated(name, tmp_path):
    files = {
        "/run/secrets/kek": "0" * 64,
        "/run/secrets/database-url": "postgresql://closures:secret@postgres/closures",
    }
    for facts in ours(read(name)["services"]).values():
        found = settings_of(facts["environment"], tmp_path, files)
        assert (found.base_url, found.trusted_proxies) == (f"https://{SITE}", 1)
        is_embedded = found.database.startswith("sqlite:")
        assert is_embedded == (name == "compose.yaml")


@pytest.mark.parametrize("name", COMPOSE)
def test_caddy_is_told_what_its_file_asks_for(name):
    services = read(name)["services"]
    caddy = services["caddy"]["environment"]
    assert set(caddy) <= CADDYS_OWN
    named = [place.partition(":")[0] for place in caddy["CLOSURES_UPSTREAM"].split()]
    web = {each for each in ours(services) if "inside" in services[each]["networks"]}
    assert (set(named), len(named)) == (web, len(web))


@pytest.mark.parametrize(("name", "service"), SERVICES)
def test_a_container_is_fenced_in(name, service):
    facts = read(name)["services"][service]
    assert (facts["cap_drop"], facts["security_opt"], facts.get("privileged", False), facts["read_only"]) == (
        ["ALL"], ["no-new-privileges:true"], False, True,
    )  # fmt: skip
    # The file of Caddy's program carries this right, and would not be run without.
    assert facts.get("cap_add", []) == (["NET_BIND_SERVICE"] if service == "caddy" else [])
    assert ("ports" in facts) == (service == "caddy")


@pytest.mark.parametrize("name", COMPOSE)
def test_caddy_alone_is_outside(name):
    file = read(name)
    outside = {network for network, facts in file["networks"].items() if not (facts or {}).get("internal")}
    assert {each for each, facts in file["services"].items() if outside & set(facts["networks"])} == {"caddy"}


@pytest.mark.parametrize("name", COMPOSE)
def test_what_is_mounted_is_there_or_is_made_as_the_first_lines_say(name):
    file = read(name)
    volumes = {place.split(":")[0] for facts in file["services"].values() for place in facts["volumes"]}
    assert {place for place in volumes if place.startswith(".") and not (DEPLOY / place).exists()} == set()
    assert {place for place in volumes if not place.startswith(".")} == set(file["volumes"])
    given = {each for facts in file["services"].values() for each in facts.get("secrets", [])}
    assert given == set(file["secrets"])
    made = set(re.findall(r"^#.* > (\S+)", (DEPLOY / name).read_text(), re.MULTILINE))
    assert {facts["file"].removeprefix("./") for facts in file["secrets"].values()} == made
    assert all((DEPLOY / facts["build"] / "Dockerfile").exists() for facts in ours(file["services"]).values())


def test_a_command_is_one_of_ours():
    commands = [facts["command"] for facts in ours(read("compose.postgresql.yaml")["services"]).values()]
    assert {command[0] for command in commands} == {"closures"}
    for _, *words in commands:
        assert CliRunner().invoke(main, [*words, "--help"]).exit_code == 0
