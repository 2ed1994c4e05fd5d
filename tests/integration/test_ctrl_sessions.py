"""Signing in, one's own password, and how sessions and tokens end."""

import asyncio
from datetime import timedelta

import pytest
from tests.support.control import API, PASSWORD, SCOPE, Client, Control, control, installation, make_services, seed
from tests.support.database import Clock

from hullguard.access.iam.identify import IDLE, LIFETIME
from hullguard.access.iam.throttle import PER_ACCOUNT, WINDOW_SECONDS
from hullguard.ctrl.server import create_app
from hullguard.model.identity import Role
from hullguard.storage.stores import Sessions

__all__ = ["control", "installation"]

NEW = "another good long password"


async def test_signing_in_answers_who_one_is_and_sets_a_guarded_cookie(control: Control):
    await control.user(Role.OPERATOR, "olga")
    answer = await control.client().sign_in("olga")

    body = answer.json()
    assert answer.status_code == 201
    assert body["user"]["name"] == "olga"
    assert "password" not in answer.text.replace("must_change_password", "")
    assert "nodes:write" in body["permissions"]
    assert "users:write" not in body["permissions"]
    assert body["must_change_password"] is False
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("hg_session=")
    assert all(part in cookie for part in ("HttpOnly", "SameSite=strict", "Path=/", f"Max-Age={12 * 3600}"))
    assert "Secure" not in cookie
    assert "Domain" not in cookie


async def test_over_tls_the_cookie_is_secure_and_so_is_the_host(tmp_path):
    services = await make_services(tmp_path, Clock(), secure_cookies=True)
    await services.storage.migrate()
    control = Control(services, Clock(), "")
    answer = await control.client().sign_in("nobody", "wrong")
    assert answer.headers["strict-transport-security"] == "max-age=31536000"
    from hullguard.ctrl.routes.sessions import _cookie

    assert "Secure" in _cookie("x", 1, secure=True).to_header()
    await control.close()
    await services.storage.close()


async def test_the_first_administrator_is_made_once_with_a_random_password(control: Control):
    from hullguard.access.iam.first_administrator import ensure_first_admin

    assert await ensure_first_admin(control.storage, control.services.passwords) is None
    for guess in ("admin", "password", "hullguard", ""):
        assert (await control.client().sign_in("admin", guess)).status_code in {401, 422}
    assert (await control.client().sign_in("admin", control.first_password)).status_code == 201


@pytest.mark.parametrize(
    ("name", "password"), [("admin", "wrong"), ("nobody", "wrong"), ("ADMIN", PASSWORD), ("admin ", PASSWORD)]
)
async def test_wrong_name_and_wrong_password_are_one_answer(control: Control, name: str, password: str):
    await control.admin()
    answer = await control.client().sign_in(name, password)

    body = answer.json()
    body.pop("request_id")
    assert body == {
        "type": "urn:hullguard:problem:sign-in-failed",
        "title": "Unauthorized",
        "status": 401,
        "detail": "The user name or the password is wrong.",
        "code": "sign-in-failed",
    }
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"username": "admin"},
        {"username": "admin", "password": ""},
        {"username": "admin", "password": None},
        {"username": "admin", "password": []},
        {"username": "admin", "password": 0},
        {"username": "admin", "password": False},
        {"username": "admin", "password": {"$ne": ""}},
        {"username": ["admin"], "password": PASSWORD},
        {"username": "admin", "password": PASSWORD, "role": "admin"},
        {"username": "admin", "password": "x" * 1025},
        [],
        None,
    ],
)
async def test_what_is_no_credential_is_refused_before_it_is_checked(control: Control, body):
    import msgspec

    await control.admin()
    answer = await control.client().post("/sessions", msgspec.json.encode(body))

    assert answer.status_code == 422
    assert answer.json()["code"] == "field-invalid"


async def attack(clients: list[Client], name: str, many: int) -> list[int]:
    answers = await asyncio.gather(*(clients[i % len(clients)].sign_in(name, f"guess {i}") for i in range(many)))
    return [answer.status_code for answer in answers]


async def test_two_hundred_guesses_at_once_are_ten(control: Control):
    await control.admin()
    codes = await attack([control.client("198.51.100.1")], "admin", 200)

    assert codes.count(401) <= PER_ACCOUNT
    assert codes.count(429) == 200 - codes.count(401)
    refused = await control.client("198.51.100.1").sign_in("admin", PASSWORD)
    assert refused.status_code == 429
    assert refused.headers["retry-after"] == str(WINDOW_SECONDS)


async def test_other_addresses_and_forwarded_ones_do_not_help(control: Control):
    await control.admin()
    rotating = [control.client(f"198.51.100.{n}", x_forwarded_for=f"203.0.113.{n}") for n in range(20)]
    codes = await attack(rotating, "admin", 60)

    assert codes.count(401) <= PER_ACCOUNT


async def test_an_unknown_name_is_throttled_like_a_known_one(control: Control):
    codes = await attack([control.client()], "no-such-user", 30)

    assert codes.count(401) == PER_ACCOUNT


async def test_a_right_password_clears_the_count(control: Control):
    await control.admin()
    client = control.client()
    for _ in range(4):
        await attack([client], "admin", PER_ACCOUNT - 1)
        assert (await client.sign_in("admin")).status_code == 201


async def test_changing_the_password_guesses_no_faster(control: Control):
    viewer = await control.user(Role.VIEWER)
    codes = [
        (await viewer.put("/sessions/current/password", {"old": f"guess {n}", "new": NEW})).status_code
        for n in range(30)
    ]

    assert codes.count(422) <= PER_ACCOUNT
    assert codes[-1] == 429


async def test_failed_sign_ins_are_in_the_audit_without_what_was_typed(control: Control):
    admin = await control.admin()
    await control.client("203.0.113.9").sign_in("my-password-by-mistake", "wrong")
    await control.client("203.0.113.9").sign_in("admin", "also-secret")
    page = await admin.get("/audit?action=session.create&outcome=denied")

    items = page.json()["items"]
    assert [item["subject"] for item in items] == ["user:admin", "user:(unknown)"]
    assert {item["source"] for item in items} == {"203.0.113.9"}
    assert {item["actor"] for item in items} == {"anonymous"}
    assert "mistake" not in page.text
    assert "secret" not in page.text


async def test_signing_out_ends_the_session_for_good(control: Control):
    viewer = await control.user(Role.VIEWER)
    cookie = viewer.http.cookies["hg_session"]
    answer = await viewer.delete("/sessions/current")
    assert answer.status_code == 204
    assert "Max-Age=0" in answer.headers["set-cookie"]

    thief = control.client()
    thief.http.cookies.set("hg_session", cookie)
    assert (await thief.get("/sessions/current")).json()["code"] == "session-ended"


async def test_a_new_password_ends_every_other_session_and_token_of_the_user(control: Control):
    here = await control.user(Role.OPERATOR, "olga")
    there = control.client()
    await there.sign_in("olga")
    token = await control.token(here)
    other = await control.user(Role.VIEWER)
    assert (await there.get("/nodes")).status_code == (await token.get("/nodes")).status_code == 200

    answer = await here.put("/sessions/current/password", {"old": PASSWORD, "new": NEW})
    assert answer.status_code == 204
    assert (await here.get("/nodes")).status_code == 200
    assert (await there.get("/nodes")).status_code == 401
    assert (await token.get("/nodes")).status_code == 401
    assert (await other.get("/nodes")).status_code == 200
    assert (await control.client().sign_in("olga", PASSWORD)).status_code == 401
    assert (await control.client().sign_in("olga", NEW)).status_code == 201


@pytest.mark.parametrize(
    ("old", "new", "field", "code"),
    [
        ("wrong", NEW, "$.old", "password-wrong"),
        (PASSWORD, "short", "$.new", "password-too-short"),
        (PASSWORD, PASSWORD, "$.new", "password-too-simple"),
        (PASSWORD, "my name is viewer!", "$.new", "password-too-simple"),
        ("", NEW, "$.old", "field-invalid"),
        (None, NEW, "$.old", "field-invalid"),
        (PASSWORD, "", "$.new", "field-invalid"),
    ],
)
async def test_a_bad_change_changes_nothing(control: Control, old, new, field, code):
    viewer = await control.user(Role.VIEWER)
    answer = await viewer.put("/sessions/current/password", {"old": old, "new": new})

    assert answer.status_code == 422
    assert (answer.json()["field"], answer.json()["code"]) == (field, code)
    assert (await control.client().sign_in("viewer")).status_code == 201


@pytest.mark.parametrize("change", [{"role": "viewer"}, {"disabled": True}, {"reset_password": True}])
async def test_what_an_administrator_changes_counts_at_once(control: Control, change):
    admin = await control.admin()
    olga = await control.user(Role.OPERATOR, "olga")
    token = await control.token(olga)
    user = (await olga.get("/sessions/current")).json()["user"]["id"]

    assert (await admin.patch(f"/users/{user}", change)).status_code == 200
    assert (await olga.get("/nodes")).status_code == 401
    assert (await token.get("/nodes")).status_code == 401


async def test_a_deleted_user_is_gone_with_everything(control: Control):
    admin = await control.admin()
    olga = await control.user(Role.OPERATOR, "olga")
    token = await control.token(olga)
    user = (await olga.get("/sessions/current")).json()["user"]["id"]

    assert (await admin.delete(f"/users/{user}")).status_code == 204
    assert (await olga.get("/nodes")).status_code == 401
    assert (await token.get("/nodes")).status_code == 401
    assert (await control.client().sign_in("olga")).status_code == 401


async def test_a_disabled_user_cannot_sign_in_until_enabled(control: Control):
    admin = await control.admin()
    olga = await control.user(Role.OPERATOR, "olga")
    user = (await olga.get("/sessions/current")).json()["user"]["id"]
    await admin.patch(f"/users/{user}", {"disabled": True})
    assert (await control.client().sign_in("olga")).json()["code"] == "sign-in-failed"

    await admin.patch(f"/users/{user}", {"disabled": False})
    assert (await control.client().sign_in("olga")).status_code == 201


async def test_an_unused_session_ends(control: Control):
    viewer = await control.user(Role.VIEWER)
    control.clock.forward(seconds=IDLE.total_seconds() + 1)

    assert (await viewer.get("/nodes")).json()["code"] == "session-ended"


async def test_a_used_session_goes_on_and_ends_all_the_same(control: Control):
    viewer = await control.user(Role.VIEWER)
    step = IDLE - timedelta(minutes=1)
    for _ in range(int(LIFETIME / step)):
        control.clock.now += step
        assert (await viewer.get("/nodes")).status_code == 200
    control.clock.now += step

    assert (await viewer.get("/nodes")).status_code == 401


async def test_a_token_ends_on_its_day_and_says_when_it_was_used(control: Control):
    viewer = await control.user(Role.VIEWER)
    token = await control.token(viewer, days=1)
    assert (await viewer.get("/tokens")).json()["items"][0]["last_used"] is None
    await token.get("/nodes")
    assert (await viewer.get("/tokens")).json()["items"][0]["last_used"] is not None
    control.clock.forward(days=1, seconds=1)

    assert (await token.get("/nodes")).json()["code"] == "token-invalid"


async def test_a_token_is_never_stronger_than_its_maker(control: Control):
    viewer = await control.user(Role.VIEWER)
    for role in ("operator", "auditor", "admin"):
        answer = await viewer.post("/tokens", {"name": "x", "days": 1, "role": role})
        assert (answer.status_code, answer.json()["code"]) == (403, "role-above-own")
    admin = await control.admin()
    weak = await control.token(admin, role="viewer")
    assert (await weak.get("/users")).status_code == 403
    assert (await weak.get("/sessions/current")).json()["permissions"] == [
        "advisories:read",
        "commands:read",
        "exceptions:read",
        "images:read",
        "incidents:read",
        "nodes:read",
        "policies:read",
        "registries:read",
        "tokens:own",
    ]


async def test_a_token_makes_no_token_and_changes_no_password(control: Control):
    token = await control.token(await control.admin())
    for method, path, body in [
        ("POST", "/tokens", {"name": "x", "days": 1}),
        ("PUT", "/sessions/current/password", {"old": PASSWORD, "new": NEW}),
        ("DELETE", "/sessions/current", None),
    ]:
        answer = await token.call(method, API + path, body)
        assert (answer.status_code, answer.json()["code"]) == (403, "session-needed")


async def test_tokens_are_their_owner_s_business(control: Control):
    olga = await control.user(Role.OPERATOR, "olga")
    made = (await olga.post("/tokens", {"name": "ci", "days": 1})).json()["token"]
    admin = await control.admin()

    assert (await admin.get("/tokens")).json()["total"] == 0
    assert (await admin.delete(f"/tokens/{made['id']}")).status_code == 404
    assert (await olga.delete(f"/tokens/{made['id']}")).status_code == 204


async def test_tokens_of_one_user_are_bounded(control: Control):
    viewer = await control.user(Role.VIEWER)
    codes = [(await viewer.post("/tokens", {"name": f"t{n}", "days": 1})).status_code for n in range(52)]

    assert codes == [201] * 50 + [409] * 2


async def test_secrets_are_shown_once_and_kept_as_hashes_only(control: Control, tmp_path):
    admin = await control.admin()
    await seed(control)
    secret = (await admin.post("/tokens", {"name": "ci", "days": 1})).json()["secret"]
    joining = (await admin.post("/enrolment-tokens", {"name": "join"})).json()["secret"]
    once = (await admin.post("/users", {"name": "bob", "role": "viewer"})).json()["one_time_password"]
    cookie = admin.http.cookies["hg_session"]
    stored = b"".join(path.read_bytes() for path in tmp_path.glob("hullguard.db*"))
    answers = [await admin.get(path) for path in ("/tokens", "/enrolment-tokens", "/users", "/audit?limit=500")]

    for canary in (secret, secret[-43:], joining, joining.split(".")[2], once, cookie, PASSWORD):
        assert canary.encode() not in stored
        assert all(canary not in answer.text for answer in answers)
    assert all("argon2" not in answer.text for answer in answers)


async def test_a_session_of_one_installation_is_nothing_to_another(control: Control, tmp_path):
    admin = await control.admin()
    (tmp_path / "other").mkdir()
    services = await make_services(tmp_path / "other", control.clock)
    await services.storage.migrate()
    other = Control(services, control.clock, "")
    stranger = other.client()
    stranger.http.cookies = admin.http.cookies

    assert (await stranger.get("/nodes")).status_code == 401
    assert create_app(services) is not other.app
    await other.close()
    await services.storage.close()


async def test_every_session_is_new(control: Control):
    await control.admin()
    client = control.client()
    cookies = {(await client.sign_in("admin")).cookies["hg_session"] for _ in range(3)}

    assert len(cookies) == 3
    async with control.writing() as tx:
        assert await Sessions(tx).find("0" * 64) is None
        assert tx.scope == SCOPE


async def test_what_a_token_is_called_and_whose_it_is_is_told_to_who_reads_what_was_done_with_it(control: Control):
    olga = await control.user(Role.OPERATOR, "olga")
    made = (await olga.post("/tokens", {"name": "nightly", "days": 1, "role": "viewer"})).json()["token"]
    viewer = await control.user(Role.VIEWER)

    named = await viewer.get(f"/tokens/names?id={made['id']},nobody")
    assert named.json() == [{"id": made["id"], "name": "nightly", "user": "olga"}]
    assert (await viewer.get("/tokens/names")).status_code == 422
    assert (await viewer.get("/tokens/names?id=" + ",".join(map(str, range(101))))).status_code == 422
    assert (await control.client().get(f"/tokens/names?id={made['id']}")).status_code == 401
    await olga.delete(f"/tokens/{made['id']}")
    assert (await viewer.get(f"/tokens/names?id={made['id']}")).json() == []
