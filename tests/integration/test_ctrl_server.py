"""The process as a whole: real sockets, TLS, limits, headers, static files, event streams, shutdown."""

import asyncio
import contextlib
import hashlib
import json
import re
import socket
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import msgspec
import pytest
from tests.support.control import API, MAGIC, PASSWORD, Control, control, installation, make_services, seed, served

from hullguard.ctrl import console, decoding
from hullguard.ctrl.edge import CONTENT_SECURITY_POLICY
from hullguard.ctrl.routes import agent_bundles, stream
from hullguard.ctrl.server import BODY_MAX, serve
from hullguard.ctrl.services import Services
from hullguard.hostmgr.authority import Authority
from hullguard.model.errors import Invalid
from hullguard.model.identity import Role

__all__ = ["control", "installation"]

SECURITY = {
    "content-security-policy": CONTENT_SECURITY_POLICY,
    "cross-origin-opener-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}


@contextlib.asynccontextmanager
async def signed_in(url: str, name: str = "admin", **options: object) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(
        base_url=url, headers={"x-hullguard-request": "1"}, trust_env=False, timeout=60, **options
    ) as http:  # type: ignore[arg-type]
        answer = await http.post(f"{API}/sessions", json={"username": name, "password": PASSWORD})
        assert answer.status_code == 201, answer.text
        yield http


# --- every answer


async def test_every_answer_has_a_request_id_and_the_security_headers(control: Control):
    admin = await control.admin()
    answers = [
        await admin.call(method, path)
        for method, path in [
            ("GET", "/"),
            ("GET", "/nodes/anything"),
            ("GET", "/healthz"),
            ("GET", f"{API}/nodes"),
            ("GET", f"{API}/nope"),
            ("DELETE", f"{API}/nodes"),
            ("GET", f"{API}/nodes?limit=0"),
            ("POST", f"{API}/users"),
            ("PUT", "/"),
        ]
    ]
    for answer in answers:
        assert {name: answer.headers[name] for name in SECURITY} == SECURITY, answer.url
        assert "server" not in answer.headers
    assert len({answer.headers["x-request-id"] for answer in answers}) == len(answers)
    for answer in answers:
        if "problem" in answer.headers["content-type"]:
            assert answer.json()["request_id"] == answer.headers["x-request-id"]


def test_no_script_may_be_inline():
    directives = dict(part.split(" ", 1) for part in CONTENT_SECURITY_POLICY.split("; "))

    assert directives["script-src"] == directives["default-src"] == "'self'"
    assert directives["frame-ancestors"] == directives["object-src"] == directives["base-uri"] == "'none'"


async def test_the_caller_s_request_id_is_not_taken_over(control: Control):
    answer = await control.client(x_request_id="chosen\tby-me").get("/nodes")

    assert "chosen" not in answer.headers["x-request-id"]


async def test_a_fault_of_ours_is_a_problem_without_details(control: Control):
    admin = await control.admin()
    broken = control.services.storage
    await broken.close()
    Path(control.services.settings.scratch or "", "hullguard.db").write_bytes(b"this is no database at all" * 100)
    answer = await admin.get("/nodes")

    assert answer.status_code in {500, 503}
    assert answer.headers["content-type"] == "application/problem+json"
    assert "Traceback" not in answer.text
    assert answer.headers["x-request-id"] == answer.json()["request_id"]
    assert (await control.client().call("GET", "/healthz")).status_code == 200
    assert (await control.client().call("GET", "/readyz")).status_code in {500, 503}


# --- bodies


@pytest.mark.parametrize(
    ("body", "content_type", "status", "code"),
    [
        (b"{", "application/json", 400, "body-malformed"),
        (b"\xff\xfe", "application/json", 400, "body-malformed"),
        (b'{"name": "\\ud800", "role": "viewer"}', "application/json", 400, "body-malformed"),
        (b"[" * 100_000, "application/json", 422, "field-invalid"),
        (b'{"name":' * 50_000, "application/json", 422, "field-invalid"),
        (b'{"name":"bob","role":"viewer"}', "text/plain", 415, "media-type"),
        (b'{"name":"bob","role":"viewer"}', "application/x-www-form-urlencoded", 415, "media-type"),
        (b"name=bob", "multipart/form-data; boundary=x", 415, "media-type"),
        (b'{"name":"bob","role":"viewer","name":"eve"}', "application/json", 201, None),
        (b" " * (BODY_MAX + 1), "application/json", 413, "body-too-large"),
        (b"null", "application/json", 422, "field-invalid"),
    ],
)
async def test_bodies_are_read_strictly(control: Control, body, content_type, status, code):
    answer = await (await control.admin()).call("POST", f"{API}/users", body, content_type=content_type)

    assert answer.status_code == status, answer.text
    assert answer.json().get("code") == code


async def test_deep_nesting_inside_a_policy_is_refused(control: Control):
    deep = b'{"spec":{"name":"x","detectors":{"d":{"parameters":{"p":' + b"[" * 50_000 + b"]" * 50_000 + b"}}}}}"

    assert (await (await control.admin()).call("POST", f"{API}/policies", deep)).status_code in {400, 422}


async def test_an_endless_body_is_cut_off(control: Control):
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b" " * 65536

    async with served(control.services) as url:
        await control.admin()
        async with signed_in(url) as http:
            answer = await http.post(f"{API}/users", content=endless(), headers={"content-type": "application/json"})

    assert answer.status_code == 413


# --- addresses


async def test_a_forwarded_address_counts_only_from_a_trusted_proxy(control: Control):
    async def source(services: Services) -> str:
        made = Control(services, control.clock, control.first_password)
        await made.client("10.1.2.3", x_forwarded_for="1.1.1.1, 203.0.113.7").sign_in("admin", "wrong")
        await made.close()
        page = await (await control.admin()).get("/audit?outcome=denied&limit=1")
        return page.json()["items"][0]["source"]

    import dataclasses

    assert await source(control.services) == "10.1.2.3"
    settings = dataclasses.replace(control.services.settings, trusted_proxies=("10.0.0.0/8",))
    assert await source(dataclasses.replace(control.services, settings=settings)) == "203.0.113.7"


async def test_metrics_are_for_this_machine_or_for_those_who_may_look(control: Control):
    assert (await control.client("192.0.2.1").call("GET", "/metrics")).status_code == 401
    assert (await control.client("127.0.0.1", x_forwarded_for="192.0.2.1").call("GET", "/metrics")).status_code == 401
    local = await control.client("127.0.0.1").call("GET", "/metrics")
    assert local.status_code == 200
    assert local.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    viewer = await control.user(Role.VIEWER)
    text = (await viewer.call("GET", "/metrics")).text
    assert 'hullguard_http_requests_total{method="GET",route="/metrics",status="401"} 2.0' in text


async def test_a_scanner_does_not_fill_the_metrics(control: Control):
    stranger = control.client("127.0.0.1")
    for number in range(50):
        await stranger.call("GET", f"{API}/guess{number}")
        await stranger.call("BREW", f"/pot{number}")
    lines = (await stranger.call("GET", "/metrics")).text.splitlines()

    assert not any("guess" in line or "pot" in line or "BREW" in line for line in lines)
    assert sum(line.startswith("hullguard_http_requests_total") for line in lines) < 8


# --- the console's files


async def test_without_a_console_a_page_says_so(control: Control):
    for path in ("/", "/nodes", "/deep/link?x=1"):
        answer = await control.client().call("GET", path)
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        assert "make console" in answer.text
        assert "控制台" in answer.text
        assert "<script" not in answer.text


async def test_the_console_s_files_are_served_and_everything_else_is_its_page(control: Control, tmp_path: Path):
    static = tmp_path / "static"
    (static / "assets").mkdir(parents=True)
    (static / "index.html").write_text("<!doctype html><title>console</title>")
    (static / "assets" / "app-1a2b.js").write_text("export {}")
    (static / "logo.svg").write_text("<svg/>")
    (tmp_path / "secret.txt").write_text("not yours")
    (static / "link.txt").symlink_to(tmp_path / "secret.txt")
    client = Control(control.services, control.clock, "").client()

    page = await client.call("GET", "/")
    assert (page.headers["content-type"], page.headers["cache-control"]) == ("text/html; charset=utf-8", "no-cache")
    script = await client.call("GET", "/assets/app-1a2b.js")
    assert script.headers["content-type"] == "text/javascript; charset=utf-8"
    assert "immutable" in script.headers["cache-control"]
    assert (await client.call("GET", "/logo.svg")).headers["content-type"].startswith("image/svg+xml")
    assert (await client.call("GET", "/assets/app-1a2b.js", if_none_match=script.headers["etag"])).status_code == 304
    head = await client.call("HEAD", "/logo.svg")
    assert (head.status_code, head.content) == (200, b"")
    for path in (
        "/nodes/abc",
        "/../secret.txt",
        "/..%2fsecret.txt",
        "/%2e%2e/secret.txt",
        "/link.txt",
        "/assets/../../secret.txt",
        "//etc/passwd",
        "/assets",
    ):
        answer = await client.http.get(f"http://hullguard.test{path}")
        assert answer.text == page.text, path


# --- bundles


async def test_a_signed_bundle_is_kept_and_listed_and_can_be_ordered(control: Control):
    await seed(control)
    operator = await control.user(Role.OPERATOR)
    bundle = MAGIC + b"1.2.3" + b"x" * 3_000_000
    made = await operator.call("POST", f"{API}/agent-bundles", bundle, content_type="application/octet-stream")
    sha256 = hashlib.sha256(bundle).hexdigest()
    assert made.status_code == 201, made.text
    assert made.json() | {"uploaded": ""} == {"sha256": sha256, "version": "1.2.3", "size": len(bundle), "uploaded": ""}
    assert (await operator.get("/agent-bundles")).json() == [made.json()]
    again = await operator.call("POST", f"{API}/agent-bundles", bundle, content_type="application/octet-stream")
    assert again.status_code == 201
    assert len((await operator.get("/agent-bundles")).json()) == 1
    order = {"node": "node-1", "kind": "update_agent", "parameters": {"sha256": sha256}}
    assert (await operator.post("/commands", order)).status_code == 201
    assert not list(Path(control.services.settings.scratch or "").glob("bundle-*"))


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b"unsigned", "application/octet-stream", 422),
        (b"", "application/octet-stream", 422),
        (MAGIC + b"1.2.3", "application/json", 415),
        (MAGIC + b"1.2.3" + bytes(64 * 1024 * 1024), "application/octet-stream", 413),
    ],
)
async def test_nothing_unsigned_or_huge_is_kept(control: Control, body, content_type, status):
    admin = await control.admin()
    answer = await admin.call("POST", f"{API}/agent-bundles", body, content_type=content_type)

    assert answer.status_code == status, answer.text
    assert (await admin.get("/agent-bundles")).json() == []
    assert not list(Path(control.services.settings.scratch or "").glob("bundle-*"))


# --- event streams


async def publish(services: Services, kind: str, thing: str) -> None:
    await services.cache.publish("stream:default", msgspec.msgpack.encode({"kind": kind, "id": thing}))


class Events:
    """Reads one open stream."""

    def __init__(self, answer: httpx.Response) -> None:
        self._lines = answer.aiter_lines()

    async def next(self) -> tuple[str, str] | None:
        kind = ""
        async for line in self._lines:
            if line.startswith("event: "):
                kind = line.removeprefix("event: ")
            elif line.startswith("data: "):
                return kind, json.loads(line.removeprefix("data: "))["id"]
        return None

    async def comment(self) -> str:
        async for line in self._lines:
            if line.startswith(": "):
                return line
        return ""


@contextlib.asynccontextmanager
async def listening(http: httpx.AsyncClient) -> AsyncIterator[Events]:
    async with http.stream("GET", f"{API}/stream") as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert answer.headers["cache-control"] == "no-store"
        events = Events(answer)
        assert await events.comment() == ": connected"
        yield events


async def test_a_change_arrives_on_the_stream(control: Control):
    await seed(control)
    await control.admin()
    async with served(control.services) as url, signed_in(url) as http, listening(http) as events:
        answer = await http.put(f"{API}/nodes/node-2/protection", json={"on": True, "reason": "x"})
        assert answer.status_code == 200
        assert await events.next() == ("node", "node-2")
        await publish(control.services, "incident", "i1")
        assert await events.next() == ("incident", "i1")


async def test_only_what_one_may_read_is_heard(control: Control, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(stream.NEEDED, "incident", "audit:read")  # a kind that a viewer may not read
    await control.user(Role.VIEWER)
    async with served(control.services) as url, signed_in(url, "viewer") as http, listening(http) as events:
        for kind in ("incident", "secret-kind", "user"):
            await publish(control.services, kind, "hidden")
        await control.services.cache.publish("stream:default", b"\xc1 not msgpack")
        await control.services.cache.publish("stream:other", msgspec.msgpack.encode({"kind": "node", "id": "theirs"}))
        await publish(control.services, "node", "n1")
        assert await events.next() == ("node", "n1")


async def test_an_idle_stream_pings_and_ends_with_its_session(control: Control, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(stream, "PING_SECONDS", 0.1)
    monkeypatch.setattr(stream, "RECHECK_SECONDS", 0.05)
    admin = await control.admin()
    await control.user(Role.VIEWER)
    async with served(control.services) as url, signed_in(url, "viewer") as http, listening(http) as events:
        assert await events.comment() == ": ping"
        user = (await http.get(f"{API}/sessions/current")).json()["user"]["id"]
        assert (await admin.patch(f"/users/{user}", {"disabled": True})).status_code == 200
        assert await events.next() is None


async def test_a_stream_of_a_user_whose_role_changed_ends(control: Control, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(stream, "RECHECK_SECONDS", 0.05)
    admin = await control.admin()
    operator = await control.user(Role.OPERATOR)
    user = (await operator.get("/sessions/current")).json()["user"]["id"]
    secret = (await operator.post("/tokens", {"name": "x", "days": 1, "role": "viewer"})).json()["secret"]
    async with (
        served(control.services) as url,
        httpx.AsyncClient(
            base_url=url, headers={"authorization": f"Bearer {secret}"}, trust_env=False, timeout=60
        ) as http,
        listening(http) as events,
    ):
        await admin.patch(f"/users/{user}", {"role": "viewer"})
        assert await events.next() is None


async def test_streams_are_bounded_and_closing_one_frees_it(control: Control, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(stream, "STREAMS_MAX", 2)
    await control.admin()
    async with served(control.services) as url, signed_in(url) as http:
        async with listening(http), listening(http):
            refused = await http.get(f"{API}/stream")
            assert (refused.status_code, refused.json()["code"]) == (429, "streams-exhausted")
            assert refused.headers["retry-after"]
        async with asyncio.timeout(60):
            while True:  # the server notices the closed connections on its own
                answer = await http.send(http.build_request("GET", f"{API}/stream"), stream=True)
                code = answer.status_code
                await answer.aclose()
                if code == 200:
                    break
                await asyncio.sleep(0.02)


# --- starting and stopping


async def test_stopping_ends_open_streams_at_once_and_says_goodbye(control: Control):
    await control.admin()
    async with served(control.services) as url:
        http = httpx.AsyncClient(base_url=url, headers={"x-hullguard-request": "1"}, trust_env=False, timeout=60)
        await http.post(f"{API}/sessions", json={"username": "admin", "password": PASSWORD})
        request = http.build_request("GET", f"{API}/stream")
        answer = await http.send(request, stream=True)
        events = Events(answer)
        assert await events.comment() == ": connected"
    assert await events.next() is None
    await answer.aclose()
    await http.aclose()


async def test_over_tls_it_speaks_tls_1_3_only(control: Control, tmp_path: Path):
    await control.admin()
    authority = Authority.open(tmp_path / "authority", datetime.now(UTC))
    certificate = authority.server_file("ctrl", ["127.0.0.1"], datetime.now(UTC))
    context = ssl.create_default_context(cadata=authority.ca_pem)
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    async with served(control.services, certificate=certificate) as url:
        async with signed_in(url, verify=context) as http:
            assert (await http.get(f"{API}/nodes")).status_code == 200
        old = ssl.create_default_context(cadata=authority.ca_pem)
        old.maximum_version = ssl.TLSVersion.TLSv1_2
        async with httpx.AsyncClient(base_url=url, verify=old, trust_env=False) as http:
            with pytest.raises(httpx.ConnectError):
                await http.get("/healthz")


async def test_a_flood_of_bad_tokens_does_not_stop_the_loop(control: Control):
    """No credential check may block the event loop: health answers come in between."""
    async with served(control.services) as url, httpx.AsyncClient(base_url=url, trust_env=False, timeout=60) as http:
        bad = "Bearer hgt_" + "0" * 32 + "_" + "a" * 43
        flood = [asyncio.create_task(http.get(f"{API}/nodes", headers={"authorization": bad})) for _ in range(60)]
        health = await http.get("/healthz")
        waiting = sum(not task.done() for task in flood)
        answers = await asyncio.gather(*flood)

    assert health.status_code == 200
    assert waiting > 0  # it was answered before the flood was over
    assert {answer.status_code for answer in answers} == {401}


async def test_a_proxy_that_is_no_address_stops_the_start(tmp_path: Path, control: Control):
    from hullguard.ctrl.server import create_app

    services = await make_services(tmp_path, control.clock, trusted_proxies=("proxy.example",))
    with pytest.raises(Invalid, match="trusted proxy"):
        create_app(services)
    await services.storage.close()


async def test_a_body_that_trickles_in_is_given_up(control: Control, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(decoding, "BODY_SECONDS", 0.1)
    async with served(control.services) as url:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]))
        writer.write(
            b"POST /api/v1/sessions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"
        )
        status = await reader.readline()
        writer.close()

    assert b" 408 " in status


async def test_a_bundle_that_trickles_in_leaves_its_place_to_the_next_one(
    control: Control, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(agent_bundles, "UPLOAD_SECONDS", 0.3)
    await control.admin()
    async with served(control.services) as url, signed_in(url) as client:
        cookie = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
        reader, writer = await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]))
        writer.write(
            b"POST /api/v1/agent-bundles HTTP/1.1\r\nHost: x\r\nX-Hullguard-Request: 1\r\n"
            b"Content-Type: application/octet-stream\r\nContent-Length: 100\r\nCookie: "
            + cookie.encode()
            + b"\r\n\r\n{"
        )
        status = await reader.readline()
        writer.close()
        monkeypatch.setattr(agent_bundles, "UPLOAD_SECONDS", 60)
        headers = {"content-type": "application/octet-stream", "x-hullguard-request": "1"}
        next_one = await client.post("/api/v1/agent-bundles", content=MAGIC + b"1.2.3", headers=headers)

    assert b" 408 " in status
    assert next_one.status_code == 201, next_one.text
    assert not list(Path(control.services.settings.scratch or "").glob("bundle-*"))


async def test_an_answer_is_not_held_back_for_an_acknowledgement(control: Control):
    """Whoever made the listener: head and body leave at once, on every accepted connection."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.setblocking(False)
    stop, ready = asyncio.Event(), asyncio.Event()
    serving = asyncio.create_task(serve(control.services, listener, stop, ready=ready.set))
    await ready.wait()
    assert listener.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    stop.set()
    await serving


def test_the_built_console_needs_no_inline_script():
    """Where there is one: the page loads scripts from its own origin only, as the policy demands."""
    folder = Path(console.__file__).parent / "static"
    if not (folder / "index.html").exists():
        pytest.skip("the console is not built")
    page = (folder / "index.html").read_text(encoding="utf-8")

    assert "javascript:" not in page
    assert not re.search(r"<script(?![^>]*\bsrc=\"/)", page)
    assert not re.search(r"\son\w+=", page)
