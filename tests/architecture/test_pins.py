"""What the image downloads is pinned by hashes, agrees with what is tested, and holds no tool of the tests."""

import re
import tomllib
from importlib.metadata import requires
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

_ROOT = Path(__file__).parents[2]
_PIN = re.compile(r"^(?P<name>[a-z0-9-]+)==(?P<version>\S+)", re.MULTILINE)
_HASHES = re.compile(r"(?:^    --hash=sha256:[0-9a-f]{64}(?: \\)?\n)+", re.MULTILINE)
_IMAGE = "deploy/requirements.txt"
_BUILD = "deploy/build-requirements.txt"


def _pins(path: str) -> dict[str, str]:
    return {found["name"]: found["version"] for found in _PIN.finditer((_ROOT / path).read_text())}


def _needed() -> set[str]:
    """Everything that the service's own requirements bring along, by what is installed here."""
    project = tomllib.loads((_ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    waiting = [Requirement(text) for text in project["dependencies"] + extras["postgres"] + extras["oidc"]]
    seen: set[tuple[str, str]] = set()
    while waiting:
        wanted = waiting.pop()
        name = canonicalize_name(wanted.name)
        for extra in {"", *wanted.extras} - {extra for found, extra in seen if found == name}:
            seen.add((name, extra))
            more = [Requirement(text) for text in requires(name) or []]
            waiting += [each for each in more if each.marker is None or each.marker.evaluate({"extra": extra})]
    return {name for name, _ in seen}


def test_the_image_installs_what_the_service_needs_and_nothing_else():
    assert set(_pins(_IMAGE)) == _needed()


def test_the_image_installs_the_versions_that_are_tested():
    tested = _pins("constraints.txt")
    assert _pins(_IMAGE) == {name: tested[name] for name in _pins(_IMAGE)}


def test_every_pin_of_the_image_has_its_hashes_and_none_an_address():
    for path in (_IMAGE, _BUILD):
        text = (_ROOT / path).read_text()
        assert _PIN.sub("", _HASHES.sub("", text)).replace(" \\\n", "") == ""
        assert len(_HASHES.findall(text)) == len(_pins(path))


def test_the_dockerfile_downloads_by_those_files_alone():
    commands = re.sub(r"\\\n\s*", "", (_ROOT / "Dockerfile").read_text())
    by_hash = "--no-cache-dir --require-hashes --only-binary :all: "
    offline = "install --no-cache-dir --no-deps --no-index "
    assert re.findall(r"bin/pip ([^&\n]*[^&\n ])", commands) == [
        f"install {by_hash}-r build-requirements.txt",
        f"wheel {by_hash}--no-binary dkimpy --no-deps --no-build-isolation --wheel-dir needed -r requirements.txt",
        f"{offline}needed/*.whl",
        "wheel --no-deps --no-build-isolation --wheel-dir wheels .",
        f"{offline}wheels/*.whl",
    ]
