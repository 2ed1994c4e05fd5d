"""The header with which registries ask who one is, and the tokens that they take."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hullguard.inventory.source.registry.challenge import Challenge, parse_challenges, parse_token
from hullguard.model.errors import Invalid


def test_the_header_of_docker_hub() -> None:
    header = 'Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:a/b:pull,push"'

    assert parse_challenges([header]) == [
        Challenge(
            "bearer",
            {
                "realm": "https://auth.docker.io/token",
                "service": "registry.docker.io",
                "scope": "repository:a/b:pull,push",
            },
        )
    ]


@pytest.mark.parametrize("headers", [['Basic realm="x", Bearer realm=y'], ['Basic realm="x"', "BEARER Realm = y"]])
def test_several_ways_in_one_header_or_in_two(headers: list[str]) -> None:
    assert parse_challenges(headers) == [Challenge("basic", {"realm": "x"}), Challenge("bearer", {"realm": "y"})]


def test_quotes_may_be_quoted() -> None:
    assert parse_challenges([r'Bearer realm="a\"b\\c"'])[0].parameters == {"realm": r'a"b\c'}


@pytest.mark.parametrize("headers", [[], [""], ["="], ['realm="x"'], [","]])
def test_nothing_usable(headers: list[str]) -> None:
    assert parse_challenges(headers) == []


@given(st.lists(st.text(max_size=300), max_size=3))
def test_any_header_is_read(headers: list[str]) -> None:
    assert all(challenge.scheme for challenge in parse_challenges(headers))


@pytest.mark.parametrize(
    "body", [b'{"token": "abc"}', b'{"access_token": "abc"}', b'{"token":"", "access_token":"abc"}']
)
def test_a_token_under_either_name(body: bytes) -> None:
    assert parse_token(body, "realm") == "abc"


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{}", b'{"token": 1}', b'{"token": "a\\r\\nHost: x"}', b'{"token": "a b"}', b'"' + b"[" * 9999],
)
def test_no_token(body: bytes) -> None:
    with pytest.raises(Invalid, match="token"):
        parse_token(body, "realm")
