"""Tokens and the pin on the CA."""

import base64
import hashlib
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hullguard.wire.enrolment import Token, new_secret, parse_token, pin_of, require_pinned
from hullguard.wire.violation import Code, Violation

DER = b"a certificate as far as the pin is concerned" * 20
PEM = "-----BEGIN CERTIFICATE-----\n" + base64.encodebytes(DER).decode() + "-----END CERTIFICATE-----\n"
PIN = hashlib.sha256(DER).hexdigest()[:32]


def test_a_token_survives_copy_and_paste():
    token = Token("0198abc", new_secret(), PIN)
    assert parse_token(f"  {token}\n") == token
    assert len({new_secret() for _ in range(50)}) == 50


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hg1",
        "hg2.a." + "s" * 43 + "." + PIN,
        "hg1.a.short." + PIN,
        "hg1.a." + "s" * 43,
        "hg1.a." + "s" * 43 + "." + PIN + "0",
        "hg1.a." + "s" * 43 + "." + PIN.upper().replace("0", "A"),
        "hg1.a/../b." + "s" * 43 + "." + PIN,
        "hg1." + "a" * 65 + "." + "s" * 43 + "." + PIN,
        "hg1.a." + "s" * 43 + "." + PIN + "\nhg1.a",
        "hg1.é." + "s" * 43 + "." + PIN,
    ],
)
def test_what_is_not_a_token_says_so(text):
    with pytest.raises(Violation) as refused:
        parse_token(text)
    assert refused.value.code == Code.TOKEN_MALFORMED


@given(st.text(max_size=300))
def test_any_text_is_a_token_or_a_violation(text):
    with suppress(Violation):
        assert str(parse_token(text)) == text.strip()


def test_the_pinned_ca_is_accepted_and_another_is_not():
    require_pinned(PEM, Token("a", "s" * 43, PIN))
    with pytest.raises(Violation) as refused:
        require_pinned(PEM, Token("a", "s" * 43, "0" * 32))
    assert refused.value.code == Code.TOKEN_FOREIGN


@pytest.mark.parametrize("pem", ["", "junk", PEM + PEM, PEM.replace("-----END", "x\n-----END"), PEM[:40], "x" + PEM])
def test_the_pin_covers_exactly_one_certificate(pem):
    with pytest.raises(Violation) as refused:
        pin_of(pem)
    assert refused.value.code == Code.MESSAGE_MALFORMED
