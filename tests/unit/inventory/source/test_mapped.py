"""Pages are looked at only while nobody can take them away."""

import fcntl
import hashlib
import os
import random
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.images import directory, file, layer, symlink

from hullguard.inventory import tar
from hullguard.inventory.limits import Budget, Limits
from hullguard.inventory.source import mapped as module
from hullguard.inventory.source.hashing import Hashing, Spent
from hullguard.inventory.source.mapped import Pages, is_held, mapped
from hullguard.inventory.streams import Section
from hullguard.inventory.tar import Kind, TarWalk
from hullguard.model.errors import Invalid

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


@pytest.fixture
def lease(descriptor: int) -> Iterator[int]:
    held = module.lease_on(descriptor)
    assert held is not None
    yield held
    os.close(held)


@pytest.mark.parametrize("place", [0, 1, 4095, 4096, 299_999])
def test_a_window_of_pages_begins_where_it_is_asked_to(lease: int, place: int) -> None:
    window, at = Pages(lease).at(place, len(CONTENT)) or (b"", 0)

    assert window[at:] == CONTENT[place : place + 50_000]


def test_there_are_no_pages_behind_the_end_of_the_file_or_of_the_part(lease: int) -> None:
    pages = Pages(lease)

    assert pages.at(len(CONTENT), 2 * len(CONTENT)) is None
    assert pages.at(5, 5) is None
    window, at = pages.at(len(CONTENT) - 10, 2 * len(CONTENT)) or (b"", 0)
    assert window[at:] == CONTENT[-10:]


MEMBERS = random.Random(5)
ARCHIVE = layer(
    directory("d"),
    *(file(f"d/{number}", MEMBERS.randbytes(MEMBERS.choice((0, 3, 512, 5000, 70_000)))) for number in range(60)),
    symlink("d/link", "0"),
    file("x" * 300, b"a long name"),
)


def seen(walk: TarWalk) -> list[tuple[object, ...]]:
    """What a walk says of each member, looked at in one way after another."""
    found = list[tuple[object, ...]]()
    for number, member in enumerate(walk):
        head, offset, body = walk.peek(64), walk.offset, b""
        if number % 4 == 0:
            body = walk.content()
        elif number % 4 == 1:
            direct = walk.direct()
            assert direct is not None
            body = direct[0 : len(direct)]
        elif number % 4 == 2:
            body = walk.read(100)
        found.append((member.name, member.kind, member.size, member.mode, offset, head, body))
    return found


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Section]:
    """A layer behind other bytes, as it lies in a docker-archive."""
    path = tmp_path / "archive"
    path.write_bytes(bytes(1536) + ARCHIVE)
    opened = os.open(path, os.O_RDONLY)
    yield Section(lambda count, at: os.pread(opened, count, at), 1536, len(ARCHIVE), opened)
    os.close(opened)


@pytest.mark.parametrize("window", [512, 5000, 40_960, 1 << 24])
@pytest.mark.parametrize("at_hand", [0, 1000, 1 << 20])
def test_a_walk_over_pages_sees_what_a_walk_that_reads_sees(
    archive: Section, monkeypatch: pytest.MonkeyPatch, window: int, at_hand: int
) -> None:
    monkeypatch.setattr(module, "WINDOW", window)
    monkeypatch.setattr(tar, "_AT_HAND", at_hand)
    held, told, parts = module.lease_on(archive.descriptor), list[int](), list[int]()
    assert held is not None
    spent = Spent(archive.copy(), Budget(Limits()), told.append, Pages(held))
    monkeypatch.setattr(spent, "pread", lambda count, at: parts.append(count) or archive.pread(count, at))

    walked = seen(TarWalk(spent, Budget(Limits()), "layer"))
    spent.rest()
    os.close(held)

    assert walked == seen(TarWalk(archive.copy(), Budget(Limits()), "layer"))
    assert sum(told) == len(ARCHIVE)
    assert not parts or window < len(ARCHIVE) or at_hand < 70_000


def test_a_walk_goes_on_by_reading_when_the_file_is_wanted_back(
    archive: Section, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_RELIED_ON", 0.0)
    held = module.lease_on(archive.descriptor)
    assert held is not None
    spent = Spent(archive.copy(), Budget(Limits()), lambda _: None, Pages(held))
    walk = TarWalk(spent, Budget(Limits()), "layer")
    walked, writer = list[tuple[str, Kind, bytes]](), None
    for member in walk:
        walked.append((member.name, member.kind, walk.content()))
        if len(walked) == 20:
            writer = threading.Thread(target=lambda: (tmp_path / "archive").open("r+b").close())
            writer.start()
            while is_held(held):
                time.sleep(0.01)
    os.close(held)
    assert writer is not None
    writer.join(30)

    plain = TarWalk(archive.copy(), Budget(Limits()), "layer")
    assert walked == [(member.name, member.kind, plain.content()) for member in plain]


@pytest.mark.parametrize("cut", [300, 700, 1024, 100_000])
def test_a_layer_that_ends_early_is_the_same_in_pages(tmp_path: Path, cut: int) -> None:
    (tmp_path / "cut").write_bytes(ARCHIVE[:cut])
    opened = os.open(tmp_path / "cut", os.O_RDONLY)
    held = module.lease_on(opened)
    assert held is not None
    part = Section(lambda count, at: os.pread(opened, count, at), 0, len(ARCHIVE), opened)

    def said(section: Section) -> object:
        try:
            return seen(TarWalk(section, Budget(Limits()), "layer"))
        except Invalid as why:
            return str(why)

    assert said(Spent(part.copy(), Budget(Limits()), lambda _: None, Pages(held))) == said(part.copy())
    os.close(held)
    os.close(opened)
