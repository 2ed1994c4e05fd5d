"""Directories that skopeo and Podman write: every byte is what its name says, and nothing else is taken for one."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from tests.support.images import Image, digest_of, layer, node_package

from hullguard.inventory import read
from hullguard.inventory.source.platforms import own_platform
from hullguard.model.errors import Invalid, NotFound

OWN = own_platform().partition("/")[2]
OTHER = "s390x" if OWN != "s390x" else "arm64"
IMAGE = Image([layer(node_package("a", "1.0.0")), layer(node_package("b", "2.0.0"))], compression="gzip")


def several(path: Path, *images: Image) -> Path:
    """As ``skopeo copy --all`` writes it: the index by its name, the manifests by their digests."""
    manifests = list[dict[str, Any]]()
    for image in images:
        manifest = (image.docker_dir(path) / "manifest.json").read_bytes()
        (path / f"{digest_of(manifest)[7:]}.manifest.json").write_bytes(manifest)
        manifests += json.loads(image.oci_members()["index.json"])["manifests"]
    (path / "manifest.json").write_text(json.dumps({"schemaVersion": 2, "manifests": manifests}))
    return path


def test_the_digest_is_that_of_the_manifest(tmp_path: Path) -> None:
    found = read(str(IMAGE.docker_dir(tmp_path)))

    assert [package.name for package in found.packages] == ["a", "b"]
    assert (found.target.kind, found.target.image_id) == ("docker-dir", IMAGE.image_id)
    assert found.target.digest == digest_of((tmp_path / "manifest.json").read_bytes())


@pytest.mark.parametrize("platform", [None, f"linux/{OTHER}"])
def test_of_several_platforms_one_is_chosen(tmp_path: Path, platform: str | None) -> None:
    own = Image([layer(node_package("own", "1.0.0"))], architecture=OWN, tags=())
    other = Image([layer(node_package("other", "1.0.0"))], architecture=OTHER, tags=())

    found = read(str(several(tmp_path, other, own)), platform=platform)

    assert [package.name for package in found.packages] == ["other" if platform else "own"]
    assert found.complete
    with pytest.raises(NotFound, match="no image for linux/mips64"):
        read(str(tmp_path), platform="linux/mips64")


@pytest.mark.parametrize("number", [0, 1])
def test_a_document_or_a_layer_with_other_bytes_is_refused(tmp_path: Path, number: int) -> None:
    IMAGE.docker_dir(tmp_path)
    changed = digest_of((IMAGE.config, *IMAGE_BLOBS)[number])
    (tmp_path / changed[7:]).write_bytes((b"{}", layer(node_package("decoy", "1.0.0")))[number])

    with pytest.raises(Invalid, match="not what its digest says"):
        read(str(tmp_path))


IMAGE_BLOBS = [
    blob
    for name, blob in IMAGE.oci_members().items()
    if name.startswith("blobs/") and blob[:2] == b"\x1f\x8b"  # the layers, as they are stored
]


def test_what_is_absent_is_named(tmp_path: Path) -> None:
    IMAGE.docker_dir(tmp_path)
    (tmp_path / digest_of(IMAGE_BLOBS[1])[7:]).unlink()

    with pytest.raises(NotFound, match=f"names the layer .*{digest_of(IMAGE_BLOBS[1])[7:]}, but it is not there"):
        read(str(tmp_path))
    (tmp_path / "manifest.json").unlink()
    with pytest.raises(Invalid, match=r"holds no manifest\.json"):
        read(f"docker-dir:{tmp_path}")


def test_links_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_bytes(IMAGE_BLOBS[0])
    place = IMAGE.docker_dir(tmp_path / "image") / digest_of(IMAGE_BLOBS[0])[7:]
    place.unlink()
    place.symlink_to(tmp_path / "elsewhere")

    with pytest.raises(NotFound, match="but it is not there"):
        read(str(tmp_path / "image"))


def test_a_form_that_is_not_known_is_said(tmp_path: Path) -> None:
    (IMAGE.docker_dir(tmp_path) / "version").write_text("Directory Transport Version: 2.0\n")

    with pytest.raises(Invalid, match=r"in a form that is not read: '2\.0'"):
        read(str(tmp_path))


def test_a_root_file_system_with_such_files_is_not_taken_for_either(tmp_path: Path) -> None:
    IMAGE.docker_dir(tmp_path)
    (tmp_path / "etc").mkdir()

    with pytest.raises(Invalid, match=r"is an image that skopeo wrote with 'etc' beside it: say docker-dir:.* or dir:"):
        read(str(tmp_path))
    assert [package.name for package in read(f"docker-dir:{tmp_path}").packages] == ["a", "b"]


@pytest.mark.parametrize("version", ["1.1\n", "", "Directory Transport Version"])
def test_another_version_file_says_nothing(tmp_path: Path, version: str) -> None:
    (IMAGE.docker_dir(tmp_path) / "version").write_text(version)

    assert read(str(tmp_path)).target.kind == "dir"


def test_a_pipe_is_not_read(tmp_path: Path) -> None:
    """One without a writer would be waited for without end; this one has words in it, so that reading it shows."""
    os.mkfifo(tmp_path / "version")
    (tmp_path / "manifest.json").write_text("{}")
    pipe = os.open(tmp_path / "version", os.O_RDWR | os.O_NONBLOCK)
    try:
        os.write(pipe, b"Directory Transport Version: 1.1\n" * 1000)

        assert read(str(tmp_path)).target.kind == "dir"
    finally:
        os.close(pipe)


def test_one_whose_version_was_lost_is_known_by_its_blobs(tmp_path: Path) -> None:
    (IMAGE.docker_dir(tmp_path) / "version").unlink()

    assert [package.name for package in read(str(tmp_path)).packages] == ["a", "b"]
    for blob in [path for path in tmp_path.iterdir() if path.name != "manifest.json"]:
        blob.unlink()
    assert read(str(tmp_path)).target.kind == "dir"


def test_a_manifest_of_before_configurations_is_refused_by_its_name(tmp_path: Path) -> None:
    IMAGE.docker_dir(tmp_path)
    (tmp_path / "manifest.json").write_text(json.dumps({"schemaVersion": 1, "fsLayers": [], "history": []}))

    with pytest.raises(Invalid, match="has a manifest of schema 1, which ended in 2019"):
        read(str(tmp_path))


@pytest.mark.parametrize("name", ["version", "manifest.json"])
def test_no_link_is_followed_to_know_a_directory(tmp_path: Path, name: str) -> None:
    IMAGE.docker_dir(tmp_path / "image")
    (tmp_path / "tree").mkdir()
    for other in ("version", "manifest.json"):
        (tmp_path / "tree" / other).write_bytes((tmp_path / "image" / other).read_bytes())
    (tmp_path / "tree" / name).unlink()
    (tmp_path / "tree" / name).symlink_to("/proc/self/mem")

    assert read(str(tmp_path / "tree")).target.kind == "dir"
