"""Roots of scratch images, made of this machine's own programs."""

import io
import shutil
import tarfile
from pathlib import Path

import pytest

from hullguard.agent.selftest import images
from hullguard.agent.selftest.images import busybox_root, debian_root
from hullguard.model.errors import Unavailable


def names(archive: bytes) -> dict[str, tarfile.TarInfo]:
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        return {member.name: member for member in tar}


@pytest.mark.skipif(shutil.which("busybox") is None, reason="no busybox here")
def test_a_busybox_with_all_its_programs() -> None:
    found = names(busybox_root({"etc/own": b"x"}))

    assert found["bin/sh"].linkname == "busybox"
    assert found["etc/own"].size == 1
    assert found["etc/shadow"].mode == 0o640
    assert found["tmp"].mode == 0o1777


@pytest.mark.skipif(shutil.which("dpkg-query") is None, reason="no dpkg here")
def test_a_debian_of_a_few_packages() -> None:
    found = names(debian_root())

    assert {"usr/bin/perl", "usr/bin/bash", "usr/bin/busybox", "etc/passwd"} <= set(found)
    assert found["bin"].linkname == "usr/bin"


def test_a_program_that_needs_a_loader_is_no_busybox_for_this(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = tmp_path / "busybox"
    script.write_text("#!/bin/sh\n")
    script.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(Unavailable, match="busybox-static"):
        busybox_root()


@pytest.mark.parametrize("content", [b"", b"\x7fELF\x02\x01", b"\x7fELF\x02\x01" + b"\xff" * 58])
def test_what_is_half_a_program_is_none(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x").write_bytes(content)

    assert images._interpreted(tmp_path / "x")
