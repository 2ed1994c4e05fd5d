"""A directory into which a Docker archive was unpacked is the image, not a file system with some odd files."""

import io
import json
import tarfile
from pathlib import Path

import pytest
from tests.support.images import DEBIAN_12, Entry, Image, digest_of, file, layer, node_package, symlink

from hullguard.inventory import read
from hullguard.model.errors import Invalid, NotFound

IMAGE = Image([layer(file("etc/os-release", DEBIAN_12), node_package("a", "1.0.0")), layer(node_package("b", "2.0.0"))])
IDS = [digest_of(content)[7:] for content in IMAGE.layers]


def archive(*more: Entry, layers: list[str] | None = None) -> bytes:
    """As Docker's engines wrote it until version 24: a directory for each layer."""
    config = f"{IMAGE.image_id[7:]}.json"
    places = layers or [f"{each}/layer.tar" for each in IDS]
    manifest = json.dumps([{"Config": config, "RepoTags": ["app:1"], "Layers": places}])
    members = [file(f"{each}/layer.tar", content) for each, content in zip(IDS, IMAGE.layers, strict=True)]
    return layer(*members, file(config, IMAGE.config), file("manifest.json", manifest), *more)


def unpacked(content: bytes, place: Path) -> Path:
    with tarfile.open(fileobj=io.BytesIO(content)) as tar:
        tar.extractall(place, filter="tar")
    return place


@pytest.mark.parametrize("prefix", ["", "docker-archive:"])
def test_it_is_read_as_the_archive_is(tmp_path: Path, prefix: str) -> None:
    (tmp_path / "a.tar").write_bytes(archive())
    packed = read(str(tmp_path / "a.tar"))

    found = read(f"{prefix}{unpacked(archive(), tmp_path / 'a')}")

    assert [package.name for package in found.packages] == ["a", "b"]
    assert (found.packages, found.layers, found.unknowns) == (packed.packages, packed.layers, packed.unknowns)
    assert (found.target.kind, found.target.image_id) == ("docker-archive", IMAGE.image_id)


def test_an_image_of_it_is_chosen_by_its_name(tmp_path: Path) -> None:
    place = unpacked(archive(), tmp_path / "a")

    assert read(f"docker-archive:{place}:app:1").target.tags == ("app:1",)
    with pytest.raises(NotFound, match="no image called 'app:2'; it holds app:1"):
        read(f"docker-archive:{place}:app:2")


def test_links_within_it_are_followed_as_engines_write_them(tmp_path: Path) -> None:
    twice = symlink("f" * 64 + "/layer.tar", f"../{IDS[1]}/layer.tar")
    content = archive(twice, layers=[f"{IDS[0]}/layer.tar", f"{'f' * 64}/layer.tar"])

    assert [package.name for package in read(str(unpacked(content, tmp_path / "a"))).packages] == ["a", "b"]


@pytest.mark.parametrize("target", ["../../elsewhere", "layer.tar", "nowhere"])
def test_others_are_not(tmp_path: Path, target: str) -> None:
    (tmp_path / "elsewhere").write_bytes(IMAGE.layers[1])
    place = unpacked(archive(), tmp_path / "a")
    (place / IDS[1] / "layer.tar").unlink()
    (place / IDS[1] / "layer.tar").symlink_to(target)

    with pytest.raises(NotFound, match=f"names the layer {IDS[1]}/layer.tar, but it is not there"):
        read(str(place))


def test_a_changed_layer_is_refused(tmp_path: Path) -> None:
    place = unpacked(archive(), tmp_path / "a")
    (place / IDS[1] / "layer.tar").write_bytes(layer(node_package("decoy", "1.0.0")))

    with pytest.raises(Invalid, match="not what its digest says"):
        read(str(place))


def test_a_root_file_system_with_a_manifest_is_not_taken_for_either(tmp_path: Path) -> None:
    place = unpacked(archive(file("etc/os-release", DEBIAN_12)), tmp_path / "a")

    with pytest.raises(
        Invalid, match=r"an unpacked Docker archive with 'etc' beside it: say docker-archive:.* or dir:"
    ):
        read(str(place))
    assert len(read(f"docker-archive:{place}").packages) == 2


@pytest.mark.parametrize("manifest", [b'{"name": "app"}', b'[{"config": 1}]', b"[]", b""])
def test_another_manifest_says_nothing(tmp_path: Path, manifest: bytes) -> None:
    (tmp_path / "manifest.json").write_bytes(manifest)

    assert read(str(tmp_path)).target.kind == "dir"


def test_a_manifest_that_is_damaged_is_said(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_bytes(b'[{"Config": "c.json", "Config": "d.json", "Layers": []}]')

    with pytest.raises(Invalid, match=r"manifest\.json is ambiguous"):
        read(str(tmp_path))
