"""What the kernel looks for is in every text that has what the rule looks for."""

from hypothesis import example, given
from hypothesis import strategies as st

from hullguard.agent.sensor.decode import text as read
from hullguard.detect.texts import LONGEST, SHORTEST, has, key, piece

letters = st.text(
    alphabet="aIk -é\N{KELVIN SIGN}\N{LATIN CAPITAL LETTER I WITH DOT ABOVE}\ufffd\ud800\N{GRINNING FACE}", max_size=30
)


@given(st.binary(max_size=40), letters, st.integers(0, 40), st.integers(4, 40), st.booleans())
@example(b"x\xffsecret", "", 1, 7, False)
@example("\N{KELVIN SIGN}eys of all".encode(), "keys", 0, 0, True)
@example(b"two words", "", 0, 9, True)
def test_no_text_is_overlooked(raw: bytes, given_text: str, start: int, length: int, any_case: bool) -> None:
    # As arguments are shown, and as they lie in memory.
    shown, wanted = read(raw.replace(b"\0", b" ")), given_text or read(raw)[start : start + length]
    holds = wanted.lower() in shown.lower() if any_case else wanted in shown
    part = piece(wanted, any_case=any_case)

    if part is not None:
        assert SHORTEST <= len(key(part)) <= LONGEST
        if holds:
            assert has(raw, part)


def test_the_longest_part_that_is_sure_is_looked_for():
    assert piece("stratum+tcp://") == "stratum+tcp://"
    assert piece("BEGIN RSA PRIVATE", any_case=True) == "N RSA PR"
    assert piece("ab\ufffdcdef") == "cdef"
    assert piece("abc") is None
    assert piece("kiki", any_case=True) is None


def test_capitals_and_what_is_between_words_do_not_matter():
    assert has(b"/bin/sh\0-c\0BASE64 -d", "-c base64")
    assert not has(b"/bin/sh\0-c\0base32", "base64")
