"""A mistake in one plug-in costs what that one reads, and says so: never the report, never its completeness."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NoReturn

import pytest
from tests.support.images import DEBIAN_12, Image, dpkg_entry, dpkg_status, file, layer, node_package, python_package

from hullguard.inventory import LayerCache, read
from hullguard.inventory.analyzers.node import NodeAnalyzer
from hullguard.inventory.analyzers.python import PythonAnalyzer
from hullguard.inventory.content.secrets.inspector import SecretInspector
from hullguard.inventory.defects import defect
from hullguard.model.content import Hit
from hullguard.model.errors import Invalid
from hullguard.model.inventory import Inventory

KEY = "AWS_ACCESS_KEY_ID=AKIAZZZZQQQQWWWWEEEE\n"


def broken(*_: object, **__: object) -> NoReturn:
    raise KeyError("a password")


PLACE = f"test_defects.py:{broken.__code__.co_firstlineno + 1}"
SAID = f"internal error: KeyError in {PLACE} (this is a bug; set HULLGUARD_DEBUG=1 to see more)"


@pytest.fixture(autouse=True)
def _nobody_wants_the_story(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HULLGUARD_DEBUG", raising=False)


@pytest.fixture
def image(tmp_path: Path) -> str:
    members = [
        file("etc/os-release", DEBIAN_12),
        dpkg_status(dpkg_entry("bash", "5.2.15-2")),
        python_package("requests", "2.0.0"),
        node_package("lodash", "4.0.0"),
        file("srv/.env", KEY),
    ]
    return str(Image([layer(*members)]).docker_archive(tmp_path / "image.tar"))


def names(inventory: Inventory) -> list[str]:
    return [package.name for package in inventory.packages]


def doubts(inventory: Inventory) -> list[tuple[str, str, bool]]:
    return [(unknown.what, unknown.why, unknown.incomplete) for unknown in inventory.unknowns]


def test_of_an_analyzer_that_fails_the_rest_is_told(image: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(NodeAnalyzer, "analyze", broken)
    inventory = read(image)

    assert names(inventory) == ["bash", "requests"]
    assert doubts(inventory) == [(f"what the analyzer {NodeAnalyzer.name} reads", SAID, True)]
    assert not inventory.complete


def test_of_a_file_that_an_analyzer_cannot_condense_the_name_is_told(
    image: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = LayerCache(tmp_path / "cache")
    with monkeypatch.context() as patched:
        patched.setattr(PythonAnalyzer, "condense", broken)
        inventory = read(image, cache=cache)
    place = "usr/local/lib/python3.11/site-packages/requests-2.0.0.dist-info/METADATA"

    assert names(inventory) == ["bash", "lodash"]
    assert doubts(inventory) == [(place, f"layer 0/layer.tar: {SAID}", True)]
    assert names(read(image, cache=cache)) == ["bash", "lodash", "requests"]


def test_an_inspector_that_fails_costs_no_package_and_no_other_finding(
    image: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    inspect = SecretInspector.inspect

    def sometimes(self: SecretInspector, path: str, size: int, mode: int, pieces: Iterator[bytes]) -> Iterable[Hit]:
        if path.endswith("package.json"):
            broken()
        return inspect(self, path, size, mode, pieces)

    monkeypatch.setattr(SecretInspector, "inspect", sometimes)
    inventory = read(image, scanners=frozenset({"secret"}))

    assert names(inventory) == ["bash", "lodash", "requests"]
    assert [secret.path for secret in inventory.secrets] == ["srv/.env"]
    assert doubts(inventory) == [("srv/app/node_modules/lodash/package.json", SAID, True)]


def test_what_was_found_in_a_file_before_it_failed_is_kept_as_that_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(NodeAnalyzer, "condense", broken)
    first = layer(file("srv/node_modules/a/package.json", KEY), file("srv/.env", KEY.replace("ZZZZ", "YYYY")))
    second = layer(file("srv/node_modules/a/.wh.package.json"))
    inventory = read(str(Image([first, second]).docker_archive(tmp_path / "image.tar")), scanners=frozenset({"secret"}))

    assert [(secret.path, secret.deleted) for secret in inventory.secrets] == [
        ("srv/node_modules/a/package.json", True),
        ("srv/.env", False),
    ]


@pytest.mark.parametrize("error", [Invalid("no image"), OSError(28, "full"), MemoryError()])
def test_what_is_no_mistake_of_ours_is_none(error: Exception) -> None:
    with pytest.raises(type(error)):
        defect(error)


def test_who_wants_the_whole_story_has_it(image: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HULLGUARD_DEBUG", "1")
    monkeypatch.setattr(NodeAnalyzer, "analyze", broken)
    with pytest.raises(KeyError):
        read(image)
