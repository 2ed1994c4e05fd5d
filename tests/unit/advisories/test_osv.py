"""The line that tells people what an advisory is about."""

import json

import pytest

from hullguard.advisories.osv import advisory, decode_record

LONG = "The parser reads past the end of its buffer when a header is longer than the table that it belongs to. " * 5
KERNEL = "In the Linux kernel, the following vulnerability has been resolved:\n\nnet: fix a leak\n\nThe list is freed."


def line(**said: object) -> str:
    return advisory(decode_record(json.dumps({"id": "X-1", **said}).encode())).summary


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"summary": "Overflow in inflate", "details": "Long"}, "Overflow in inflate"),
        (
            {"details": " zlib before 1.2.12\nallows memory\tcorruption. "},
            "zlib before 1.2.12 allows memory corruption.",
        ),
        ({"summary": "", "details": "Both\r\n\r\nlines"}, "Both lines"),
        ({"details": KERNEL}, "net: fix a leak The list is freed."),
        ({"details": "Nothing follows:"}, "Nothing follows:"),
        ({"details": None}, ""),
        ({"details": {"text": "free-form"}}, ""),
        ({}, ""),
    ],
)
def test_it_is_the_summary_or_how_the_details_begin(said: dict[str, object], expected: str) -> None:
    assert line(**said) == expected


def test_long_details_are_cut_between_words() -> None:
    text = line(details=LONG)

    assert len(text) <= 201
    assert text.endswith("…")
    assert LONG.startswith(text[:-1] + " ")


def test_one_endless_word_is_cut_too() -> None:
    assert line(details="x" * 10**6) == "x" * 200 + "…"
