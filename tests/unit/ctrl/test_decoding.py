import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from litestar.datastructures import MultiDict

from hullguard.ctrl.decoding import decode_body, decode_query, refuse_query
from hullguard.ctrl.errors import Malformed
from hullguard.ctrl.listing import Instant, Paged, Searched
from hullguard.ctrl.routes.incidents import IncidentQuery
from hullguard.ctrl.routes.nodes import NodeQuery
from hullguard.ctrl.routes.sessions import Credentials
from hullguard.model.errors import Invalid
from hullguard.model.node import NodeState
from hullguard.storage.stores import NodeFilter


def test_a_query_becomes_its_struct():
    query = decode_query(MultiDict([("state", "offline,degraded"), ("online", "false"), ("limit", "7")]), NodeQuery)

    assert isinstance(query, NodeQuery)
    assert query.state == (NodeState.OFFLINE, NodeState.DEGRADED)
    assert query.online is False
    assert query.protection is None
    assert (query.page().limit, query.page().sort) == (7, None)
    assert query.to(NodeFilter) == NodeFilter(state=frozenset(query.state), online=False)


def test_a_list_may_be_repeated_and_empty():
    query = decode_query(MultiDict([("state", "offline"), ("state", ",degraded,")]), NodeQuery)
    assert isinstance(query, NodeQuery)
    assert len(query.state) == 2
    assert decode_query(MultiDict([("state", "")]), NodeQuery) == NodeQuery()


@pytest.mark.parametrize(
    ("given_query", "field"),
    [
        ([("nope", "1")], "nope"),
        ([("limit", "1"), ("limit", "2")], "limit"),
        ([("limit", "many")], "limit"),
        ([("state", "happy")], "state[0]"),
        ([("since", "yesterday")], "since"),
        ([("since", "2026-01-01T00:00:00")], "since"),
        ([("q", "x" * 201)], "q"),
    ],
)
def test_what_is_wrong_is_named(given_query, field):
    with pytest.raises(Invalid) as refused:
        decode_query(MultiDict(given_query), NodeQuery if field != "since" else IncidentQuery)

    assert refused.value.field == field
    assert refused.value.code == "query-invalid"


@given(
    st.lists(
        st.tuples(st.sampled_from(["limit", "cursor", "q", "sort", "x"]) | st.text(max_size=9), st.text(max_size=30))
    )
)
def test_no_query_does_worse_than_be_refused(pairs):
    with contextlib.suppress(Invalid):
        assert isinstance(decode_query(MultiDict(pairs), Searched), Searched)


def test_a_route_without_parameters_takes_none():
    refuse_query(MultiDict())
    with pytest.raises(Invalid):
        refuse_query(MultiDict([("x", "1")]))


def test_a_page_alone_cannot_be_searched():
    with pytest.raises(Invalid):
        decode_query(MultiDict([("q", "x")]), Paged)
    assert Instant is not None


@pytest.mark.parametrize("content", [b'{"username": "\xff", "password": ""}', b'{"\xff": ""}', b"\xff"])
def test_a_body_that_is_no_text_is_malformed(content):
    with pytest.raises(Malformed):
        decode_body(content, Credentials)


def test_a_body_without_end_is_refused():
    with pytest.raises(Invalid, match="too deeply"):
        decode_body(b"[" * 100_000, Any)
