"""Every route with every role, and with none."""

import re
from collections.abc import Iterator

import pytest
from litestar.handlers import HTTPRouteHandler
from tests.support.control import API, PASSWORD, Client, Control, control, installation

from hullguard.access.iam.roles import PERMISSIONS
from hullguard.ctrl import guards
from hullguard.ctrl.routes import stream
from hullguard.ctrl.routes.catalog import PREFIX, RESOURCES
from hullguard.model.identity import Permission, Role

__all__ = ["control", "installation"]


def routes() -> Iterator[tuple[str, str, HTTPRouteHandler]]:
    """Method, path with something in it, handler."""
    for handlers in RESOURCES.values():
        for handler in handlers:
            path = PREFIX + next(iter(handler.paths))
            filled = re.sub(r"\{\w+:int\}", "1", re.sub(r"\{\w+:str\}", "0" * 32, path))
            yield next(iter(handler.http_methods)), filled, handler


GUARDED = [route for route in routes() if isinstance(route[2].opt.get("permission"), Permission)]
SIGNED_IN = [route for route in routes() if route[2].opt.get("permission") == guards.SIGNED_IN]
IDS = [f"{method} {path}" for method, path, _ in GUARDED]


async def test_every_route_names_a_permission_or_says_why_it_is_open(control: Control):
    handlers = [handler for route in control.app.routes for handler in route.route_handlers]  # type: ignore[union-attr]
    declared = [h for h in handlers if h.http_methods != {"OPTIONS"}]

    assert len(declared) > 45
    for handler in declared:
        named = [key for key in ("permission", "why_open") if key in handler.opt]
        assert len(named) == 1, handler
        if "why_open" in handler.opt:
            assert len(handler.opt["why_open"]) > 20
        else:
            assert handler.opt["permission"] in {*Permission, guards.SIGNED_IN}


def test_the_open_routes_of_the_api_are_these_and_no_others():
    opened = {handler.fn.__name__ for _, _, handler in routes() if "why_open" in handler.opt}

    assert opened == {"create_session", "openapi_document"}


def test_every_permission_opens_a_route():
    used = {handler.opt["permission"] for _, _, handler in GUARDED}

    assert used == set(Permission)


async def test_nobody_gets_in_unknown(control: Control):
    stranger = control.client()
    for method, path, _ in [*GUARDED, *SIGNED_IN]:
        answer = await stranger.call(method, path)
        assert answer.status_code == 401, (method, path)
        assert answer.json()["code"] == "not-signed-in"
        assert answer.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize(
    "credential", ["Bearer hgt_x", "Bearer ", "Basic YWRtaW46YWRtaW4=", "Bearer hgt_" + "0" * 32 + "_" + "a" * 43, "x"]
)
async def test_a_bad_token_opens_nothing(control: Control, credential: str):
    client = control.client(authorization=credential)
    for method, path, _ in GUARDED[:10]:
        assert (await client.call(method, path)).status_code == 401


async def check(client: Client, role: Role) -> None:
    for method, path, handler in GUARDED:
        answer = await client.call(method, path)
        where = (role, method, path, answer.text)
        if handler.opt["permission"] in PERMISSIONS[role]:
            assert answer.status_code not in {401, 403, 500}, where
        else:
            assert answer.status_code == 403, where
            assert answer.json()["code"] == "permission-missing", where


@pytest.mark.parametrize("role", Role)
async def test_a_session_may_what_its_role_may(control: Control, role: Role):
    await check(await control.user(role), role)


@pytest.mark.parametrize("role", Role)
async def test_a_token_may_what_its_role_may(control: Control, role: Role):
    token = await control.token(await control.admin(), role=role.value)
    for method, path, handler in GUARDED:
        answer = await token.call(method, path)
        allowed = handler.opt["permission"] in PERMISSIONS[role]
        assert (answer.status_code == 403) is not allowed, (role, method, path, answer.text)


@pytest.mark.parametrize("role", Role)
async def test_a_one_time_password_opens_only_its_own_change(control: Control, role: Role):
    made = await (await control.admin()).post("/users", {"name": "newcomer", "role": role.value})
    newcomer = control.client()
    signed_in = await newcomer.sign_in("newcomer", made.json()["one_time_password"])
    assert signed_in.json()["must_change_password"] is True
    assert signed_in.json()["permissions"] == []

    for method, path, _ in [*GUARDED, ("GET", f"{API}/stream", stream.stream)]:
        answer = await newcomer.call(method, path)
        assert (answer.status_code, answer.json()["code"]) == (403, "password-change-required"), path
    assert (await newcomer.get("/sessions/current")).status_code == 200


async def test_a_cookie_alone_changes_nothing(control: Control):
    """What a foreign page can make a browser send: the cookie, but not our header."""
    admin = await control.admin()
    forged = control.client()
    forged.http.cookies = admin.http.cookies
    del forged.http.headers["x-hullguard-request"]

    for method, path, _ in [*GUARDED, *SIGNED_IN]:
        if method == "GET":
            continue
        answer = await forged.call(method, path)
        assert (answer.status_code, answer.json()["code"]) == (403, "csrf-header-missing"), path
    assert (await forged.get("/nodes")).status_code == 200
    other = control.client()
    other.http.cookies = admin.http.cookies
    other.http.headers["x-hullguard-request"] = "true"
    assert (await other.delete("/users/x")).status_code == 403


async def test_a_token_needs_no_header_against_forgery(control: Control):
    token = await control.token(await control.admin())
    del token.http.headers["x-hullguard-request"]

    assert (await token.put("/quota", {"total": 11})).status_code == 200


async def test_refusals_are_in_the_audit_and_bounded(control: Control):
    viewer = await control.user(Role.VIEWER)
    for _ in range(60):
        assert (await viewer.put("/quota", {"total": 1})).status_code == 403
    admin = await control.admin()

    page = (await admin.get("/audit?outcome=denied&actor=user:viewer&limit=100")).json()
    assert 1 <= page["total"] <= 20
    last = page["items"][0]
    assert last["action"] == "put /api/v1/quota"
    assert last["subject"] == "quotas:write"
    assert last["reason"] == "permission-missing"
    assert "more" in last["details"]
    assert (await admin.get("/audit/verification")).json()["ok"] is True


async def test_unknown_routes_are_problems_for_everybody(control: Control):
    for client in (control.client(), await control.admin()):
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
            answer = await client.call(method, f"{API}/nothing/here")
            assert answer.status_code == 404
            assert answer.headers["content-type"] == "application/problem+json"
            assert answer.json()["code"] == "route-unknown"
    assert (await control.client().sign_in("admin", PASSWORD)).status_code in {201, 401}
