"""The files that run the service in containers: they say what the service knows, and every container is fenced in."""

import re
from pathlib import Path

import kubernetes_validate
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


MANIFESTS = list(yaml.safe_load_all((DEPLOY / "kubernetes.yaml").read_text()))
DEPLOYMENTS = [each for each in MANIFESTS if each["kind"] == "Deployment"]
PODS = {each["metadata"]["name"]: each["spec"]["template"] for each in DEPLOYMENTS}
# The oldest and the newest that are looked after when this is written.
RELEASES = ("1.34", "1.37")


def only(kind):
    [found] = [each for each in MANIFESTS if each["kind"] == kind]
    return found


def containers(pod):
    return [*pod["spec"]["initContainers"], *pod["spec"]["containers"]]


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize("manifest", MANIFESTS, ids=lambda each: f"{each['kind']} {each['metadata']['name']}")
def test_kubernetes_knows_every_word_of_a_manifest(manifest, release):
    assert kubernetes_validate.validate(manifest, release, strict=True) == release


def test_the_pods_start_with_settings_that_hold(tmp_path):
    files = {
        "/run/secrets/closures/kek": "0" * 64,
        "/run/secrets/closures/database-url": "postgresql://closures:secret@postgres/closures",
    }
    found = settings_of(only("ConfigMap")["data"], tmp_path, files)
    assert (found.base_url, found.trusted_proxies, found.port) == (f"https://{SITE}", 1, 8000)
    [web] = PODS["web"]["spec"]["containers"]
    assert web["ports"] == [{"name": "http", "containerPort": found.port}]
    for pod in PODS.values():
        for container in containers(pod):
            assert container["envFrom"] == [{"configMapRef": {"name": only("ConfigMap")["metadata"]["name"]}}]


def test_the_files_of_the_secret_are_those_that_the_first_lines_make():
    made = re.search(r"create secret generic (\S+)(( --from-file=\S+)+)", (DEPLOY / "kubernetes.yaml").read_text())
    files = {f"/run/secrets/closures/{name}" for name in made[2].replace("--from-file=", "").split()}
    assert files == {value for name, value in only("ConfigMap")["data"].items() if name.endswith("_FILE")}
    for pod in PODS.values():
        volumes = {each["name"]: each for each in pod["spec"]["volumes"]}
        assert volumes["secrets"]["secret"]["secretName"] == made[1]
        for container in containers(pod):
            mounted = {each["name"]: each["mountPath"] for each in container["volumeMounts"]}
            assert mounted == {"secrets": "/run/secrets/closures", "data": "/data", "tmp": "/tmp"}


@pytest.mark.parametrize("part", PODS)
def test_a_pod_is_fenced_in(part):
    pod = PODS[part]["spec"]
    assert (pod["automountServiceAccountToken"], pod["securityContext"]) == (
        False,
        {
            "runAsNonRoot": True, "runAsUser": 10001, "runAsGroup": 10001, "fsGroup": 10001,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
    )  # fmt: skip
    for container in containers(PODS[part]):
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]},
        }  # fmt: skip
        assert container["command"][0] == "closures"
        assert CliRunner().invoke(main, [*container["command"][1:], "--help"]).exit_code == 0
    assert "USER 10001:10001" in (DEPLOY.parent / "Dockerfile").read_text()


def test_who_selects_pods_finds_them():
    labels = {part: pod["metadata"]["labels"] for part, pod in PODS.items()}
    assert {each["metadata"]["name"]: each["spec"]["selector"]["matchLabels"] for each in DEPLOYMENTS} == labels
    assert only("Service")["spec"]["selector"] == labels["web"]
    assert only("PodDisruptionBudget")["spec"]["selector"]["matchLabels"] == labels["web"]
    assert only("NetworkPolicy")["spec"]["podSelector"]["matchLabels"].items() <= (
        labels["web"].items() & labels["scheduler"].items()
    )


def test_what_is_probed_answers(web):
    [container] = PODS["web"]["spec"]["containers"]
    asking = web.test_client()
    paths = {name: facts["httpGet"]["path"] for name, facts in container.items() if name.endswith("Probe")}
    assert {name: asking.get(path).status_code for name, path in paths.items()} == {
        "startupProbe": 200, "livenessProbe": 200, "readinessProbe": 200,
    }  # fmt: skip
