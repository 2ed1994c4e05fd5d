"""Files that analyzers know by their first bytes, wherever they lie."""

import io
from pathlib import Path
from typing import ClassVar

from tests.support.images import Entry, file, layer, symlink, whiteout

from hullguard.inventory.analyzers.analyzer import Analyzer, Context, Files, Findings
from hullguard.inventory.changes import Written
from hullguard.inventory.layer import Indexer, LayerIndex
from hullguard.inventory.limits import Budget, Limits
from hullguard.inventory.source.directory import TreeWalk
from hullguard.inventory.squash import squash
from hullguard.inventory.wanted import Wanted

PROGRAM = b"\x7fELF" + bytes(60) + b"version=1"


class Programs(Analyzer):
    """Keeps the version of a program, unless it has none."""

    name = "programs"
    version = 1
    paths = r"etc/programs"
    magic: ClassVar[tuple[bytes, ...]] = (b"\x7fELF", b"MZ")

    def condense(self, path: str, content: bytes) -> bytes:
        return content.rpartition(b"version=")[2] if b"version=" in content else b""

    def analyze(self, files: Files, context: Context) -> Findings:
        return Findings()


class Others(Programs):
    name = "others"
    paths = r"etc/others"
    magic = (b"MZ",)


WANTED = Wanted((Programs(), Others()))


def index(*entries: Entry, limits: Limits | None = None) -> LayerIndex:
    indexer = Indexer(WANTED, Budget(limits or Limits()), "layer")
    indexer.run(io.BytesIO(layer(*entries)))
    return indexer.index


def sniffed(*layers: tuple[Entry, ...], analyzer: str = "programs") -> list[tuple[str, bytes, int]]:
    tree = squash([index(*entries) for entries in layers], WANTED, Limits())
    return [(path, kept.content, kept.origin) for path, kept in tree.sniffed(analyzer)]


def test_a_file_is_known_by_its_first_bytes() -> None:
    assert sniffed((file("opt/tool", PROGRAM), file("opt/text", b"version=9" * 20))) == [("opt/tool", b"1", 0)]


def test_what_is_condensed_to_nothing_is_not_kept() -> None:
    assert index(file("tool", b"\x7fELF" + bytes(100))).changes == []


def test_a_file_too_small_to_be_a_program_is_not_read() -> None:
    assert index(file("tool", b"\x7fELF version=1")).changes == []


def test_a_file_that_an_analyzer_wants_by_path_is_not_sniffed() -> None:
    assert sniffed((file("etc/programs", PROGRAM),)) == []
    (change,) = index(file("etc/programs", PROGRAM)).changes
    assert change == Written(0, 0, "etc/programs", None, b"1")


def test_several_analyzers_may_know_one_file() -> None:
    program = (file("a.exe", b"MZ" + PROGRAM),)

    assert sniffed(program) == sniffed(program, analyzer="others") == [("a.exe", b"1", 0)]
    assert sniffed((file("a", PROGRAM),), analyzer="others") == []


def test_a_later_layer_hides_or_replaces_it() -> None:
    program = (file("opt/tool", PROGRAM),)

    assert sniffed(program, (whiteout("opt/tool"),)) == []
    assert sniffed(program, (file("opt", b"x"),)) == []
    assert sniffed(program, (file("opt/tool", b"a script"),)) == []
    assert sniffed(program, (symlink("opt/tool", "other"),)) == []
    assert sniffed(program, (file("opt/tool", PROGRAM + b"2"),)) == [("opt/tool", b"12", 1)]


def test_the_same_program_written_again_came_with_the_first() -> None:
    assert sniffed((file("tool", PROGRAM),), (file("tool", PROGRAM),)) == [("tool", b"1", 0)]


def test_of_two_members_with_one_name_the_later_counts() -> None:
    assert sniffed((file("tool", PROGRAM), file("tool", b"a script"))) == []


def test_a_program_larger_than_the_limit_is_named_and_makes_the_index_incomplete() -> None:
    found = index(file("tool", PROGRAM), limits=Limits(large_file_bytes=64))

    assert found.changes == []
    assert [unknown.what for unknown in found.unknowns] == ["tool"]
    assert found.unknowns[0].incomplete


def test_a_directory_tree_is_sniffed_too(tmp_path: Path) -> None:
    (tmp_path / "tool").write_bytes(PROGRAM)
    (tmp_path / "text").write_bytes(b"version=7" * 20)
    indexer = Indexer(WANTED, Budget(Limits()), "tree")
    TreeWalk(indexer, tmp_path).run()

    assert indexer.finish().changes == [Written(0, 0, "tool", sniffed={"programs": b"1"})]


def test_first_bytes_are_part_of_the_signature() -> None:
    class Fewer(Programs):
        magic = (b"MZ",)

    assert Wanted((Programs(),)).signature != Wanted((Fewer(),)).signature
