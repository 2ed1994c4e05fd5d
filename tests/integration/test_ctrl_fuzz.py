"""The document is the promise: requests made from it, and requests that break it, never find a fault of ours."""

import asyncio
import re
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.support import records
from tests.support.control import Client, Control, control, installation, seed

from hullguard.ctrl import openapi
from hullguard.model.identity import Role

__all__ = ["control", "installation"]

DOCUMENT = openapi.document()
SCHEMAS = DOCUMENT["components"]["schemas"]
OPERATIONS = [
    (method.upper(), path, operation)
    for path, methods in DOCUMENT["paths"].items()
    for method, operation in methods.items()
    # The stream never ends, and signing out or in would change who asks.
    if operation["tags"][0] not in {"stream", "sessions"}
]
IDS = [operation["operationId"] for _, _, operation in OPERATIONS]

PLAIN = st.text(st.characters(exclude_categories=("Cs",)), max_size=30)
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | PLAIN,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(PLAIN, inner, max_size=3),
    max_leaves=6,
)
KNOWN = st.sampled_from(["node-1", "node-2", records.IMAGE, records.container(1).id, "v1", "0" * 32])


def of(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Values that a schema admits, or nearly."""
    if "$ref" in schema:
        return of(SCHEMAS[schema["$ref"].rpartition("/")[2]])
    if "anyOf" in schema:
        return st.one_of([of(each) for each in schema["anyOf"]])
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    kind = schema.get("type")
    if kind == "integer":
        return st.integers(schema.get("minimum", -(2**70)), schema.get("maximum", 2**70))
    if kind == "boolean":
        return st.booleans()
    if kind == "null":
        return st.none()
    if kind == "array":
        return st.lists(of(schema.get("items") or {}), max_size=3)
    if kind == "object":
        named = {name: of(each) for name, each in schema.get("properties", {}).items()}
        required = {name: each for name, each in named.items() if name in schema.get("required", [])}
        fixed = st.fixed_dictionaries(required, optional={n: e for n, e in named.items() if n not in required})
        values = schema.get("additionalProperties")
        return st.dictionaries(PLAIN, of(values), max_size=2) if isinstance(values, dict) else fixed
    return PLAIN | KNOWN


def request(path: str, operation: dict[str, Any]) -> st.SearchStrategy[tuple[str, dict[str, str], dict[str, str], Any]]:
    """Path, query, headers and body for one operation."""
    parameters = operation["parameters"]
    places = {place: [p for p in parameters if p["in"] == place] for place in ("path", "query", "header")}

    def text(schema: dict[str, Any]) -> st.SearchStrategy[str]:
        sound = of(schema).map(lambda v: ",".join(map(str, v)) if isinstance(v, list) else str(v))
        return sound | PLAIN | KNOWN

    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
    return st.tuples(
        st.fixed_dictionaries({p["name"]: text(p["schema"]) for p in places["path"]}).map(
            lambda given: re.sub(r"\{(\w+)\}", lambda m: _quoted(given[m[1]]), path)
        ),
        st.fixed_dictionaries({}, optional={p["name"]: text(p["schema"]) for p in places["query"]}),
        st.fixed_dictionaries(
            {}, optional={p["name"]: st.sampled_from(['"v1"', '"v2"', "*", "key", ""]) for p in places["header"]}
        ),
        (of(body) | ANYTHING) if body else st.none(),
    )


def _quoted(text: str) -> str:
    from urllib.parse import quote

    return quote(text, safe="") or "%20"


async def check(
    client: Client, method: str, made: tuple[str, dict[str, str], dict[str, str], Any], declared: set[str]
) -> None:
    path, query, headers, body = made
    answer = await client.http.request(method, path, params=query, headers=headers, json=body)
    where = f"{method} {path} {query} {headers} {body!r}: {answer.status_code} {answer.text[:500]}"
    assert answer.status_code < 500, where
    if answer.status_code >= 400:
        assert answer.headers["content-type"] == "application/problem+json", where
        problem = answer.json()
        assert {"type", "title", "status", "detail", "code", "request_id"} <= set(problem), where
        assert set(problem) <= set(SCHEMAS["Problem"]["properties"]), where
    # A path parameter of nothing but dots or slashes may name another route, or none.
    assert str(answer.status_code) in declared | {"404", "405"}, where


@pytest.mark.parametrize(("method", "path", "operation"), OPERATIONS, ids=IDS)
async def test_no_request_finds_a_fault(control: Control, method: str, path: str, operation: dict[str, Any]):
    await seed(control)
    admin = await control.admin()
    declared = set(operation["responses"])
    found: list[tuple[str, dict[str, str], dict[str, str], Any]] = []

    @settings(max_examples=25, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(request(path, operation))
    def collect(made: tuple[str, dict[str, str], dict[str, str], Any]) -> None:
        found.append(made)

    await asyncio.to_thread(collect)
    assert len(found) >= 1
    for made in found:
        await check(admin, method, made, declared)
    assert (await admin.get("/audit/verification")).json()["ok"] is True


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.VIEWER])
async def test_every_read_answers_what_the_document_says(control: Control, role: Role):
    """Decoded answers against their schemas, required fields and all."""
    await seed(control)
    client = await control.user(role)
    values = {"node": "node-1", "container": records.container(1).id, "image": records.IMAGE}
    for method, path, operation in OPERATIONS:
        if method != "GET" or not values.keys() >= set(re.findall(r"\{(\w+)\}", path)):
            continue
        answer = await client.call("GET", re.sub(r"\{(\w+)\}", lambda m: values[m[1]], path))
        if answer.status_code == 200:
            media = answer.headers["content-type"].partition(";")[0]
            schema = operation["responses"]["200"]["content"][media].get("schema")
            # A file has a form of its own.
            told = path != "/api/v1/openapi.json" and media == "application/json" and schema.get("format") != "binary"
            complaint = mismatch(answer.json(), schema) if told else None
            assert complaint is None, (path, complaint)


def mismatch(value: Any, schema: dict[str, Any], at: str = "$") -> str | None:
    """Where a value does not fit its schema; the part of JSON Schema that the document uses."""
    if "$ref" in schema:
        return mismatch(value, SCHEMAS[schema["$ref"].rpartition("/")[2]], at)
    if "anyOf" in schema:
        return None if any(mismatch(value, each, at) is None for each in schema["anyOf"]) else f"{at} fits no branch"
    if "enum" in schema:
        return None if value in schema["enum"] else f"{at} is {value!r}"
    kinds = {
        "string": str,
        "integer": int,
        "number": (int, float),
        "boolean": bool,
        "null": type(None),
        "array": list,
        "object": dict,
    }
    kind = schema.get("type")
    if kind and not isinstance(value, kinds[kind]):
        return f"{at} is no {kind}"
    if kind == "array" and isinstance(schema.get("items"), dict):
        return next((m for i, each in enumerate(value) if (m := mismatch(each, schema["items"], f"{at}[{i}]"))), None)
    if kind == "object":
        missing = set(schema.get("required", [])) - set(value)
        if missing:
            return f"{at} lacks {missing}"
        named, rest = schema.get("properties", {}), schema.get("additionalProperties", True)
        for name, each in value.items():
            if name not in named and named and "properties" in schema:
                return f"{at} has {name}"
            shape = named.get(name, rest)
            if isinstance(shape, dict) and (found := mismatch(each, shape, f"{at}.{name}")):
                return found
    return None
