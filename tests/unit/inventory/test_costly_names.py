"""Names alone can be a bomb: what is kept of them is bounded as content is."""

import io
import tarfile
import threading
from pathlib import Path

import pytest
from tests.support.images import Image, compressed, directory, file, layer

from hullguard.inventory import Limits, read
from hullguard.inventory.layer import Indexer
from hullguard.inventory.limits import MIB, Budget
from hullguard.inventory.tar import TarWalk
from hullguard.inventory.wanted import Wanted
from hullguard.model.errors import LimitReached

DEEP = "a/" * 1900
LIMITS = Limits(kept_bytes=8 * MIB)


def links(count: int, name: str = "{}/" + DEEP + "x", target: str = "y") -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for number in range(count):
            member = tarfile.TarInfo(name.format(number))
            member.type, member.linkname = tarfile.SYMTYPE, target
            archive.addfile(member)
    return content.getvalue()


def global_header(number: int, size: int) -> bytes:
    rest = b" key%06d=%s\n" % (number, b"A" * size)
    body = str(len(rest) + len(str(len(rest) + 9))).encode() + rest
    member = tarfile.TarInfo("global")
    member.type, member.size = tarfile.XGLTYPE, len(body)
    return member.tobuf(tarfile.USTAR_FORMAT) + body + bytes(-len(body) % 512)


@pytest.mark.parametrize(
    "content",
    [
        links(20),
        links(2500, "{}", "t" * 4000 + "/" * 90),
        layer(*(file(f"{number}/" + DEEP + ".wh.x") for number in range(2500))),
    ],
    ids=["deep links", "long targets", "whiteouts"],
)
def test_a_layer_of_names_ends_at_the_limit(tmp_path: Path, content: bytes) -> None:
    path = Image([content]).docker_archive(tmp_path / "image.tar")

    found = read(f"docker-archive:{path}", limits=LIMITS)

    assert not found.complete
    assert "names and package databases hold more than" in found.unknowns[-1].why


@pytest.mark.parametrize(
    "names",
    [[f"q/{number}" for number in range(16_000)], ["a/x", "b/x"] * 34_000],
    ids=["directories that are not listed in one", "directories taken in turn"],
)
def test_what_is_kept_beside_names_counts_too(names: list[str]) -> None:
    indexer = Indexer(Wanted([]), Budget(LIMITS), "it")

    with pytest.raises(LimitReached, match="names and package databases hold more than"):
        indexer.run(io.BytesIO(layer(*(directory(name) if name.startswith("q") else file(name) for name in names))))


def test_of_files_that_are_large_in_memory_only_one_is_held_at_a_time() -> None:
    budget = Budget(Limits())

    with budget.turn(5 * MIB), budget.turn(1000):
        waiting = threading.Thread(target=lambda: budget.turn(5 * MIB).__enter__(), daemon=True)
        waiting.start()
        waiting.join(0.1)
        assert waiting.is_alive()
    waiting.join()


@pytest.mark.parametrize("whole", ["none", "gzip"])
def test_so_does_an_archive_of_names(tmp_path: Path, whole: str) -> None:
    path = tmp_path / "image.tar"
    content = links(6000, "{}-" + "n" * 2000, "t" * 2000)
    path.write_bytes(content if whole == "none" else compressed(content, whole))

    found = read(str(path), limits=LIMITS)

    assert not found.complete
    assert "names and package databases hold more than" in " ".join(unknown.why for unknown in found.unknowns)


def test_global_headers_that_nobody_reads_are_not_kept() -> None:
    walk = TarWalk(
        io.BytesIO(b"".join(global_header(number, 1000) for number in range(3)) + bytes(1024)), Budget(LIMITS), "it"
    )

    assert list(walk) == []
    assert walk._records(b"17 path=etc/motd\n12 other=ab\n") == {"path": b"etc/motd"}
