"""Layers that need not be hashed again: only while their file is provably the one that was hashed."""

import contextlib
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.support.archives import jar
from tests.support.images import DEBIAN_12, Image, digest_of, dpkg_entry, dpkg_status, file, layer

from hullguard.inventory import LayerCache, Limits, random_access, read
from hullguard.inventory.analyzers.catalog import ANALYZERS
from hullguard.inventory.analyzers.dpkg import DpkgAnalyzer
from hullguard.inventory.layer import LayerIndex
from hullguard.inventory.source import reader, unchanged
from hullguard.inventory.source.unchanged import Computed, identity_of, note, noted
from hullguard.inventory.wanted import Wanted
from hullguard.model.errors import Invalid
from hullguard.model.inventory import Inventory

BASE = layer(file("etc/os-release", DEBIAN_12), dpkg_status(dpkg_entry("bash", "5.2")))
IMAGE = Image([BASE, layer(file("srv/x", b"x" * 10_000))])
FORMS: dict[str, Callable[[Path], Path]] = {
    "docker-archive": IMAGE.docker_archive,
    "oci-archive": Image(IMAGE.layers, compression="gzip").oci_archive,
    "oci-dir": Image(IMAGE.layers, compression="zstd").oci_dir,
}


@pytest.fixture
def cache(tmp_path: Path) -> LayerCache:
    return LayerCache(tmp_path / "cache")


@pytest.fixture
def indexed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names the layers that were read, hashed or walked."""
    seen: list[str] = []
    whole = reader.LayerReader._index

    def index(self: reader.LayerReader, raw: object, what: str, claimed: str | None) -> object:
        seen.append(what)
        return whole(self, raw, what, claimed)  # type: ignore[arg-type]

    monkeypatch.setattr(reader.LayerReader, "_index", index)
    return seen


@pytest.fixture
def settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets files of this moment count as old."""
    monkeypatch.setattr(unchanged, "SETTLED_NS", -(10**12))


def forget(indexed: list[str], found: Inventory) -> Inventory:
    indexed.clear()
    return found


@pytest.mark.usefixtures("settled")
@pytest.mark.parametrize("form", FORMS)
def test_an_unchanged_image_is_not_read_again(tmp_path: Path, cache: LayerCache, indexed: list[str], form: str) -> None:
    path = FORMS[form](tmp_path / "image")
    first = forget(indexed, read(f"{form}:{path}", cache=cache))

    assert read(f"{form}:{path}", cache=cache) == first
    assert indexed == []


@pytest.mark.usefixtures("settled")
@pytest.mark.parametrize("form", FORMS)
def test_what_is_known_is_not_written_again(tmp_path: Path, cache: LayerCache, form: str) -> None:
    path = FORMS[form](tmp_path / "image")
    read(str(path), cache=cache)
    kept = {(entry.name, entry.stat().st_ino) for entry in os.scandir(tmp_path / "cache")}
    read(str(path), cache=cache)

    assert kept
    assert {(entry.name, entry.stat().st_ino) for entry in os.scandir(tmp_path / "cache")} == kept


def test_a_file_that_is_too_young_is_read_again(tmp_path: Path, cache: LayerCache, indexed: list[str]) -> None:
    path = IMAGE.docker_archive(tmp_path / "image.tar")
    forget(indexed, read(str(path), cache=cache))
    read(str(path), cache=cache)

    assert len(indexed) == 2


@pytest.mark.usefixtures("settled")
def test_a_changed_file_is_read_again_and_its_lie_found(tmp_path: Path, cache: LayerCache, indexed: list[str]) -> None:
    path = IMAGE.docker_archive(tmp_path / "image.tar")
    state = path.stat()
    forget(indexed, read(str(path), cache=cache))
    content = path.read_bytes()
    with path.open("r+b") as archive:
        archive.write(content.replace(b"xxxxxxxx", b"yxxxxxxx", 1))
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))  # the change time cannot be set back

    with pytest.raises(Invalid) as raised:
        read(str(path), cache=cache)
    assert raised.value.code == "image.digest-mismatch"


@pytest.mark.usefixtures("settled")
def test_a_note_is_of_one_place_in_one_file(tmp_path: Path, cache: LayerCache) -> None:
    path = IMAGE.docker_archive(tmp_path / "image.tar")
    at = path.read_bytes().index(BASE)
    read(str(path), cache=cache)
    with path.open("rb") as archive:
        identities = [identity_of(archive.fileno(), place, len(BASE)) for place in (at, at + 512)]

    assert [noted(cache, identity) for identity in identities if identity] == [
        Computed(digest_of(BASE), digest_of(BASE), len(BASE)),
        None,
    ]


@pytest.mark.usefixtures("settled")
def test_what_is_noted_must_agree_with_the_configuration(tmp_path: Path, cache: LayerCache, indexed: list[str]) -> None:
    path = IMAGE.docker_archive(tmp_path / "image.tar")
    lying = Image(IMAGE.layers, diff_ids=["sha256:" + "0" * 64] * 2).docker_archive(tmp_path / "lying.tar")
    read(str(path), cache=cache)

    for _ in range(2):
        with pytest.raises(Invalid, match="is not what its digest says"):
            read(str(lying), cache=cache)


@pytest.mark.usefixtures("settled")
def test_other_wishes_read_the_layers_again(
    tmp_path: Path, cache: LayerCache, indexed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = IMAGE.docker_archive(tmp_path / "image.tar")
    forget(indexed, read(str(path), cache=cache))
    monkeypatch.setattr(DpkgAnalyzer, "version", 99)
    read(str(path), cache=cache)

    assert len(indexed) == 2


@pytest.mark.usefixtures("settled")
def test_a_limit_is_met_in_the_same_place_whatever_is_cached(tmp_path: Path, cache: LayerCache) -> None:
    path = IMAGE.docker_archive(tmp_path / "image.tar")
    limits = Limits(total_bytes=len(BASE) + 100)
    cold = read(str(path), limits=limits)
    read(str(path), cache=cache)

    warm = read(str(path), cache=cache, limits=limits)
    assert not cold.complete
    assert (warm.packages, warm.unknowns, warm.complete) == (cold.packages, cold.unknowns, cold.complete)


def test_a_damaged_note_is_none(cache: LayerCache) -> None:
    note(cache, "a", Computed("sha256:1", "sha256:2", 3))

    assert noted(cache, "a") == Computed("sha256:1", "sha256:2", 3)
    assert noted(cache, "b") is None

    cache.put("c", "file", LayerIndex(note=b"\x81\xa7diff_id\xa1\xff"))
    assert noted(cache, "c") is None


def test_only_a_settled_file_has_an_identity(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"x")
    now = time.time_ns()
    with path.open("rb") as opened:
        young = identity_of(opened.fileno(), 0, 1)
        monkeypatch.setattr(time, "time_ns", lambda: now + 3 * 10**9)
        old = identity_of(opened.fileno(), 0, 1)
        monkeypatch.setattr(time, "time_ns", lambda: now - 10**9)
        of_the_future = identity_of(opened.fileno(), 0, 1)

    assert young is None
    assert old is not None
    assert of_the_future is None


@pytest.mark.usefixtures("settled")
@pytest.mark.parametrize("when", ["before", "meanwhile"])
def test_what_is_walked_is_what_is_hashed_although_somebody_writes(
    tmp_path: Path, cache: LayerCache, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    harmless, wanted = (layer(dpkg_status(dpkg_entry(name, "1"))) for name in ("harmless", "openssl1"))
    path = Image([harmless], diff_ids=[digest_of(wanted)]).docker_archive(tmp_path / "image.tar")
    at = path.read_bytes().index(harmless)
    writers: list[int] = []

    def opened() -> None:
        writers.append(os.open(path, os.O_RDWR | os.O_NONBLOCK))

    class Late(reader.Hashing):
        def digest(self) -> str:
            if when == "meanwhile":
                with contextlib.suppress(BlockingIOError):
                    opened()
            for writer in writers:
                os.pwrite(writer, wanted, at)
            return digest_of(path.read_bytes()[at : at + len(wanted)])

    monkeypatch.setattr(reader, "Hashing", Late)
    if when == "before":
        opened()
    try:
        with pytest.raises(Invalid, match="not what its digest says"):
            read(f"docker-archive:{path}", cache=cache)
    finally:
        for writer in writers:
            os.close(writer)
    assert cache.get(digest_of(wanted), Wanted(ANALYZERS).signature) is None


@pytest.mark.usefixtures("settled")
def test_a_file_that_somebody_may_write_to_is_not_known_by_its_state(tmp_path: Path) -> None:
    path = tmp_path / "layer"
    path.write_bytes(BASE)
    with path.open("rb") as file:
        assert identity_of(file.fileno(), 0, len(BASE)) is not None
        with path.open("r+b"):
            assert identity_of(file.fileno(), 0, len(BASE)) is None


@pytest.mark.usefixtures("settled")
def test_what_a_low_limit_left_out_is_not_believed_under_another(tmp_path: Path, cache: LayerCache) -> None:
    archive = str(IMAGE.docker_archive(tmp_path / "image.tar"))
    low = read(archive, cache=cache, limits=Limits(file_bytes=10))

    assert (low.complete, low.packages) == (False, ())
    assert read(archive, cache=cache).complete
    assert not read(archive, cache=cache, limits=Limits(file_bytes=10)).complete


@pytest.mark.usefixtures("settled")
def test_what_could_not_be_read_is_read_the_next_time(tmp_path: Path, cache: LayerCache) -> None:
    content = layer(file("etc/os-release", DEBIAN_12), dpkg_status(dpkg_entry("bash", "5.2")), file("a.jar", jar()))
    archive = str(Image([content]).docker_archive(tmp_path / "image.tar"))
    with pytest.MonkeyPatch.context() as full:
        full.setattr(tempfile, "tempdir", str(tmp_path / "no-room"))
        full.setattr(random_access, "IN_MEMORY", 0)
        assert not read(archive, cache=cache).complete

    assert read(archive, cache=cache).complete
