"""Files whose holes were left out of the archive: read as they were, or said to be unknown."""

import contextlib
import io
import shutil
import subprocess
from pathlib import Path
from typing import ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.images import DEBIAN_12, Image, compressed, directory, file, header, layer

from hullguard.inventory import Limits, read
from hullguard.inventory.analyzers.analyzer import Analyzer, Context, Files, Findings
from hullguard.inventory.changes import Written
from hullguard.inventory.layer import Indexer, LayerIndex
from hullguard.inventory.limits import Budget
from hullguard.inventory.wanted import Wanted
from hullguard.model.errors import HullguardError, Invalid, LimitReached

FORMS = {
    "old GNU": ("--format=gnu",),
    "PAX 0.0": ("--format=posix", "--sparse-version=0.0"),
    "PAX 0.1": ("--format=posix", "--sparse-version=0.1"),
    "PAX 1.0": ("--format=posix", "--sparse-version=1.0"),
}
BLOCK = 4096
CONTENTS = {
    "in the middle": b"a" * 700 + bytes(20 * BLOCK) + b"z" * 5000,
    "at the start": bytes(3 * BLOCK) + b"content\n",
    "at the end": b"content\n" + bytes(3 * BLOCK),
    "nothing else": bytes(5 * BLOCK),
    "many": b"".join(b"%d\n" % number + bytes(2 * BLOCK - len(str(number))) for number in range(60)),
}


class Sample(Analyzer):
    """Wants one file."""

    name, version = "sample", 1
    paths = r"wanted"
    magic: ClassVar[tuple[bytes, ...]] = (b"\x7fELF",)

    def analyze(self, files: Files, context: Context) -> Findings:
        return Findings()


def packed(place: Path, name: str, content: bytes, *options: str) -> bytes:
    """A layer as GNU tar writes it, and another file behind."""
    if (
        shutil.which("tar") is None
        or b"GNU tar" not in subprocess.run(["tar", "--version"], capture_output=True, check=False).stdout
    ):
        pytest.skip("GNU tar is not installed")
    with_holes(place / name, content)
    (place / "after").write_bytes(b"after")
    command = ["tar", "-C", place, "-c", "--sparse", "--hole-detection=raw", *options, "-f", "-", name, "after"]
    return subprocess.run(command, capture_output=True, check=True).stdout


def with_holes(path: Path, content: bytes) -> None:
    with path.open("wb") as sparse:
        sparse.truncate(len(content))
        for at in range(0, len(content), BLOCK):
            if any(piece := content[at : at + BLOCK]):
                sparse.seek(at)
                sparse.write(piece)


def index(content: bytes, limits: Limits | None = None) -> LayerIndex:
    indexer = Indexer(Wanted([Sample()]), Budget(limits or Limits()), "layer")
    indexer.run(io.BytesIO(content))
    return indexer.index


@pytest.mark.parametrize("options", FORMS.values(), ids=FORMS)
@pytest.mark.parametrize("content", CONTENTS.values(), ids=CONTENTS)
def test_holes_are_put_back(tmp_path: Path, options: tuple[str, ...], content: bytes) -> None:
    found = index(packed(tmp_path, "wanted", content, *options))

    assert found.changes == [Written(0, 0, "wanted", None, content)]
    assert len(found.others) == 16  # what stands behind it is found, too
    assert found.unknowns == []


@pytest.mark.parametrize("options", FORMS.values(), ids=FORMS)
def test_a_program_is_known_by_its_first_bytes_as_they_were(tmp_path: Path, options: tuple[str, ...]) -> None:
    program = b"\x7fELF" + bytes(4 * BLOCK) + b"end"
    (change,) = index(packed(tmp_path, "tool", program, *options)).changes

    assert change == Written(0, 0, "tool", sniffed={"sample": program})


@pytest.mark.parametrize("options", FORMS.values(), ids=FORMS)
def test_a_file_of_too_many_bytes_is_told_by_its_real_size(tmp_path: Path, options: tuple[str, ...]) -> None:
    found = index(packed(tmp_path, "wanted", bytes(20 * BLOCK) + b"x", *options), Limits(file_bytes=10 * BLOCK))

    assert found.unknowns[0].incomplete
    assert "81921 bytes" in found.unknowns[0].why


def test_nobody_reads_a_hole_that_is_too_large(tmp_path: Path) -> None:
    found = index(packed(tmp_path, "wanted", bytes(20 * BLOCK) + b"x", "--format=gnu"), Limits(hole_bytes=10 * BLOCK))

    assert found.unknowns[0].incomplete
    assert found.unknowns[0].what == "wanted"
    assert "holes" in found.unknowns[0].why
    assert found.changes == []


def old_gnu(
    *numbers: bytes, size: bytes = b"00000000001\0", real: bytes = b"00000000010\0", more: bytes = b""
) -> bytes:
    """A member in the old format whose map says what one likes."""
    block = bytearray(header(b"wanted", size, b"S", b"ustar  \0"))
    for place, number in enumerate(numbers):
        block[386 + 12 * place : 386 + 12 * place + len(number)] = number
    block[482] = bool(more)
    block[483:495] = real
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block) + more + b"d".ljust(512, b"\0") + header(b"after") + bytes(1024)


def pax(records: dict[str, str], data: bytes, name: bytes = b"other") -> bytes:
    body = b""
    for key, value in records.items():
        tail = f" {key}={value}\n".encode()
        length = len(tail) + len(str(len(tail) + 2))
        body += str(length).encode() + tail
    extended = header(b"pax", b"%011o\0" % len(body), b"x") + body.ljust(-(-len(body) // 512) * 512, b"\0")
    content = header(name, b"%011o\0" % len(data)) + data.ljust(-(-len(data) // 512) * 512, b"\0")
    return extended + content + header(b"after") + bytes(1024)


V0 = {"GNU.sparse.size": "8", "GNU.sparse.numblocks": "1", "GNU.sparse.map": "2,1", "GNU.sparse.name": "wanted"}
V1 = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.realsize": "8", "GNU.sparse.name": "wanted"}
MAP = b"1\n2\n1\n".ljust(512, b"\0")


def test_what_is_made_here_is_read() -> None:
    expected = [Written(0, 0, "wanted", None, b"\0\0d\0\0\0\0\0")]

    assert index(old_gnu(b"00000000002\0", b"00000000001\0")).changes == expected
    assert index(pax(V0, b"d")).changes == expected
    assert index(pax(V1, MAP + b"d")).changes == expected


@pytest.mark.parametrize(
    "content",
    [
        old_gnu(b"00000000010\0", b"00000000001\0"),
        old_gnu(b"00000000002\0", b"00000000002\0"),
        old_gnu(b"00000000002\0", b"00000000000\0"),
        old_gnu(b"nonsense0002", b"00000000001\0"),
        old_gnu(b"00000000002\0", b"00000000001\0", real=b"nonsense0000"),
        old_gnu(b"00000000002\0", b"00000000001\0", b"00000000001\0", b"00000000000\0"),
        old_gnu(b"00000000002\0", b"\xff" * 12),
        old_gnu(),
        pax(V0 | {"GNU.sparse.map": "2,1,3"}, b"d"),
        pax(V0 | {"GNU.sparse.map": "2,x"}, b"d"),
        pax(V0 | {"GNU.sparse.map": "2,-1"}, b"d"),
        pax(V0 | {"GNU.sparse.numblocks": "2"}, b"d"),
        pax(V0 | {"GNU.sparse.size": "2"}, b"d"),
        pax(V0 | {"GNU.sparse.size": "9" * 30}, b"d"),
        pax(V0 | {"GNU.sparse.map": "2," + "9" * 5000}, b"d"),
        pax(V1, MAP),
        pax(V1, b"1\n2\n"),
        pax(V1, b"9999999999\n".ljust(512, b"\0") + b"d"),
        pax(V1, b"x\n".ljust(512, b"\0") + b"d"),
        pax(V1, b"1" * 512 + b"d"),
        pax(V1 | {"GNU.sparse.realsize": "2"}, MAP + b"d"),
    ],
    ids=range(21),
)
def test_a_map_that_cannot_be_is_said(content: bytes) -> None:
    found = index(content)

    assert found.changes == []
    assert found.unknowns[0].incomplete
    assert [unknown.what for unknown in found.unknowns] == ["wanted"]
    assert "sparse" in found.unknowns[0].why
    assert len(found.others) == 2 * 16


def test_holes_of_all_files_together_are_bounded() -> None:
    one = pax(V0, b"d")[:-1536]

    assert len(index(one * 4, Limits(hole_bytes=28)).changes) == 4
    with pytest.raises(LimitReached, match="holes of more than 27 bytes"):
        index(one * 4, Limits(hole_bytes=27))


def test_a_map_of_many_blocks_is_bounded() -> None:
    block = bytearray(512)
    block[504] = 1
    found = index(old_gnu(more=bytes(block) * 20 + bytes(512)), Limits(extension_bytes=4096))

    assert "sparse" in found.unknowns[0].why
    assert len(found.others) == 2 * 16


@pytest.mark.parametrize("version", [{"GNU.sparse.major": "2"}, {"GNU.sparse.major": "1", "GNU.sparse.minor": "1"}, {}])
def test_an_unknown_version_is_a_plain_file_as_for_the_engines(version: dict[str, str]) -> None:
    content = pax({"GNU.sparse.name": "not-this", "GNU.sparse.realsize": "900"} | version, b"12345678", b"wanted")

    assert index(content).changes == [Written(0, 0, "wanted", None, b"12345678")]


def test_the_name_of_a_sparse_file_does_not_make_it_a_directory() -> None:
    content = pax(V0 | {"GNU.sparse.name": "wanted/"}, b"d")
    old = content[:1024] + header(b"x", b"00000000001\0", kind=b"\0") + content[1536:]

    assert index(old).changes == [Written(0, 0, "wanted", None, b"\0\0d\0\0\0\0\0")]


def test_only_a_file_is_sparse() -> None:
    extended = pax(V1, MAP + b"d")[:1024]
    found = index(extended + header(b"wanted", kind=b"5") + header(b"after") + bytes(1024))

    assert (found.changes, found.unknowns) == ([], [])


@given(st.data())
def test_no_damage_makes_it_fail_in_an_unforeseen_way(data: st.DataObject) -> None:
    content = bytearray(data.draw(st.sampled_from([pax(V0, b"d"), pax(V1, MAP + b"d")])))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(512, 2047))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(HullguardError):
        index(bytes(content))


@pytest.mark.parametrize("options", FORMS.values(), ids=FORMS)
def test_a_layer_that_is_stored_sparse_is_named(tmp_path: Path, options: tuple[str, ...]) -> None:
    packed(tmp_path, "probe", b"")
    content = layer(directory("etc"), file("etc/os-release", DEBIAN_12), file("zeros", bytes(20 * BLOCK)))
    Image([content]).docker_archive(tmp_path / "image.tar")
    parts = tmp_path / "parts"
    parts.mkdir()
    subprocess.run(["tar", "-C", parts, "-xf", tmp_path / "image.tar"], check=True)
    with_holes(parts / "0" / "layer.tar", content)
    archive = tmp_path / "sparse.tar"
    names = ("0", "config.json", "manifest.json")
    command = ["tar", "-C", parts, "-c", "--sparse", "--hole-detection=raw", *options, "-f", archive, *names]
    subprocess.run(command, check=True)

    for path in (archive, archive.with_suffix(".gz")):
        if path != archive:
            path.write_bytes(compressed(archive.read_bytes(), "gzip"))
        with pytest.raises(Invalid, match=r"0/layer\.tar is stored as a sparse file"):
            read(f"docker-archive:{path}")
