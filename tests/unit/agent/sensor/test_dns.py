import pytest
from hypothesis import given
from hypothesis import strategies as st

from hullguard.agent.sensor.dns import Question, question


def query(*labels: bytes, kind: int = 1, flags: int = 0x0100, count: int = 1) -> bytes:
    head = b"\x12\x34" + flags.to_bytes(2, "big") + count.to_bytes(2, "big") + bytes(6)
    return head + b"".join(bytes([len(each)]) + each for each in labels) + b"\0" + kind.to_bytes(2, "big") + b"\0\1"


@pytest.mark.parametrize(
    ("message", "name", "kind"),
    [
        (query(b"example", b"org"), "example.org", "A"),
        (query(b"a", kind=28), "a", "AAAA"),
        (query(kind=2), "", "NS"),
        (query(b"x", kind=65280), "x", "65280"),
        (query(b"a.b", b"c\\d", b"\0\xff"), "a\\046b.c\\092d.\\000\\255", "A"),
        (query(b"x" * 63, b"y" * 63), "x" * 63 + "." + "y" * 63, "A"),
    ],
)
def test_a_question_is_read(message, name, kind):
    assert question(message) == Question(name, kind)


@pytest.mark.parametrize(
    "message",
    [
        b"",
        query(b"a")[:12],
        query(b"a")[:-4],
        query(b"a", flags=0x8180),
        query(b"a", count=0),
        query(b"a")[:12] + b"\xc0\x0c\0\1\0\1",
        query(*[b"x" * 63] * 5),
        query(b"a")[:13] + b"",
    ],
    ids=["empty", "no name", "no type", "an answer", "no question", "a pointer", "too long", "cut"],
)
def test_what_is_no_question_is_none(message):
    assert question(message) is None


@given(st.binary(max_size=600))
def test_any_bytes_are_a_question_or_none(message):
    found = question(message)

    assert found is None or (found.name.isprintable() and len(found.name) <= 4 * 255)
