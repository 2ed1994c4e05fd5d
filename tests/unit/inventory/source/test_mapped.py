"""Pages are looked at only while nobody can take them away."""

import fcntl
import hashlib
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from hullguard.inventory.source import mapped as module
from hullguard.inventory.source.hashing import Hashing
from hullguard.inventory.source.mapped import mapped
from hullguard.inventory.streams import Section

CONTENT = os.urandom(300_000)


@pytest.fixture(autouse=True)
def _small_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WINDOW", 50_000)


@pytest.fixture
def descriptor(tmp_path: Path) -> Iterator[int]:
    (tmp_path / "layer").write_bytes(CONTENT)
    opened = os.open(tmp_path / "layer", os.O_RDONLY)
    yield opened
    os.close(opened)


def section(descriptor: int | None, offset: int = 0, size: int = len(CONTENT)) -> Section:
    return Section(lambda count, at: CONTENT[at : at + count], offset, size, descriptor)


@pytest.mark.parametrize(("offset", "size"), [(0, len(CONTENT)), (512, 100), (4096, 70_000), (99_999, 200_001), (7, 0)])
def test_windows_are_the_section(descriptor: int, offset: int, size: int) -> None:
    part = section(descriptor, offset, size)

    seen = [bytes(window) for window in mapped(part)]

    assert b"".join(seen) == CONTENT[offset : offset + size]
    assert (part.offset, part.left) == (offset + size, 0)


def test_several_may_look_at_one_file(descriptor: int) -> None:
    first, second = mapped(section(descriptor)), mapped(section(descriptor))
    together = [next(first)[:10].tobytes(), next(second)[:10].tobytes()]
    first.close()

    assert [*together, next(second)[:10].tobytes()] == [CONTENT[:10], CONTENT[:10], CONTENT[50_000:50_010]]
    second.close()


def test_who_wants_to_write_gets_the_file_after_the_window(
    descriptor: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = module.lease_on(descriptor)
    assert held is not None
    monkeypatch.setattr(module, "lease_on", lambda _: held)
    part = section(descriptor)
    windows = mapped(part)
    next(windows)
    shortened = threading.Thread(target=lambda: (tmp_path / "layer").write_bytes(b"short"))
    shortened.start()
    while fcntl.fcntl(held, fcntl.F_GETLEASE) == fcntl.F_RDLCK:
        time.sleep(0.01)

    assert os.fstat(descriptor).st_size == len(CONTENT)
    assert list(windows) == []
    shortened.join(30)
    assert os.fstat(descriptor).st_size == 5
    assert part.left == len(CONTENT) - 50_000


def test_a_file_that_is_being_written_is_not_looked_at(descriptor: int, tmp_path: Path) -> None:
    with (tmp_path / "layer").open("r+b"):
        assert list(mapped(section(descriptor))) == []


def test_a_section_beyond_the_end_of_the_file_ends_with_it(descriptor: int) -> None:
    assert b"".join(map(bytes, mapped(section(descriptor, 0, 2 * len(CONTENT))))) == CONTENT


def test_what_is_no_file_is_read() -> None:
    part = section(None)

    assert list(mapped(part)) == []
    with Hashing(part) as hashing:
        assert hashing.digest() == f"sha256:{hashlib.sha256(CONTENT).hexdigest()}"


@pytest.mark.parametrize("offset", [0, 1000])
def test_the_digest_is_that_of_the_file(descriptor: int, offset: int) -> None:
    with Hashing(section(descriptor, offset, 200_000)) as hashing:
        assert hashing.digest() == f"sha256:{hashlib.sha256(CONTENT[offset : offset + 200_000]).hexdigest()}"

    assert hashing.count == 200_000
