"""The walk over tar headers: what every writer makes is read, what none makes is refused."""

import contextlib
import io
import tarfile

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.images import Entry, directory, file, hardlink, header, layer, symlink

from hullguard.inventory import tar as module
from hullguard.inventory.limits import Budget, Limits
from hullguard.inventory.streams import Section
from hullguard.inventory.tar import Kind, Member, TarWalk
from hullguard.model.errors import HullguardError, Invalid, LimitReached


def walk(content: bytes, limits: Limits | None = None) -> list[Member]:
    return list(TarWalk(io.BytesIO(content), Budget(limits or Limits()), "layer"))


def contents(content: bytes) -> dict[str, bytes]:
    tar = TarWalk(io.BytesIO(content), Budget(Limits()), "layer")
    return {member.name: tar.content() for member in tar if member.kind is Kind.FILE}


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_every_kind_of_member_is_read_in_every_format(form: int) -> None:
    content = layer(directory("a"), file("a/b", b"x" * 1000), symlink("l", "a/b"), hardlink("h", "a/b"), form=form)

    found = [(member.name.rstrip("/"), member.kind, member.size, member.link) for member in walk(content)]

    assert found == [
        ("a", Kind.DIRECTORY, 0, ""),
        ("a/b", Kind.FILE, 1000, ""),
        ("l", Kind.SYMLINK, 0, "a/b"),
        ("h", Kind.HARDLINK, 0, "a/b"),
    ]


@pytest.mark.parametrize("form", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_names_longer_than_a_header_are_read(form: int) -> None:
    name, target = "d/" * 90 + "file", "t/" * 90 + "target"

    found = walk(layer(file(name, b"1"), symlink("l", target), file("short"), form=form))

    assert [member.name for member in found] == [name, "l", "short"]
    assert found[1].link == target


def test_the_ustar_prefix_belongs_to_the_name() -> None:
    name = "p" * 100 + "/" + "n" * 90

    assert [member.name for member in walk(layer(file(name), form=tarfile.USTAR_FORMAT))] == [name]


def test_content_is_given_to_the_byte() -> None:
    files = {f"f{size}": bytes([size % 251]) * size for size in (0, 1, 511, 512, 513, 70_000)}

    assert contents(layer(*(file(name, data) for name, data in files.items()))) == files


def test_content_that_nobody_asks_for_is_passed_over() -> None:
    found = walk(layer(file("big", b"x" * 3_000_000), file("after")))

    assert [member.name for member in found] == ["big", "after"]


def test_a_part_of_a_member_can_be_read() -> None:
    tar = TarWalk(io.BytesIO(layer(file("a", b"0123456789"), file("b", b"next"))), Budget(Limits()), "layer")

    found = [tar.read(4) + tar.read(2) for _ in tar]

    assert found == [b"012345", b"next"]


def test_a_pax_size_replaces_the_size_of_the_header() -> None:
    record = b"12 size=600\n"
    content = header(b"x", b"%011o\0" % len(record), b"x") + record.ljust(512, b"\0")
    content += header(b"big", b"00000000000\0") + b"y" * 600 + bytes(424) + header(b"after") + bytes(1024)

    assert [(member.name, member.size) for member in walk(content)] == [("big", 600), ("after", 0)]


def pax(flag: bytes, *records: tuple[str, str]) -> bytes:
    """A PAX header with its records."""
    body = b""
    for key, value in records:
        tail = f" {key}={value}\n".encode()
        length = len(tail) + len(str(len(tail) + 2))
        body += str(length).encode() + tail
    size = b"%011o\0" % len(body)
    return header(b"pax", size, flag) + body.ljust(-(-len(body) // 512) * 512, b"\0")


def test_a_global_pax_header_renames_nothing_as_in_the_engines() -> None:
    content = pax(b"g", ("path", "both"), ("size", "9")) + header(b"one") + header(b"two") + bytes(1024)

    assert [(member.name, member.size) for member in walk(content)] == [("one", 0), ("two", 0)]


def test_an_empty_pax_value_leaves_what_the_header_says() -> None:
    content = pax(b"x", ("path", "long"), ("path", ""), ("size", "")) + header(b"one") + bytes(1024)

    assert [member.name for member in walk(content)] == ["one"]


def test_a_gnu_long_name_counts_before_a_pax_path_as_in_the_engines() -> None:
    name = b"var/lib/dpkg/status\0"
    long_name = header(b"@", b"%011o\0" % len(name), b"L") + name.ljust(512, b"\0")
    content = long_name + pax(b"x", ("path", "tmp/x")) + header(b"short") + bytes(1024)

    assert [member.name for member in walk(content)] == ["var/lib/dpkg/status"]


def test_a_slash_at_the_end_makes_no_directory_of_what_says_it_is_a_file() -> None:
    content = header(b"etc/passwd/", kind=b"0") + header(b"etc/old/", kind=b"\0") + bytes(1024)

    assert [member.kind for member in walk(content)] == [Kind.FILE, Kind.DIRECTORY]


def test_a_base_256_size_is_read() -> None:
    size = b"\x80" + (700).to_bytes(11, "big")

    assert [member.size for member in walk(header(b"a", size) + bytes(1024) + bytes(1024))] == [700]


def test_a_sparse_map_is_not_taken_for_the_next_header() -> None:
    sparse = bytearray(header(b"sparse", b"%011o\0" % 512, b"S", b"ustar  \0"))
    sparse[482] = 1
    sparse[148:156] = b" " * 8
    sparse[148:156] = b"%06o\0 " % sum(sparse)
    content = bytes(sparse) + bytes(512) + b"d" * 512 + header(b"after") + bytes(1024)

    assert [member.name for member in walk(content)] == ["sparse", "after"]


def test_a_name_that_ends_in_a_slash_is_a_directory_also_in_old_archives() -> None:
    assert walk(header(b"old/", kind=b"\0", magic=b"") + bytes(1024))[0].kind is Kind.DIRECTORY


def test_the_size_of_a_link_is_not_believed() -> None:
    content = header(b"link", b"00000001000\0", b"1") + header(b"after") + bytes(1024)

    assert [(member.name, member.size) for member in walk(content)] == [("link", 0), ("after", 0)]


def test_a_name_that_is_no_utf_8_stays_printable_and_distinct() -> None:
    names = [member.name for member in walk(header(b"a\xff") + header(b"a\xfe") + bytes(1024))]

    assert names == ["a\\xff", "a\\xfe"]


def test_an_archive_without_an_end_mark_is_read() -> None:
    assert [member.name for member in walk(header(b"only"))] == ["only"]


def test_an_empty_layer_has_no_members() -> None:
    assert walk(bytes(1024)) == []
    assert walk(b"") == []


@pytest.mark.parametrize(
    ("size", "why"),
    [
        (b"\xff" * 12, "impossible size"),
        (b"\x80" + b"\xff" * 11, "impossible size"),
        (b"-0000000001\0", "impossible size"),
        (b"777777777777", "cut off"),
        (b"garbage!!!!\0", "impossible size"),
    ],
)
def test_an_absurd_size_is_refused(size: bytes, why: str) -> None:
    with pytest.raises(Invalid, match=why):
        walk(header(b"a", size) + bytes(2048))


@pytest.mark.parametrize("record", [b"99 path=a\n", b"nonsense", b"5 a\n", b"-3 a=b\n", b"10 noequal\n"])
def test_a_damaged_pax_header_is_refused(record: bytes) -> None:
    content = header(b"x", b"%011o\0" % len(record), b"x") + record.ljust(512, b"\0") + header(b"a") + bytes(1024)

    with pytest.raises(Invalid, match="damaged PAX"):
        walk(content)


def test_an_endless_extended_header_is_refused_before_it_is_read() -> None:
    with pytest.raises(Invalid, match="extended header of 8589934591 bytes"):
        walk(header(b"x", b"77777777777\0", b"L"))


def test_what_is_no_tar_is_said_to_be_none() -> None:
    with pytest.raises(Invalid, match="layer is no tar archive"):
        walk(b"this is a text, not an archive. " * 100)


def test_damage_in_the_middle_names_the_place() -> None:
    content = bytearray(layer(file("a", b"x" * 600), file("b"), form=tarfile.USTAR_FORMAT))
    content[512 + 1024 + 100] ^= 0xFF

    with pytest.raises(Invalid, match="damaged header at byte"):
        walk(bytes(content))


@pytest.mark.parametrize("cut", [100, 512 + 10, 512 + 1000, 512 + 1024 + 5])
def test_a_truncated_archive_is_refused(cut: int) -> None:
    content = layer(file("a", b"x" * 1000), file("b", b"y" * 1000), form=tarfile.USTAR_FORMAT)

    with pytest.raises(Invalid, match="cut off"):
        walk(content[:cut])


def test_the_number_of_members_is_bounded() -> None:
    content = layer(*(file(f"f{number}") for number in range(20)))

    with pytest.raises(LimitReached, match="more than 10 files"):
        walk(content, Limits(entries=10))


def test_the_length_of_a_name_is_bounded() -> None:
    with pytest.raises(LimitReached, match="name has more than 50 bytes"):
        walk(layer(file("n" * 51)), Limits(name_bytes=50))


@given(st.binary(max_size=3000))
def test_no_bytes_make_the_walk_fail_in_an_unforeseen_way(content: bytes) -> None:
    with contextlib.suppress(HullguardError):
        walk(content)


@given(st.data())
def test_no_damage_makes_the_walk_fail_in_an_unforeseen_way(data: st.DataObject) -> None:
    content = bytearray(layer(directory("d"), file("d/" + "n" * 150, b"content" * 100), symlink("l", "x" * 120)))
    for _ in range(data.draw(st.integers(1, 5))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(HullguardError):
        walk(bytes(content[: data.draw(st.integers(0, len(content)))]))


def test_modes_are_read_and_a_damaged_one_is_none() -> None:
    damaged = bytearray(header(b"bad"))
    damaged[100:108] = b"79xyz   "
    damaged[148:156] = b" " * 8
    damaged[148:156] = b"%06o\0 " % sum(damaged)
    stream = layer(Entry("su", mode=0o104755))[:512] + bytes(damaged) + bytes(1024)

    assert [member.mode for member in TarWalk(io.BytesIO(stream), Budget(Limits()), "x")] == [0o4755, 0]


def test_peeking_takes_nothing_away() -> None:
    class Slow(io.BytesIO):
        def read(self, n: int | None = -1, /) -> bytes:
            return super().read(min(n or 0, 100))

    walk = TarWalk(Slow(layer(file("a", b"0123456789" * 30), file("b", b"xyz"))), Budget(Limits()), "x")
    seen = [(member.name, walk.peek(250), walk.content()) for member in walk]

    assert seen == [("a", b"0123456789" * 25, b"0123456789" * 30), ("b", b"xyz", b"xyz")]


@given(st.binary(min_size=512, max_size=512), st.integers(-300, 300))
def test_a_header_is_taken_only_with_the_sum_of_its_bytes(noise: bytes, off: int) -> None:
    block = bytearray(noise)
    block[156:157], block[124:136], block[257:263] = b"5", b"0" * 12, b"ustar\0"
    block[148:156] = b" " * 8
    block[148:156] = b"%07o\0" % max(0, sum(block) + off)

    if off == 0:
        assert len(walk(bytes(block) + bytes(1024))) == 1
    else:
        with pytest.raises(Invalid, match="is no tar archive"):
            walk(bytes(block) + bytes(1024))


@given(
    st.lists(st.tuples(st.integers(0, 3000), st.sampled_from(["nothing", "head", "some", "all"])), max_size=8),
    st.integers(1, 2000),
)
def test_what_is_read_depends_neither_on_seeking_nor_on_the_window(asked: list[tuple[int, str]], window: int) -> None:
    archive = layer(*(file(f"f{number}", bytes([number]) * size) for number, (size, _) in enumerate(asked)))
    section = Section(lambda size, at: archive[at : at + size], 0, len(archive))

    def seen(tar: TarWalk) -> list[object]:
        found: list[object] = []
        for member, (_, how) in zip(tar, asked, strict=False):
            place = (member.name, member.size, tar.offset)
            content = {
                "nothing": lambda: b"",
                "head": lambda: tar.peek(700),
                "some": lambda: tar.read(100)[:1],
                "all": tar.content,
            }[how]()
            found.append((place, content))
        return [*found, tar.offset]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_WINDOW", window)
        seeking = seen(TarWalk(section, Budget(Limits()), "layer"))

    assert seeking == seen(TarWalk(io.BytesIO(archive), Budget(Limits()), "layer"))


STATUS = "var/lib/dpkg/status"


def member(name: bytes, content: bytes = b"here", **fields: bytes) -> bytes:
    """A member with its content; fields by their place in the header, as ``at345``."""
    block = bytearray(
        header(name, b"%011o\0" % len(content), fields.pop("kind", b"0"), fields.pop("magic", b"ustar\x0000"))
    )
    for place, value in fields.items():
        at = int(place.removeprefix("at"))
        block[at : at + len(value)] = value
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block) + content + bytes(-len(content) % 512)


END = bytes(1024)


@pytest.mark.parametrize(
    "before",
    [
        pax(b"x", ("path", "tmp/other")),
        pax(b"x", ("linkpath", "tmp/other")),
        member(b"././@LongLink", b"tmp/other\0", kind=b"L"),
    ],
)
def test_what_stands_before_a_global_header_is_said_of_it(before: bytes) -> None:
    found = walk(before + pax(b"g", ("comment", "x")) + member(STATUS.encode()) + END)

    assert [(one.name, one.link) for one in found] == [(STATUS, "")]


@pytest.mark.parametrize("named", [b"", pax(b"x", ("path", "tmp/")), member(b"././@LongLink", b"tmp/\0", kind=b"L")])
def test_a_directory_by_its_name_alone_has_no_content(named: bytes) -> None:
    hidden = member(STATUS.encode())
    found = walk(named + member(b"tmp/", b"", kind=b"\0", at124=b"%011o\0" % len(hidden)) + hidden + END)

    assert [(one.name, one.kind, one.size) for one in found] == [("tmp/", Kind.DIRECTORY, 0), (STATUS, Kind.FILE, 4)]


TIME = b"00000000000 "


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"at345": b"/" * 119 + b"var/lib/dpkg", "at476": TIME, "at488": TIME, "at508": b"tar\0"}, STATUS),
        ({"magic": b"ustar  \0", "at345": b"var/lib/dpkg"}, "var/lib/dpkg/status"),
        ({"magic": b"ustar  \0", "at345": TIME, "at357": b"var/lib/dpkg"}, "00000000000 var/lib/dpkg/status"),
        ({"magic": b"ustar  \0", "at345": TIME, "at357": TIME}, "status"),
        ({"magic": b"ustar  \0", "at345": b"\x80" + bytes(11)}, "status"),
        ({"magic": b"ustar  \0", "at345": b"\xff" * 12}, "status"),
        ({"magic": b"ustar  \0", "at345": b"\x80" + b"\1" * 11}, "status"),  # too late, and no ASCII
        ({"magic": b"", "at345": b"var/lib/dpkg"}, "status"),
    ],
)
def test_what_counts_as_a_prefix_depends_on_the_form_of_the_header(fields: dict[str, bytes], name: str) -> None:
    assert [one.name.lstrip("/") for one in walk(member(b"status", **fields) + END)] == [name]


def test_a_long_name_ends_at_its_first_nul() -> None:
    long = member(b"././@LongLink", STATUS.encode() + b"\0junk\0", kind=b"L")

    assert [one.name for one in walk(long + member(b"short") + END)] == [STATUS]


def test_one_block_of_zeros_does_not_end_an_archive() -> None:
    with pytest.raises(Invalid, match="damaged header at byte 2048"):
        walk(member(b"a") + bytes(512) + member(b"b") + END)

    assert [one.name for one in walk(member(b"a") + bytes(512))] == ["a"]
    assert [one.name for one in walk(member(b"a"))] == ["a"]


def test_names_of_other_bytes_are_not_taken_for_how_those_are_written() -> None:
    found = walk(member(b"opt/\xff") + member(b"opt/\\xff") + END)

    assert len({one.name for one in found}) == 2


def test_headers_full_of_records_and_headers_without_end_are_counted() -> None:
    def extended(body: bytes, kind: bytes) -> bytes:
        return header(b"x", b"%011o\0" % len(body), kind) + body.ljust(-(-len(body) // 512) * 512, b"\0")

    few, many = extended(b"5 a=\n" * 60, b"x"), extended(b"5 a=\n" * 2000, b"x")
    assert [member.name for member in walk(few + header(b"a") + bytes(1024), Limits(entries=1))] == ["a"]
    with pytest.raises(LimitReached):
        walk(many + header(b"a") + bytes(1024), Limits(entries=1000))
    with pytest.raises(LimitReached):
        walk(extended(b"", b"g") * 200 + header(b"a") + bytes(1024), Limits(entries=100))
