"""Headers: what they say, and what is no header."""

import contextlib
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.rpms import header

from hullguard.inventory.analyzers.rpm.header import DamagedHeader, parse


def test_every_tag_is_read() -> None:
    record = parse(
        header("bash", "5.1", "9.el9", epoch=2, arch="x86_64", source="bash-5.1-9.el9.src.rpm", vendor="Red Hat, Inc.",
               license="GPLv3+", module="bash:5:820:abcd", summary="the shell")
    )  # fmt: skip

    assert (record.name, record.epoch, record.version, record.release) == ("bash", 2, "5.1", "9.el9")
    assert (record.arch, record.source, record.vendor) == ("x86_64", "bash-5.1-9.el9.src.rpm", "Red Hat, Inc.")
    assert (record.license, record.module) == ("GPLv3+", "bash:5:820:abcd")


def test_what_a_header_does_not_say_is_absent() -> None:
    record = parse(header("setup"))

    assert (record.epoch, record.arch, record.source, record.module, record.vendor) == (None,) * 5
    assert record.owned == ()


def test_of_the_files_only_those_that_may_name_a_package_of_their_own_are_kept() -> None:
    site = "/usr/lib/python3.9/site-packages/"
    record = parse(
        header("python3-six", basenames=["METADATA", "six.py", "six.conf"],
               dirnames=[f"{site}six-1.15.0.dist-info/", site, "/etc/"], dirindexes=[0, 1, 2])
    )  # fmt: skip

    assert record.owned == ("usr/lib/python3.9/site-packages/six-1.15.0.dist-info/METADATA",)


@pytest.mark.parametrize(
    "fields",
    [
        {"basenames": ["METADATA"], "dirnames": ["/x.dist-info/"], "dirindexes": [7]},
        {"basenames": ["METADATA"], "dirnames": ["/x.dist-info/"], "dirindexes": [0, 0]},
        {"basenames": ["METADATA"]},
    ],
)
def test_lists_of_files_that_do_not_fit_name_none(fields: dict[str, list[str | int]]) -> None:
    assert parse(header("x", **fields)).owned == ()


@pytest.mark.parametrize(
    "blob",
    [
        b"",
        b"\0" * 8,
        b"\0\0\0\1\0\0\0\1",
        struct.pack(">II", 0xFFFFFFFF, 4),
        header("x")[:-1],
        header("", "1", "1"),
        header("x", "", "1"),
        header("x", "1", ""),
        b"\x8e\xad\xe8\x01" + header("x"),
    ],
)
def test_what_is_no_header_is_said_to_be_none(blob: bytes) -> None:
    with pytest.raises(DamagedHeader):
        parse(blob)


@given(st.data())
def test_no_damage_makes_parsing_fail_in_another_way(data: st.DataObject) -> None:
    blob = bytearray(header("x", epoch=1, arch="y", basenames=["a", "b"], dirnames=["/"], dirindexes=[0, 0]))
    for _ in range(3):
        blob[data.draw(st.integers(0, len(blob) - 1))] = data.draw(st.integers(0, 255))

    with contextlib.suppress(DamagedHeader):
        assert parse(bytes(blob)).name


@pytest.mark.parametrize("field", ["name", "version", "release", "arch", "source", "module"])
def test_a_name_or_version_without_end_is_said(field: str) -> None:
    with pytest.raises(DamagedHeader, match="without end"):
        parse(header(**{"name": "a", field: "1" * 1001}))
