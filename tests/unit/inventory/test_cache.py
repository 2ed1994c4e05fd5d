"""Indexes between scans: found again, never believed when they were touched."""

import hashlib
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

from hullguard.inventory.cache import LayerCache
from hullguard.inventory.changes import HardLinked, Linked, Made, Opaque, Others, Whiteout, Written
from hullguard.inventory.layer import LayerIndex
from hullguard.model.package import Unknown

INDEX = LayerIndex(
    changes=[
        Written(0, 0, "etc/os-release", None, b"ID=debian\n"),
        Linked(1, 0, "lib", "usr/lib"),
        HardLinked(1, 0, "a", "b"),
        Made(1, 0, "lib/x"),
        Others(1, 0, "lib/x", "a/b"),
        Whiteout(1, 0, "a"),
        Opaque(1, 0, ""),
    ],
    others=b"1234567890123456",
    unknowns=[Unknown("what", "why")],
)


def stored(directory: Path) -> Path:
    (path,) = directory.glob("*.layer")
    return path


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    path = tmp_path / "layers"
    LayerCache(path).put("sha256:a", "signature", INDEX)
    return path


def test_what_was_put_is_found_again(directory: Path) -> None:
    assert LayerCache(directory).get("sha256:a", "signature") == INDEX


@pytest.mark.parametrize(("diff_id", "signature"), [("sha256:b", "signature"), ("sha256:a", "other analyzers")])
def test_another_layer_or_other_analyzers_find_nothing(directory: Path, diff_id: str, signature: str) -> None:
    assert LayerCache(directory).get(diff_id, signature) is None


@pytest.mark.parametrize("damage", [b"", b"x", bytes(100)])
def test_a_damaged_file_is_not_believed(directory: Path, damage: bytes) -> None:
    stored(directory).write_bytes(damage)

    assert LayerCache(directory).get("sha256:a", "signature") is None


def test_a_flipped_bit_is_not_believed(directory: Path) -> None:
    content = bytearray(stored(directory).read_bytes())
    content[-1] ^= 1
    stored(directory).write_bytes(content)

    assert LayerCache(directory).get("sha256:a", "signature") is None


def test_the_file_of_another_layer_is_not_believed(directory: Path) -> None:
    first = stored(directory)
    LayerCache(directory).put("sha256:b", "signature", LayerIndex())
    (second,) = set(directory.glob("*.layer")) - {first}
    first.write_bytes(second.read_bytes())

    assert LayerCache(directory).get("sha256:a", "signature") is None


def test_a_file_that_others_may_write_is_not_believed(directory: Path) -> None:
    stored(directory).chmod(0o666)

    assert LayerCache(directory).get("sha256:a", "signature") is None


def test_only_the_owner_may_look(directory: Path) -> None:
    assert directory.stat().st_mode & 0o077 == 0
    assert stored(directory).stat().st_mode & 0o077 == 0


def test_nothing_half_written_stays(directory: Path) -> None:
    assert [path.suffix for path in directory.iterdir()] == [".layer"]


def test_the_least_recently_used_go_first(tmp_path: Path) -> None:
    cache = LayerCache(tmp_path, max_bytes=0)
    cache.put("sha256:a", "signature", INDEX)

    assert list(tmp_path.iterdir()) == []


def test_however_much_is_put_the_directory_stays_bounded(tmp_path: Path) -> None:
    """The bound is that of what lay there when it was looked through last, and a sixteenth more."""
    bound = 32 * 1024
    cache = LayerCache(tmp_path, max_bytes=bound)
    largest = 0
    for number in range(200):
        cache.put(f"sha256:{number}", "signature", LayerIndex(others=random.Random(number).randbytes(1024)))
        largest = max(largest, sum(path.stat().st_size for path in tmp_path.iterdir()))

    assert bound // 2 < largest <= bound + bound // 16
    assert cache.get("sha256:199", "signature") is not None


def test_a_full_directory_that_others_filled_is_emptied_too(tmp_path: Path) -> None:
    for number in range(20):
        LayerCache(tmp_path).put(
            f"sha256:{number}", "signature", LayerIndex(others=random.Random(number).randbytes(1024))
        )
    LayerCache(tmp_path, max_bytes=8 * 1024).put("sha256:a", "signature", INDEX)

    assert sum(path.stat().st_size for path in tmp_path.iterdir()) <= 8 * 1024


def test_a_place_that_cannot_be_written_costs_only_time(tmp_path: Path) -> None:
    occupied = tmp_path / "file"
    occupied.write_text("")
    cache = LayerCache(occupied / "layers")

    cache.put("sha256:a", "signature", INDEX)
    assert cache.get("sha256:a", "signature") is None


@pytest.mark.parametrize(
    "index", [b"\x81\xa7changes\x91\x94\xa4gone\x00\x00\xa1\xff", b"\x81\xa1x" * 5000], ids=["no text", "too deep"]
)
def test_an_entry_of_another_make_is_not_believed(directory: Path, index: bytes) -> None:
    body = zstandard.ZstdCompressor().compress(index)
    stored(directory).write_bytes(hashlib.sha256(b"sha256:a" + body).digest() + body)

    assert LayerCache(directory).get("sha256:a", "signature") is None


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir])
def test_what_is_no_file_is_not_waited_for(directory: Path, make: Callable[[Path], None]) -> None:
    place = stored(directory)
    place.unlink()
    make(place)

    assert LayerCache(directory).get("sha256:a", "signature") is None


def test_threads_that_ask_first_at_once_crash_nothing() -> None:
    """In processes of their own: only who decodes a type for the first time could meet another who does."""
    program = (
        "import sys, threading, tempfile, pathlib\n"
        "from hullguard.inventory import LayerCache\n"
        "from hullguard.inventory.layer import LayerIndex\n"
        "from hullguard.inventory.source.unchanged import Computed, note, noted\n"
        "sys.setswitchinterval(1e-6)\n"
        "cache = LayerCache(pathlib.Path(sys.argv[1]))\n"
        "note(cache, 'file', Computed('a', 'b', 1))\n"
        "threads = [threading.Thread(target=noted, args=(cache, 'file')) for _ in range(4)]\n"
        "[one.start() for one in threads]\n"
        "[one.join() for one in threads]\n"
    )
    for _ in range(5):
        with tempfile.TemporaryDirectory() as place:
            subprocess.run([sys.executable, "-c", program, place], check=True, timeout=60)
