"""Images of a real registry, pushed by a real client."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.images import Image, apk_installed, file, layer, node_package
from tests.support.registry import RealRegistry, real_registry

from hullguard.inventory import LayerCache, read
from hullguard.inventory.source.opened import RegistryAccess
from hullguard.model.errors import NotFound, Unauthenticated

# `htpasswd -nbB tester sesame`
HTPASSWD = "tester:$2y$05$Pun8AUtuagDiGbtSrwPWpu7pnAQOPcfK2YpySDeaL.wK.uuBOv2s2\n"
OS = file("etc/os-release", "ID=alpine\nVERSION_ID=3.18.4\n")
IMAGE = Image([layer(OS, apk_installed(("musl", "1.2.4-r1", "musl"))), layer(node_package("lodash", "4.17.4"))])


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealRegistry]:
    root = tmp_path_factory.mktemp("registry")
    with real_registry(root) as started:
        started.push(f"docker-archive:{IMAGE.docker_archive(root / 'image.tar')}", "team/app:1")
        started.push(f"docker-archive:{root / 'image.tar'}", "team/oci:1", "--format=oci")
        manifests = []
        for name in ("amd64", "arm64"):
            archive = Image([layer(node_package(name, "1.0"))], architecture=name).docker_archive(root / f"{name}.tar")
            started.push(f"docker-archive:{archive}", f"team/many:{name}")
            platform = {"os": "linux", "architecture": name}
            manifests.append({**started.manifest(f"team/many:{name}"), "platform": platform})
        started.put_index("team/many", "1", manifests)
        yield started


@pytest.mark.parametrize("name", ["team/app:1", "team/oci:1"])
def test_an_image_is_read_as_its_archive_is(registry: RealRegistry, tmp_path: Path, name: str) -> None:
    archive = read(f"docker-archive:{IMAGE.docker_archive(tmp_path / 'image.tar')}")

    found = read(f"registry:{registry.host}/{name}")

    assert found.packages == archive.packages
    assert [fact.diff_id for fact in found.layers] == [fact.diff_id for fact in archive.layers]
    assert found.complete
    assert read(
        f"registry:{registry.host}/team/oci@{read(f'registry:{registry.host}/team/oci:1').target.digest}"
    ).packages


def test_a_second_scan_downloads_no_layer(registry: RealRegistry, tmp_path: Path) -> None:
    cache = LayerCache(tmp_path / "cache")
    seen: list[str] = []

    first = read(f"registry:{registry.host}/team/app:1", cache=cache, progress=lambda what, _: seen.append(what))
    assert seen
    seen.clear()

    assert (
        read(f"registry:{registry.host}/team/app:1", cache=cache, progress=lambda what, _: seen.append(what)) == first
    )
    assert seen == []


@pytest.mark.parametrize("architecture", ["amd64", "arm64"])
def test_the_platform_decides(registry: RealRegistry, architecture: str) -> None:
    found = read(f"registry:{registry.host}/team/many:1", platform=f"linux/{architecture}")

    assert [package.name for package in found.packages] == [architecture]


def test_what_is_not_there(registry: RealRegistry) -> None:
    with pytest.raises(NotFound, match="has no image"):
        read(f"registry:{registry.host}/team/app:2")


def test_a_registry_with_users(tmp_path: Path) -> None:
    with real_registry(tmp_path / "guarded", HTPASSWD) as guarded:
        archive = IMAGE.docker_archive(tmp_path / "image.tar")
        guarded.push(f"docker-archive:{archive}", "app:1", "--dest-creds=tester:sesame")
        config = tmp_path / "config.json"
        subprocess.run(
            [
                "skopeo",
                "login",
                "-u",
                "tester",
                "-p",
                "sesame",
                "--tls-verify=false",
                f"--authfile={config}",
                guarded.host,
            ],
            check=True,
            capture_output=True,
        )

        for access in (RegistryAccess("tester", "sesame"), RegistryAccess(docker_config=config)):
            assert len(read(f"registry:{guarded.host}/app:1", registry=access).packages) == 2
        for access in (RegistryAccess("tester", "wrong"), RegistryAccess(docker_config=archive.with_name("empty"))):
            (tmp_path / "empty").write_text("{}")
            with pytest.raises(Unauthenticated, match="does not admit you"):
                read(f"registry:{guarded.host}/app:1", registry=access)
