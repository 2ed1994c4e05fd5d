"""A container of a real Docker, and an image of a real containerd."""

import contextlib
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.docker import IMAGE, said
from tests.support.images import Image, apk_installed, file, layer, node_package

from hullguard.inventory import read
from hullguard.model.errors import NotFound

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


@pytest.fixture
def containerd() -> Iterator[Path]:
    """The socket of a containerd of the test's own."""
    if os.geteuid() != 0 or not shutil.which("containerd") or not shutil.which("ctr"):
        pytest.skip("containerd needs root, and the programs containerd and ctr")
    # The path must be short: it becomes part of a unix socket's name.
    root = Path(tempfile.mkdtemp(prefix="hg", dir="/tmp"))
    socket = root / "s"
    with (root / "log").open("wb") as log:
        process = subprocess.Popen(
            ["containerd", "-a", str(socket), "--root", str(root / "d"), "--state", str(root / "e")],
            stdout=log,
            stderr=log,
        )
    try:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and process.poll() is None:
            asked = subprocess.run(["ctr", "-a", str(socket), "version"], capture_output=True, timeout=30, check=False)
            if asked.returncode == 0:
                break
            time.sleep(0.1)
        yield socket
    finally:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(60)
        process.kill()
        shutil.rmtree(root, ignore_errors=True)


def test_an_image_of_containerd(containerd: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONTAINERD_ADDRESS", str(containerd))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    image = Image(
        [layer(ALPINE, apk_installed(("musl", "1.2.4-r1", "musl"))), layer(node_package("lodash", "4.17.4"))],
        tags=("docker.io/library/app:1",),
        compression="gzip",
    )
    archive = image.oci_archive(tmp_path / "image.tar")
    subprocess.run(
        ["ctr", "-a", str(containerd), "-n", "k8s.io", "images", "import", "--no-unpack", str(archive)],
        check=True,
        capture_output=True,
        timeout=60,
    )

    found = read("containerd:app:1")

    assert found.packages == read(f"oci-archive:{archive}").packages
    assert len(found.packages) == 2
    assert found.target.tags == ("docker.io/library/app:1",)
    with pytest.raises(NotFound, match="containerd"):
        read("containerd:app:2")
