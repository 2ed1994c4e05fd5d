"""A container of a real Docker, and an image of a real containerd."""

import hashlib
import json
import os
import platform
import tarfile
import tempfile
import time
from pathlib import Path

import pytest
from tests.support.docker import IMAGE, said
from tests.support.images import Image, apk_installed, file, layer, node_package
from tests.support.other_engines import Containerd, Podman, containerd, podman

from hullguard.agent.runtime.containerd import Containerd as Engine
from hullguard.inventory import read
from hullguard.model.errors import NotFound, Unavailable

__all__ = ["containerd", "podman"]

HERE = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
INDEX = "application/vnd.oci.image.index.v1+json"
ALPINE = file("etc/os-release", "ID=alpine\nVERSION_ID=3.18.4\n")


@pytest.mark.docker
def test_a_container_is_its_image_and_what_was_changed_in_it(docker_host: str) -> None:
    script = (
        "mkdir -p /lib/apk/db; printf 'P:musl\\nV:1.2.4-r1\\nA:x86_64\\no:musl\\n\\n' >/lib/apk/db/installed;"
        " printf 'ID=alpine\\nVERSION_ID=3.18.4\\n' >/etc/os-release"
    )
    mounts = ("--tmpfs=/data", "--mount=type=tmpfs,destination=/cache")
    container = said(
        docker_host,
        "run",
        "-d",
        "--network=none",
        *mounts,
        IMAGE,
        "/bin/sh",
        "-c",
        f"{script}; touch /done; exec sleep 600",
    )
    try:
        deadline = time.monotonic() + 60
        while "/done" not in said(docker_host, "diff", container) and time.monotonic() < deadline:
            time.sleep(0.1)

        found = read(f"container:{container[:12]}", docker_host=docker_host)
    finally:
        said(docker_host, "rm", "-f", container)

    assert ("musl", "Alpine:v3.18") in [(package.name, package.ecosystem) for package in found.packages]
    assert found.complete
    assert "2 mounts of the container: /cache, /data" in [one.what for one in found.unknowns]
    with pytest.raises(NotFound, match="has no container"):
        read("container:nobody", docker_host=docker_host)


def test_an_image_of_containerd(containerd: Containerd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    image = Image(
        [layer(ALPINE, apk_installed(("musl", "1.2.4-r1", "musl"))), layer(node_package("lodash", "4.17.4"))],
        tags=("docker.io/library/app:1",),
        compression="gzip",
    )
    archive = image.oci_archive(tmp_path / "image.tar")
    containerd.load(archive, "k8s.io")

    found = read("containerd:app:1")

    assert found.packages == read(f"oci-archive:{archive}").packages
    assert len(found.packages) == 2
    assert found.target.tags == ("docker.io/library/app:1",)
    with pytest.raises(NotFound, match="containerd"):
        read("containerd:app:2")


async def test_of_an_image_for_several_platforms_the_one_that_was_pulled_is_listed_and_read(
    containerd: Containerd, tmp_path: Path
) -> None:
    mine, other = (
        Image(
            [layer(ALPINE, apk_installed(("musl", version, "musl")))],
            tags=("app:1",),
            architecture=architecture,
        )
        for architecture, version in ((HERE, "1.2.4-r1"), ("mips64le", "1.2.4-r0"))
    )
    layout, manifests = tmp_path / "layout", []
    for image in (other, mine):
        image.oci_dir(layout)
        manifests += json.loads((layout / "index.json").read_bytes())["manifests"]
    nested = json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": manifests}).encode()
    digest = f"sha256:{hashlib.sha256(nested).hexdigest()}"
    (layout / "blobs" / digest.replace(":", "/")).write_bytes(nested)
    named = {"io.containerd.image.name": "docker.io/library/app:1"}
    outer = {"mediaType": INDEX, "digest": digest, "size": len(nested), "annotations": named}
    (layout / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [outer]}))
    (layout / "blobs" / other.image_id.replace(":", "/")).unlink()
    archive = tmp_path / "image.tar"
    with tarfile.open(archive, "w") as tar:
        tar.add(layout, ".")
    containerd.load(archive, "default")

    stock = await Engine().stock()
    found = read("containerd:app:1")

    assert stock.images == {mine.image_id: ("docker.io/library/app:1",)}
    assert (found.target.image_id, [each.version for each in found.packages]) == (mine.image_id, ["1.2.4-r1"])


def test_an_image_of_podman_whose_service_does_not_run(
    podman: Podman, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(podman.directory))
    image = Image([layer(ALPINE, apk_installed(("musl", "1.2.4-r1", "musl")))], tags=("app:1",))
    archive = image.docker_archive(tmp_path / "image.tar")
    podman.load(archive)

    for name in ("app:1", image.image_id, image.image_id.removeprefix("sha256:")):
        found = read(f"podman:{name}")

        assert (found.target.image_id, len(found.packages), found.complete) == (image.image_id, 1, True)
        assert found.packages == read(f"docker-archive:{archive}").packages
    assert not list(podman.directory.glob("hg*")), "the service and its socket are gone"
    with pytest.raises(NotFound, match="has no image 'app:2'"):
        read("podman:app:2")


def test_a_podman_that_starts_no_service_is_told_with_its_words(
    podman: Podman, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "podman"
    program.write_text("#!/bin/sh\necho the storage is on fire >&2\nexit 125\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with pytest.raises(Unavailable, match="none could be started: the storage is on fire"):
        read("podman:app:1")
