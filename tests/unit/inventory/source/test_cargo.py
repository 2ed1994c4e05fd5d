"""Images that lie in a scanned directory as files are not read with it, and that is said."""

import json
from pathlib import Path

import pytest
from tests.support.images import DEBIAN_12, Image, compressed, digest_of, file, layer, node_package

from hullguard.inventory import read
from hullguard.model.errors import Invalid
from hullguard.model.inventory import Inventory
from hullguard.model.package import Unknown

IMAGE = Image([layer(node_package("a", "1.0.0"))])
HEX = digest_of(IMAGE.layers[0])[7:]
CONFIG = f"{IMAGE.image_id[7:]}.json"
MANIFEST = json.dumps([{"Config": CONFIG, "RepoTags": ["a:1"], "Layers": [f"{HEX}/layer.tar"]}])


def told(found: Inventory) -> list[Unknown]:
    return [unknown for unknown in found.unknowns if unknown.what == "stored images"]


def docker(path: Path, *, how: str = "none", layers: str = "{}/layer.tar") -> Path:
    members = [file(layers.format(HEX), IMAGE.layers[0]), file(CONFIG, IMAGE.config), file("manifest.json", MANIFEST)]
    path.write_bytes(compressed(layer(*members), how))
    return path


def test_a_directory_of_archives_is_not_one_without_packages(tmp_path: Path) -> None:
    docker(tmp_path / "b.tar")
    docker(tmp_path / "c.tar.gz", how="gzip")
    (tmp_path / "deep" / "er").mkdir(parents=True)
    IMAGE.oci_archive(tmp_path / "deep" / "er" / "any name")
    IMAGE.oci_dir(tmp_path / "layout")

    (said,) = told(found := read(str(tmp_path)))

    assert said.why.startswith("4 archives or directories that hold images, b.tar the first of them, were not read")
    assert not found.complete


@pytest.mark.parametrize("how", ["gzip", "zstd", "xz", "bzip2"])
@pytest.mark.parametrize("layers", ["{}/layer.tar", "{}.tar", "{}.tar.gz", "blobs/sha256/{}"])
def test_archives_are_known_by_their_first_names(tmp_path: Path, how: str, layers: str) -> None:
    ending = {"gzip": "gz", "zstd": "zst", "bzip2": "bz2"}.get(how, how)
    docker(tmp_path / f"a.tar.{ending}", how=how, layers=layers)

    assert [each.why.split(", ")[1] for each in told(read(str(tmp_path)))] == [f"a.tar.{ending} the first of them"]


@pytest.mark.parametrize("form", ["oci-layout", "version", "manifest.json"])
def test_what_was_called_a_root_file_system_and_is_an_image_is_incomplete(tmp_path: Path, form: str) -> None:
    if form == "manifest.json":
        (tmp_path / HEX).mkdir()
        (tmp_path / HEX / "layer.tar").write_bytes(IMAGE.layers[0])
        (tmp_path / form).write_text(MANIFEST)
    else:
        (IMAGE.oci_dir if form == "oci-layout" else IMAGE.docker_dir)(tmp_path)
    (tmp_path / "requirements.txt").write_text("django==3.2.0\n")

    (said,) = told(found := read(f"dir:{tmp_path}"))

    assert said == Unknown("stored images", said.why, incomplete=True)
    sign = "blobs/sha256" if form == "oci-layout" else form
    assert f"1 archives or directories that hold images, {sign} the first" in said.why
    assert (len(found.packages), found.complete) == (1, False)


@pytest.mark.parametrize("lost", ["oci-layout", "index.json", "manifest.json"])
def test_a_layout_that_lacks_a_file_is_one(tmp_path: Path, lost: str) -> None:
    (IMAGE.oci_dir(tmp_path / "a") / lost).unlink(missing_ok=True)

    (said,) = told(found := read(f"dir:{tmp_path}"))
    assert "1 archives or directories that hold images, a/blobs/sha256 the first" in said.why
    assert not found.complete
    if lost == "index.json":
        with pytest.raises(Invalid, match=r"there is no index\.json, so it is no OCI layout"):
            read(str(tmp_path / "a"))
    else:
        assert [package.name for package in read(str(tmp_path / "a")).packages] == ["a"]


def test_a_system_that_has_images_is_complete_without_them(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "os-release").write_bytes(DEBIAN_12)
    docker(tmp_path / "a.tar")

    (said,) = told(read(str(tmp_path)))

    assert not said.incomplete


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.tar", layer(file("README", "text"), file("src/manifest.json", MANIFEST))),
        ("a.tar.gz", compressed(layer(file("README", "text")), "gzip")),
        ("a.tar.gz", b"\x1f\x8b damaged"),
        ("a.tar", layer(file(f"{HEX}/layer.tar", "text"))[:100]),
        ("a.tar", layer(file("manifest.json", '{"name": "app"}'))),
        ("version", b"1.1\n"),
        ("manifest.json", b'{"name": "app", "config": [], "layers": []}'),
        ("manifest.json", b"[1, 2]"),
    ],
)
def test_of_other_files_nothing_is_said(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)

    assert told(read(str(tmp_path))) == []


@pytest.mark.parametrize("how", ["none", "gzip"])
def test_only_the_beginning_of_an_archive_is_looked_at(tmp_path: Path, how: str) -> None:
    many = [file(f"src/{number}", "text") for number in range(64)]
    ending = ".gz" if how == "gzip" else ""
    (tmp_path / f"late.tar{ending}").write_bytes(compressed(layer(*many, file("oci-layout", "{}")), how))
    large = layer(file("src/large", bytes(2 << 20)), file("oci-layout", "{}"))
    (tmp_path / f"large.tar{ending}").write_bytes(compressed(large, how))

    found = told(read(str(tmp_path)))

    assert [each.why.split(", ")[1] for each in found] == ["large.tar the first of them"] * (how == "none")


def test_links_to_images_are_not_followed(tmp_path: Path) -> None:
    docker(tmp_path / "a.tar")
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "a.tar").symlink_to(tmp_path / "a.tar")

    assert told(read(str(tmp_path / "here"))) == []
