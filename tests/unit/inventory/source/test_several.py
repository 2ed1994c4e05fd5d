"""Archives and layouts of several images: one is chosen by its name, or the others are told as not judged."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.support.images import DEBIAN_12, Entry, Image, digest_of, dpkg_entry, dpkg_status, file, layer, node_package

from hullguard.inventory import read
from hullguard.model.errors import NotFound
from hullguard.model.inventory import Inventory

BASE = layer(file("etc/os-release", DEBIAN_12), dpkg_status(dpkg_entry("bash", "5.2")))
ONE = Image([BASE, layer(node_package("one", "1.0.0"))], tags=("a:1",))
TWO = Image([BASE, layer(node_package("two", "1.0.0"))], tags=("registry.example:5000/b:2",))


def layout(path: Path) -> Path:
    manifests = []
    for image in (ONE, TWO):
        image.oci_dir(path)
        manifests += json.loads((path / "index.json").read_bytes())["manifests"]
    (path / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": manifests}))
    return path


def docker(path: Path) -> Path:
    members, manifest = list[Entry](), list[dict[str, Any]]()
    for image in (ONE, TWO):
        places = [f"{digest_of(content).removeprefix('sha256:')}/layer.tar" for content in image.layers]
        config = f"{image.image_id.removeprefix('sha256:')}.json"
        manifest.append({"Config": config, "RepoTags": list(image.tags), "Layers": places})
        members += [file(config, image.config), *map(file, places, image.layers)]
    path.write_bytes(layer(*members, file("manifest.json", json.dumps(manifest))))
    return path


def names(inventory: Inventory) -> list[str]:
    return [package.name for package in inventory.packages if package.name != "bash"]


FORMS = pytest.mark.parametrize(("kind", "made"), [("docker-archive", docker), ("oci-dir", layout)])


@FORMS
@pytest.mark.parametrize(("name", "package"), [("a:1", "one"), ("registry.example:5000/b:2", "two")])
def test_a_name_behind_a_colon_chooses(
    tmp_path: Path, kind: str, made: Callable[[Path], Path], name: str, package: str
) -> None:
    found = read(f"{kind}:{made(tmp_path / 'several')}:{name}")

    assert names(found) == [package]
    assert (found.target.tags, found.complete) == ((name,), True)


@FORMS
def test_without_a_name_the_others_are_told(tmp_path: Path, kind: str, made: Callable[[Path], Path]) -> None:
    found = read(f"{kind}:{made(tmp_path / 'several')}")

    assert names(found) == ["one"]
    assert not found.complete
    (other,) = [unknown for unknown in found.unknowns if unknown.incomplete]
    assert other.what.startswith("registry.example:5000/b:2")
    assert "name it behind a colon" in other.why


@FORMS
def test_a_name_that_none_has_is_said_with_those_that_there_are(
    tmp_path: Path, kind: str, made: Callable[[Path], Path]
) -> None:
    with pytest.raises(NotFound, match=r"no image called 'c:3'; it holds a:1, registry\.example:5000/b:2"):
        read(f"{kind}:{made(tmp_path / 'several')}:c:3")


def test_a_path_with_colons_is_a_path(tmp_path: Path) -> None:
    path = docker(tmp_path / "a:1.tar")

    assert names(read(f"docker-archive:{path}")) == ["one"]
    assert names(read(f"docker-archive:{path}:registry.example:5000/b:2")) == ["two"]
