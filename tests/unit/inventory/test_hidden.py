"""What a hostile image hides by how it is written: it is read as the engines would, or it is said."""

import hashlib
import json
from pathlib import Path

import msgspec
import pytest
from tests.support.images import (
    DEBIAN_12,
    Entry,
    Image,
    directory,
    dpkg_entry,
    dpkg_status,
    file,
    hardlink,
    header,
    layer,
    node_package,
    symlink,
)
from tests.support.specimens import specimen

from hullguard.inventory import read
from hullguard.inventory.content.secrets.rules.catalog import RULES
from hullguard.inventory.limits import Limits
from hullguard.inventory.source.blobs import DirectoryBlobs
from hullguard.inventory.source.oci import describe_oci


def test_a_distribution_without_a_package_database_is_not_taken_for_an_empty_one(tmp_path: Path) -> None:
    archive = Image([layer(file("etc/os-release", DEBIAN_12), file("srv/app", b"x"))]).docker_archive(
        tmp_path / "i.tar"
    )

    (doubt,) = read(str(archive)).unknowns

    assert doubt.what == "OS packages"
    assert "no package database" in doubt.why


def test_with_one_nothing_is_said(tmp_path: Path) -> None:
    archive = Image([layer(file("etc/os-release", DEBIAN_12), dpkg_status(dpkg_entry("bash", "5.2")))]).docker_archive(
        tmp_path / "i.tar"
    )

    assert read(str(archive)).unknowns == ()


STATUS = dpkg_entry("openssl", "3.0")
ALIASES: dict[str, list[Entry]] = {
    "link": [directory("a"), symlink("x", "."), symlink("x/a", "var/lib/dpkg"), file("a/status", STATUS)],
    "hard link": [
        *(directory("a"), symlink("x", "."), symlink("l", "var/lib/dpkg")),
        *(hardlink("x/a", "l"), file("a/status", STATUS)),
    ],
    "deep": [
        *(directory("b"), directory("b/a"), symlink("x", "b")),
        *(symlink("x/a", "../var/lib/dpkg"), file("b/a/status", STATUS)),
    ],
}


@pytest.mark.parametrize("entries", ALIASES.values(), ids=ALIASES)
def test_a_listed_directory_that_becomes_a_link_under_another_name_leads_on(
    entries: list[Entry], tmp_path: Path
) -> None:
    whole = layer(file("etc/os-release", DEBIAN_12), dpkg_status(dpkg_entry("harmless", "1")), *entries)
    inventory = read(str(Image([whole]).docker_archive(tmp_path / "i.tar")))

    assert [package.name for package in inventory.packages] == ["openssl"]


def test_a_database_that_is_linked_to_another_format_makes_the_report_incomplete(tmp_path: Path) -> None:
    entries = [file("a/m.egg-info", STATUS + "\n"), hardlink("var/lib/dpkg/status", "a/m.egg-info")]
    archive = Image([layer(file("etc/os-release", DEBIAN_12), *entries)]).docker_archive(tmp_path / "i.tar")

    assert not read(str(archive)).complete


TOKEN = specimen(next(rule for rule in RULES if rule.id == "github-token")).decode()
NAMING: dict[str, Entry] = {
    "list": file("composer/installed.json", json.dumps([{"name": TOKEN, "version": 7}])),
    "library": file("a.deps.json", json.dumps({"libraries": {f"{TOKEN}/1": 5}})),
    "system": file("etc/os-release", f'ID=debian\nPRETTY_NAME="{TOKEN}"\n'),
    "place": node_package("a", "1", TOKEN),
}


@pytest.mark.parametrize("entry", NAMING.values(), ids=NAMING)
def test_no_token_is_quoted_from_where_an_image_names_things(entry: Entry, tmp_path: Path) -> None:
    archive = Image([layer(entry)]).docker_archive(tmp_path / "i.tar")
    inventory = read(str(archive))

    assert TOKEN.encode() not in msgspec.json.encode(inventory)
    assert TOKEN[:4].encode() in msgspec.json.encode(inventory)


def test_a_file_without_a_name_is_said(tmp_path: Path) -> None:
    content = layer(file("etc/os-release", DEBIAN_12), dpkg_status(dpkg_entry("bash", "5.2")))
    nameless = header(b".", kind=b"0") + content
    archive = Image([nameless]).docker_archive(tmp_path / "i.tar")

    inventory = read(str(archive))

    assert [package.name for package in inventory.packages] == ["bash"]
    assert [unknown.why for unknown in inventory.unknowns] == ["layer 0/layer.tar: an entry without a name was refused"]


class Counted(DirectoryBlobs):
    """Counts the documents that are asked for."""

    asked = 0

    def document(self, name: str) -> bytes | None:
        self.asked += 1
        return super().document(name)


def test_an_index_that_stands_in_many_places_is_looked_into_once(tmp_path: Path) -> None:
    path = Image([layer(file("etc/os-release", DEBIAN_12))]).oci_dir(tmp_path / "oci")
    descriptors = json.loads((path / "index.json").read_bytes())["manifests"]
    for level in range(6):
        index = json.dumps({"schemaVersion": 2, "level": level, "manifests": descriptors * 40}).encode()
        digest = hashlib.sha256(index).hexdigest()
        (path / "blobs" / "sha256" / digest).write_bytes(index)
        descriptors = [{"digest": f"sha256:{digest}", "size": len(index), "mediaType": "application/json"}]
    (path / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": descriptors * 40}))
    blobs = Counted(path, Limits())

    assert len(describe_oci(blobs, None, Limits()).layers) == 1
    assert blobs.asked < 1000
