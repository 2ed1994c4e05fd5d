import pytest
from hypothesis import given
from hypothesis import strategies as st

from hullguard.access.iam.secrets import api_token, digest, is_session_secret, new_secret, parse_api_token, same
from hullguard.model.ids import new_id


def test_secrets_are_long_and_never_repeat():
    made = {new_secret() for _ in range(500)}

    assert len(made) == 500
    assert all(is_session_secret(secret) for secret in made)


def test_only_the_secret_itself_matches_its_digest():
    secret = new_secret()

    assert same(secret, digest(secret))
    assert not same(secret + "x", digest(secret))
    assert not same("", digest(secret))
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
