"""Names and links never lead out of the image."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hullguard.inventory.paths import normal, resolve, spelled


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("a/b", "a/b"),
        ("./a/b", "a/b"),
        ("/a/b", "a/b"),
        ("a//b/./c/", "a/b/c"),
        ("././a", "a"),
        ("", ""),
        ("./", ""),
        ("/", ""),
        ("a..b/..c/c..", "a..b/..c/c.."),
        ("a/../b", "b"),
        ("a/b/../../c/./d/..", "c"),
        ("a/..", ""),
        ("/../a", "a"),
        (".//a", "a"),
        ("/../../a/../..", ""),
        ("..", ""),
        ("../etc/passwd", "etc/passwd"),
        ("a/../../b", "b"),
        ("./..", ""),
        ("a/../..", ""),
        (".././a", "a"),
    ],
)
def test_names_become_comparable(name: str, path: str) -> None:
    assert normal(name) == path


def test_a_name_with_a_nul_is_refused() -> None:
    assert normal("a\0b") is None


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (b"a\\b", "a\\b"),
        (b"system\\x2dslice", "system\\x2dslice"),
        ("\u00e9".encode(), "\u00e9"),
        (b"\xff", "\\xff"),
        (b"\\xff", "\\\\xff"),
        (b"\\\xff", "\\\\\\xff"),
    ],
)
def test_bytes_that_are_no_text_are_spelled_out(name: bytes, text: str) -> None:
    assert spelled(name) == text


@given(
    st.lists(st.sampled_from([b"\\", b"x", b"f", b"9", b"\xff", b"\xc3", b"\xa9"]), max_size=12),
    st.lists(st.sampled_from([b"\\", b"x", b"f", b"9", b"\xff", b"\xc3", b"\xa9"]), max_size=12),
)
def test_no_two_names_are_spelled_alike(one: list[bytes], other: list[bytes]) -> None:
    first, second = b"".join(one), b"".join(other)

    assert (spelled(first) == spelled(second)) is (first == second)


def test_a_name_of_nothing_but_backslashes_is_spelled_in_linear_time() -> None:
    # Were each of them tried with all those behind it, this would take hours.
    long = b"\\" * (1 << 20)

    assert spelled(long) == long.decode()
    assert spelled(long + b"\xff") == 2 * long.decode() + "\\xff"


@given(st.text(alphabet="ab./\0", max_size=30))
def test_a_normal_name_has_no_way_out(name: str) -> None:
    path = normal(name)

    assert path is None or all(part not in ("", ".", "..") for part in path.split("/")) or path == ""
    assert path is None or normal(path) == path


@pytest.mark.parametrize(
    ("path", "real"),
    [
        ("lib/apk/db", "usr/lib/apk/db"),
        ("etc/os-release", "usr/lib/os-release"),
        ("abs/x", "opt/x"),
        ("up/x", "x"),
        ("chain/x", "usr/lib/x"),
        ("plain/x", "plain/x"),
    ],
)
def test_links_are_followed_within_the_image(path: str, real: str) -> None:
    links = {
        "lib": "usr/lib",
        "etc/os-release": "../usr/lib/os-release",
        "abs": "/opt",
        "up": "../../../..",
        "chain": "./lib",
    }

    assert resolve(path, links) == real


def test_a_loop_has_no_real_path() -> None:
    assert resolve("a/x", {"a": "b", "b": "a"}) is None
    assert resolve("a", {"a": "a"}) is None


@given(st.dictionaries(st.sampled_from(["a", "b", "a/b", "c"]), st.text(alphabet="abc./", min_size=1, max_size=8)))
def test_no_links_lead_out(links: dict[str, str]) -> None:
    real = resolve("a/b/c", links)

    assert real is None or ".." not in real.split("/")
