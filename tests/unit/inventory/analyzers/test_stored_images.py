"""Images that lie in an image as files are not read, and that is said."""

import io
import tarfile
from pathlib import Path

import pytest
from tests.support.images import DEBIAN_12, Image, dpkg_entry, dpkg_status, file, layer

from hullguard.inventory import read
from hullguard.model.inventory import Inventory


def archive(*names: str) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name in names:
            tar.addfile(tarfile.TarInfo(name))
    return made.getvalue()


def told(inventory: Inventory) -> list[str]:
    return [each.why for each in inventory.unknowns if each.what == "stored images"]


def image(tmp_path: Path, *entries: tuple[str, bytes]) -> Inventory:
    path = tmp_path / "image.tar"
    content = layer(
        file("etc/os-release", DEBIAN_12), dpkg_status(dpkg_entry("zlib1g", "1")), *(file(*entry) for entry in entries)
    )
    return read(str(Image([content]).docker_archive(path)))


@pytest.mark.parametrize(
    "names",
    [("blobs/", "blobs/sha256/"), ("blobs/sha256/" + "a" * 64, "index.json"), ("oci-layout", "index.json")],
)
def test_an_archive_in_a_layer_is_told(tmp_path: Path, names: tuple[str, ...]) -> None:
    found = image(tmp_path, ("var/lib/k3s/images/pause.tar", archive(*names)))

    (why,) = told(found)
    assert "1 archives" in why
    assert "var/lib/k3s/images/pause.tar the first" in why
    assert found.complete


def test_a_layout_in_a_layer_is_told(tmp_path: Path) -> None:
    (why,) = told(image(tmp_path, ("srv/pause/oci-layout", b"{}"), ("srv/other.tar", archive("blobs/"))))

    assert "2 archives or directories that hold images, srv/other.tar the first" in why


def test_what_only_begins_alike_is_none(tmp_path: Path) -> None:
    text = b"blobs/sha256/ is where an image has its parts; " * 40

    assert told(image(tmp_path, ("srv/a.txt", text), ("srv/b.tar", archive("usr/", "usr/bin/")))) == []


def test_in_a_directory_it_is_told_once(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "os-release").write_text("ID=debian\nVERSION_ID=12\n")
    (tmp_path / "pause.tar").write_bytes(archive("blobs/", "oci-layout"))

    assert len(told(read(f"dir:{tmp_path}"))) == 1
