"""Images that lie in an image as files are not read, and that is said."""

import gzip
import io
import random
import tarfile
from pathlib import Path

import pytest
from tests.support.images import DEBIAN_12, Image, compressed, dpkg_entry, dpkg_status, file, layer

from hullguard.inventory import Limits, read
from hullguard.model.inventory import Inventory

ENDINGS = {"none": "", "gzip": ".gz", "zstd": ".zst", "xz": ".xz", "bzip2": ".bz2"}


def archive(*names: str) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name in names:
            member, content = tarfile.TarInfo(name), MANIFEST if name == "manifest.json" else b""
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return made.getvalue()


def told(inventory: Inventory) -> list[str]:
    return [each.why for each in inventory.unknowns if each.what == "stored images"]


def image(tmp_path: Path, *entries: tuple[str, bytes]) -> Inventory:
    path = tmp_path / "image.tar"
    content = layer(
        file("etc/os-release", DEBIAN_12), dpkg_status(dpkg_entry("zlib1g", "1")), *(file(*entry) for entry in entries)
    )
    return read(str(Image([content]).docker_archive(path)))


DIGEST = "3f9a7bc2d81e4056" * 4
MANIFEST = b'[{"Config": "a.json", "Layers": ["b.tar"]}]'


@pytest.mark.parametrize("how", ["none", "gzip", "zstd", "xz", "bzip2"])
@pytest.mark.parametrize(
    "names",
    [
        ("blobs/", "blobs/sha256/", f"blobs/sha256/{DIGEST}"),
        ("./", "./blobs/", f"./blobs/sha256/{DIGEST}"),
        ("oci-layout", "index.json"),
        ("index.json", "oci-layout"),
        (f"{DIGEST}/", f"{DIGEST}/VERSION", f"{DIGEST}/layer.tar", "manifest.json"),
        (f"{DIGEST}.tar", f"{DIGEST}.json", "manifest.json"),
        ("manifest.json", f"{DIGEST}.json"),
    ],
)
def test_an_archive_in_a_layer_is_told(tmp_path: Path, names: tuple[str, ...], how: str) -> None:
    place = f"var/lib/k3s/images/pause.tar{ENDINGS[how]}"

    found = image(tmp_path, (place, compressed(archive(*names), how)))

    (why,) = told(found)
    assert "1 archives" in why
    assert f"{place} the first" in why
    assert found.complete


def test_an_archive_is_known_by_its_beginning_however_large(tmp_path: Path) -> None:
    noise = random.Random(7).randbytes(2 << 20)
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:bz2", format=tarfile.USTAR_FORMAT) as tar:
        member = tarfile.TarInfo(f"blobs/sha256/{DIGEST}")
        member.size = len(noise)
        tar.addfile(member, io.BytesIO(noise))

    assert len(told(image(tmp_path, ("srv/pause.tbz2", made.getvalue())))) == 1


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("oci-layout", b"{}"),
        ("index.json", b'{"schemaVersion": 2, "manifests": []}'),
        ("manifest.json", MANIFEST),
        ("version", b"Directory Transport Version: 1.1\n"),
    ],
)
def test_a_directory_in_a_layer_is_told(tmp_path: Path, name: str, content: bytes) -> None:
    (why,) = told(image(tmp_path, (f"srv/pause/{name}", content), ("srv/pause/other", b"x")))

    assert "1 archives or directories that hold images, srv/pause the first" in why


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("index.json", b'{"name": "a"}'),
        ("manifest.json", b'{"name": "an app", "icons": []}'),
        ("version", b"1.2.3\n"),
        ("a.tar", b"no archive at all " * 100),
        ("a.tar.gz", gzip.compress(b"no archive at all " * 100)),
        ("a.tgz", gzip.compress(b"x" * 5000)[:-9]),
        ("a.tar.zst", b"\x28\xb5\x2f\xfd" + b"\xff" * 200),
    ],
)
def test_what_is_only_called_so_is_none(tmp_path: Path, name: str, content: bytes) -> None:
    assert told(image(tmp_path, (f"srv/{name}", content))) == []


def test_a_document_of_that_name_is_not_read_as_a_whole(tmp_path: Path) -> None:
    # Story: the index of a search page, larger than what is read of such files, made its image incomplete.
    content = layer(
        file("etc/os-release", DEBIAN_12), dpkg_status(dpkg_entry("zlib1g", "1")), file("srv/index.json", b"x" * 5000)
    )

    found = read(str(Image([content]).docker_archive(tmp_path / "image.tar")), limits=Limits(file_bytes=4096))

    assert found.complete
    assert told(found) == []


def test_a_layout_in_a_layer_is_told(tmp_path: Path) -> None:
    (why,) = told(image(tmp_path, ("srv/pause/oci-layout", b"{}"), ("srv/other.tar", archive("blobs/sha256/"))))

    assert "2 archives or directories that hold images, srv/other.tar the first" in why


def test_what_only_begins_alike_is_none(tmp_path: Path) -> None:
    text = b"blobs/sha256/ is where an image has its parts; " * 40

    assert told(image(tmp_path, ("srv/a.txt", text), ("srv/b.tar", archive("usr/", "usr/bin/")))) == []


def test_in_a_directory_it_is_told_once(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "os-release").write_text("ID=debian\nVERSION_ID=12\n")
    (tmp_path / "pause.tar").write_bytes(archive("blobs/sha256/", "oci-layout"))

    assert len(told(read(f"dir:{tmp_path}"))) == 1
