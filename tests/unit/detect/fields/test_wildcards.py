"""fnmatch(3), and no pattern that takes long."""

import ctypes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hullguard.detect.fields import wildcards
from hullguard.detect.fields.wildcards import LONGEST, compiled, literal_end, literal_start

LIBC = ctypes.CDLL(None)


@pytest.mark.parametrize("unit", ["[", "[!", "[:", "[a-", "[\\", "[[:alpha:"])
def test_brackets_that_never_close_are_gone_over_once(unit: str, monkeypatch: pytest.MonkeyPatch) -> None:
    steps: list[int] = []

    def counted(pattern: str, position: int) -> str | None:
        steps.append(position)
        return class_name(pattern, position)

    class_name = wildcards._class_name
    monkeypatch.setattr(wildcards, "_class_name", counted)
    compiled.__wrapped__((unit * LONGEST)[:LONGEST])

    assert len(steps) <= 3 * LONGEST


@pytest.mark.parametrize(
    ("pattern", "text", "fits"),
    [
        ("/proc/*/environ", "/proc/1/environ", True),
        ("/proc/*/environ", "/proc/1/task/2/environ", True),
        ("/proc/*/environ", "/proc/environ", False),
        ("*", "", True),
        ("", "", True),
        ("?", "/", True),
        ("a?c", "abc", True),
        ("[a-c]x", "bx", True),
        ("[!a-c]x", "bx", False),
        ("[^a-c]x", "dx", True),
        ("[]x]", "]", True),
        ("[a", "[a", True),
        ("[[:digit:]]*", "7x", True),
        ("[[:nothing:]]", ":]", True),
        (r"\*", "*", True),
        (r"\*", "a", False),
        ("a\\", "a\\", True),
        ("*.so*.1", "lib.so.so.1", True),
        ("a\nb*", "a\nbc", True),
        ("[z-a]", "b", False),
    ],
)
def test_what_fits(pattern: str, text: str, fits: bool) -> None:
    assert bool(compiled(pattern).fullmatch(text)) is fits


def test_without_regard_to_case() -> None:
    assert compiled("/TMP/*", ignore_case=True).fullmatch("/tmp/X")
    assert not compiled("/TMP/*").fullmatch("/tmp/X")


@given(st.text("ab/*?.", max_size=12), st.text("ab/.", max_size=14))
def test_as_the_c_library_has_it(pattern: str, text: str) -> None:
    assert bool(compiled(pattern).fullmatch(text)) is (LIBC.fnmatch(pattern.encode(), text.encode(), 0) == 0)


def test_a_pattern_made_to_take_long_does_not() -> None:
    # A matcher that tries every star again would not end in this universe.
    assert not compiled("*a" * 500 + "b").fullmatch("a" * 4000)


def test_a_pattern_has_a_greatest_length() -> None:
    with pytest.raises(ValueError, match="longer than"):
        compiled("a" * (LONGEST + 1))


@given(st.text("ab/*?[]\\", max_size=10), st.text("ab/*?[]\\", max_size=10))
def test_literal_parts_are_in_all_that_fits(pattern: str, text: str) -> None:
    if compiled(pattern).fullmatch(text):
        assert text.startswith(literal_start(pattern))
        assert text.endswith(literal_end(pattern))
