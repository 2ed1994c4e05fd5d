"""What is asked of ctr, and what becomes of its answers; a real containerd is in the integration tests."""

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.support.images import Image, layer, node_package

from hullguard.inventory import read
from hullguard.inventory.source import containerd, containerd_socket
from hullguard.model.errors import Invalid, NotFound, Unavailable

NAME = "docker.io/library/app:latest"
Ctr = Callable[..., Path]


@pytest.fixture
def ctr(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ctr:
    """A ctr that lists one image in one namespace and runs a script to export it; it notes how it was called."""

    def made(export: str, namespace: str = "k8s.io", *, digest: str = "sha256:1", other: str = "") -> Path:
        program, log = tmp_path / "bin" / "ctr", tmp_path / "log"
        program.parent.mkdir(exist_ok=True)
        program.write_text(
            f'#!/bin/sh\necho "$@" >>{log}\n'
            f'case "$*" in *"-n {namespace} images list"*{NAME}*) echo REF TYPE DIGEST; echo {NAME} type {digest} 1 MiB;;\n'
            f'*"-n default images list"*{NAME}*) [ -z "{other}" ] || echo {NAME} type {other} 1 MiB;;\n'
            f'*"images export"*) {export};; esac\n'
        )
        program.chmod(0o755)
        (tmp_path / "socket").touch()
        monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
        monkeypatch.setenv("CONTAINERD_ADDRESS", str(tmp_path / "socket"))
        return log

    monkeypatch.delenv("CONTAINERD_NAMESPACE", raising=False)
    return made


@pytest.mark.parametrize("name", ["app", NAME])
def test_an_image_is_exported_from_the_namespace_that_has_it(ctr: Ctr, tmp_path: Path, name: str) -> None:
    archive = Image([layer(node_package("a", "1.0.0"))], compression="gzip").oci_archive(tmp_path / "a.tar")
    log = ctr(f"cat {archive}")

    found = read(f"containerd:{name}", platform="linux/amd64")

    assert [package.name for package in found.packages] == ["a"]
    assert (found.target.kind, found.target.tags) == ("containerd", (NAME,))
    export = log.read_text().splitlines()[-1]
    assert export.endswith(f"-n k8s.io images export --platform linux/amd64 - {NAME}")


@pytest.mark.parametrize(("other", "told"), [("sha256:1", False), ("sha256:2", True)])
def test_another_image_of_that_name_in_another_namespace_is_told(
    ctr: Ctr, tmp_path: Path, other: str, told: bool
) -> None:
    archive = Image([layer(node_package("a", "1.0.0"))], compression="gzip").oci_archive(tmp_path / "a.tar")
    ctr(f"cat {archive}", other=other)

    found = read("containerd:app")

    assert found.complete is not told
    whys = [
        unknown.why for unknown in found.unknowns if "namespace default of containerd was read; k8s.io" in unknown.why
    ]
    assert len(whys) == told


def test_an_image_that_no_namespace_has(ctr: Ctr) -> None:
    ctr("true", namespace="other")

    with pytest.raises(NotFound, match=r"namespaces default, k8s\.io, moby"):
        read("containerd:app")


def test_only_the_namespace_that_was_told(ctr: Ctr, monkeypatch: pytest.MonkeyPatch) -> None:
    ctr("true")
    monkeypatch.setenv("CONTAINERD_NAMESPACE", "mine")

    with pytest.raises(NotFound, match="namespaces mine"):
        read("containerd:app")


def test_a_refusal_is_passed_on(ctr: Ctr) -> None:
    ctr("echo 'ctr: content digest sha256:1: not found' >&2; exit 1")

    with pytest.raises(Unavailable, match="containerd refused: content digest sha256:1: not found"):
        read("containerd:app")


def test_silence_is_an_answer_too(ctr: Ctr, monkeypatch: pytest.MonkeyPatch) -> None:
    ctr("sleep 100")
    monkeypatch.setattr(containerd, "_SECONDS", 0.5)

    with pytest.raises(Unavailable, match="gave nothing"):
        read("containerd:app")


@pytest.mark.parametrize("name", ["-h", "--help", 'a"b', "a b", "a;b", "$(x)", "a\nb", "a" * 2000])
def test_a_name_that_could_mean_something_else_to_ctr(ctr: Ctr, name: str) -> None:
    log = ctr("true")

    with pytest.raises(Invalid, match="no name of an image"):
        read(f"containerd:{name}")
    assert not log.exists()


def test_what_is_missing_is_said(ctr: Ctr, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ctr("true")
    monkeypatch.setenv("CONTAINERD_ADDRESS", str(tmp_path / "absent"))
    with pytest.raises(Unavailable, match="no containerd answers at"):
        read("containerd:app")

    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Unavailable, match="ctr of containerd is not installed"):
        read("containerd:app")


def test_the_containerd_of_a_kubernetes_that_brings_it_along_is_found(
    ctr: Ctr, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = Image([layer(node_package("a", "1.0.0"))], compression="gzip").oci_archive(tmp_path / "a.tar")
    log = ctr(f"cat {archive}")
    monkeypatch.delenv("CONTAINERD_ADDRESS")
    own, k3s = (tmp_path / name for name in ("own.sock", "k3s.sock"))
    monkeypatch.setattr(containerd_socket, "SOCKETS", (str(own), str(k3s)))
    with pytest.raises(Unavailable, match=f"no containerd answers at {own}"):
        read("containerd:app")
    for there in (k3s, own):
        there.touch()
        assert [package.name for package in read("containerd:app", platform="linux/amd64").packages] == ["a"]
        assert log.read_text().splitlines()[-1].startswith(f"-a {there} ")
