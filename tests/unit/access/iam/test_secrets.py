import pytest
from hypothesis import given
from hypothesis import strategies as st

from hullguard.access.iam.secrets import api_token, digest, is_session_secret, new_secret, parse_api_token
from hullguard.model.ids import new_id


def test_secrets_are_long_and_never_repeat():
    made = {new_secret() for _ in range(500)}

    assert len(made) == 500
    assert all(is_session_secret(secret) for secret in made)


def test_only_the_secret_itself_matches_its_digest():
    secret = new_secret()

    # FIPS 180-4's own example: what is stored must be findable by every later version.
    assert digest("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert digest(secret + "x") != digest(secret)
    assert digest("") != digest(secret)
    assert secret not in digest(secret)


def test_a_token_is_taken_apart_as_it_was_put_together():
    token_id, secret = new_id(), new_secret()

    assert parse_api_token(api_token(token_id, secret)) == (token_id, secret)


@pytest.mark.parametrize(
    "change", [str.upper, lambda t: t[:-1], lambda t: t + "\n", lambda t: " " + t, lambda t: t[4:]]
)
def test_anything_else_is_no_token(change):
    assert parse_api_token(change(api_token("0" * 31 + "a", "a" * 43))) is None


@given(st.text())
def test_no_text_breaks_the_parsers(text):
    parse_api_token(text)
    is_session_secret(text)
