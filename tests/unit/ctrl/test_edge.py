from typing import Any

import pytest

from hullguard.ctrl.edge import Edge, request_id
from hullguard.ctrl.metrics import Metrics


async def answer(
    path: str, *, secure: bool = False, headers: list[tuple[bytes, bytes]] | None = None
) -> dict[str, str]:
    """The headers with which an application's answer leaves the edge."""
    sent: list[Any] = []
    seen: list[str] = []

    async def application(scope: Any, receive: Any, send: Any) -> None:
        seen.append(request_id(scope))
        await send({"type": "http.response.start", "status": 200, "headers": headers or []})
        await send({"type": "http.response.body", "body": b""})

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        raise AssertionError("nobody reads here")

    scope: Any = {"type": "http", "method": "GET", "path": path, "headers": []}
    await Edge(application, Metrics(), secure=secure)(scope, receive, send)
    given = [(name.decode(), value.decode()) for name, value in sent[0]["headers"]]
    assert len({name for name, _ in given}) == len(given), "no header twice"
    assert dict(given)["x-request-id"] == seen[0]
    return dict(given)


async def test_answers_of_the_api_are_not_kept_and_files_may_be():
    assert (await answer("/api/v1/nodes"))["cache-control"] == "no-store"
    assert "cache-control" not in await answer("/assets/x.js")


async def test_what_a_route_says_itself_stays():
    given = await answer("/api/v1/x", headers=[(b"Cache-Control", b"private"), (b"X-Frame-Options", b"SAMEORIGIN")])

    assert given["Cache-Control"] == "private"
    assert given["X-Frame-Options"] == "SAMEORIGIN"


@pytest.mark.parametrize("secure", [True, False])
async def test_only_over_tls_a_browser_is_told_to_stay_there(secure: bool):
    assert ("strict-transport-security" in await answer("/", secure=secure)) is secure


async def test_every_request_has_its_own_id():
    assert len({(await answer("/"))["x-request-id"] for _ in range(20)}) == 20


async def test_what_is_no_request_passes_through():
    seen: list[str] = []

    async def application(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope["type"])

    async def nothing(*_: Any) -> Any:
        return None

    scope: Any = {"type": "websocket", "path": "/"}
    await Edge(application, Metrics(), secure=False)(scope, nothing, nothing)
    assert seen == ["websocket"]
    assert request_id(scope) == ""
