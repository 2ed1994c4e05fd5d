import httpx
import pytest
from litestar import Litestar, get
from litestar.datastructures import State

from hullguard.ctrl.errors import HANDLERS
from hullguard.ctrl.guards import gate
from hullguard.ctrl.metrics import Metrics


@get("/forgotten")
async def forgotten() -> str:
    return "should never be seen"


@get("/open", why_open="the test needs one that is")
async def opened() -> str:
    return "seen"


@get("/named", permission="no-such-permission")
async def misnamed() -> str:
    return "should never be seen"


@pytest.fixture
def client() -> httpx.AsyncClient:
    app = Litestar(
        [forgotten, opened, misnamed],
        guards=[gate],
        exception_handlers=dict(HANDLERS),
        openapi_config=None,
        state=State({"metrics": Metrics(), "services": None, "trusted_proxies": ()}),
    )
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://test")


async def test_a_route_that_says_nothing_is_shut(client: httpx.AsyncClient):
    answer = await client.get("/forgotten")

    assert (answer.status_code, answer.json()["code"]) == (403, "route-shut")


async def test_a_route_that_says_why_is_open(client: httpx.AsyncClient):
    assert (await client.get("/open")).text == "seen"


async def test_a_route_with_a_wrong_permission_is_no_way_in(client: httpx.AsyncClient):
    assert (await client.get("/named")).status_code == 401


async def test_asking_for_the_methods_needs_nobody(client: httpx.AsyncClient):
    answer = await client.request("OPTIONS", "/forgotten")

    assert (answer.status_code, answer.content) == (204, b"")
