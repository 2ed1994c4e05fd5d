"""The server parts as processes of their own: TLS where others can reach them, and logs that betray nobody."""

import asyncio
import json
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from tests.support.platform import API, PASSWORD, Client, running_platform

from hullguard.advisories.importer import import_files
from hullguard.app.listening import listen
from hullguard.app.prepare import prepare
from hullguard.app.settings import Address, Layout
from hullguard.cache import MemoryCache, serve_local
from hullguard.wire.enrolment import SERVER_NAME, parse_token


class Served:
    """One ``hullguard serve``: where it listens, and what it said when it has ended."""

    def __init__(self, process: subprocess.Popen[str], where: str) -> None:
        self.process, self.where = process, where
        self.port = int(where.rpartition(":")[2] or 0)
        self.said = ""

    async def stop(self, number: int = signal.SIGTERM) -> int:
        if self.process.poll() is None and self.where:
            self.process.send_signal(number)
        if not self.said:
            _, self.said = await asyncio.to_thread(self.process.communicate, timeout=60)
        return self.process.returncode


@asynccontextmanager
async def serving(layout: Layout, part: str, *options: str) -> AsyncIterator[Served]:
    reader, writer = os.pipe()
    process = subprocess.Popen(
        [sys.executable, "-m", "hullguard", "serve", part, "--data", str(layout.data), *options],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "HULLGUARD_READY_FD": str(writer)},
        pass_fds=(writer,),
    )
    os.close(writer)
    with os.fdopen(reader) as pipe:
        served = Served(process, (await asyncio.to_thread(pipe.readline)).strip())
    try:
        yield served
    finally:
        await served.stop()


@pytest.fixture
async def prepared(tmp_path: Path) -> AsyncIterator[tuple[Layout, str]]:
    layout = Layout(tmp_path / "data")
    layout.make()
    first = await prepare(layout)
    async with serve_local(MemoryCache(), layout.cache_socket):
        yield layout, first.password


def trusting(layout: Layout) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(layout.authority / "ca.pem"))


class TestCtrl:
    async def test_on_every_address_it_speaks_tls_with_the_platform_s_own_certificate(self, prepared):
        layout, password = prepared
        async with serving(layout, "ctrl", "--listen", "0.0.0.0:0") as served:
            for name in ("127.0.0.1", "localhost", socket.gethostname()):
                context = trusting(layout)
                reader, writer = await asyncio.open_connection(
                    "127.0.0.1", served.port, ssl=context, server_hostname=name
                )
                assert writer.get_extra_info("ssl_object").version() == "TLSv1.3"
                writer.close()
                del reader
            async with httpx.AsyncClient(
                base_url=f"https://127.0.0.1:{served.port}", verify=trusting(layout), trust_env=False
            ) as client:
                answer = await client.post(
                    f"{API}/sessions",
                    json={"username": "admin", "password": password},
                    headers={"X-Hullguard-Request": "1"},
                )
                assert answer.status_code == 201
                cookie = answer.headers["set-cookie"].lower()
                assert {"secure", "httponly", "samesite=strict"} <= {word.strip() for word in cookie.split(";")}
                assert "strict-transport-security" in answer.headers

    async def test_nobody_speaks_plainly_or_with_an_older_tls_to_it(self, prepared):
        layout, _ = prepared
        async with serving(layout, "ctrl", "--listen", "0.0.0.0:0") as served:
            old = trusting(layout)
            old.maximum_version = ssl.TLSVersion.TLSv1_2
            with pytest.raises((ssl.SSLError, ConnectionError)):
                await asyncio.open_connection("127.0.0.1", served.port, ssl=old)
            async with httpx.AsyncClient(trust_env=False) as client:
                with pytest.raises(httpx.TransportError):
                    await client.get(f"http://127.0.0.1:{served.port}/healthz")
            with pytest.raises(ssl.SSLCertVerificationError):
                await asyncio.open_connection(
                    "127.0.0.1", served.port, ssl=trusting(layout), server_hostname="elsewhere.example"
                )

    async def test_on_any_loopback_address_it_speaks_plainly_and_says_where(self, prepared):
        layout, _ = prepared
        async with serving(layout, "ctrl", "--listen", "[::1]:0") as served:
            assert served.where == f"[::1]:{served.port}"
            async with httpx.AsyncClient(base_url=f"http://{served.where}", trust_env=False) as client:
                assert (await client.get("/healthz")).status_code == 200

    async def test_the_state_of_the_advisories_is_told_as_it_is_now(self, prepared, tmp_path):
        layout, password = prepared
        async with serving(layout, "ctrl", "--listen", "127.0.0.1:0") as served:
            client = Client(f"http://{served.where}")

            def built() -> str | None:
                return client.get("/overview")["advisories_built"]

            def sign_in() -> None:
                client.sign_in("admin", password)
                client.put("/sessions/current/password", {"old": password, "new": PASSWORD})

            await asyncio.to_thread(sign_in)
            assert await asyncio.to_thread(built) is None
            for damaged in (b"", b"SQLite format 3\0" + b"x" * 5000):
                layout.advisories.write_bytes(damaged)
                assert await asyncio.to_thread(built) is None
            layout.advisories.unlink()
            record = {
                "id": "PYSEC-1",
                "modified": "2026-01-01T00:00:00Z",
                "affected": [{"package": {"ecosystem": "PyPI", "name": "x"}, "versions": ["1"]}],
            }
            source = tmp_path / "osv.json"
            source.write_text(json.dumps(record))
            import_files([source], layout.advisories)
            assert await asyncio.to_thread(built) is not None
            await asyncio.to_thread(client.http.close)

    async def test_without_a_cache_nobody_guesses_passwords_unthrottled_and_the_part_lives_on(self, prepared):
        layout, password = prepared
        layout.cache_socket.unlink()
        async with serving(layout, "ctrl", "--listen", "127.0.0.1:0") as served:
            async with httpx.AsyncClient(base_url=f"http://{served.where}", trust_env=False) as client:
                for _ in range(2):
                    answer = await client.post(
                        f"{API}/sessions",
                        json={"username": "admin", "password": password},
                        headers={"X-Hullguard-Request": "1"},
                    )
                    assert (answer.status_code, answer.json()["code"]) == (503, "cache.unavailable")
                assert (await client.get("/healthz")).status_code == 200
            assert served.process.poll() is None

    async def test_a_request_to_stop_is_a_clean_end(self, prepared):
        layout, _ = prepared
        async with serving(layout, "ctrl", "--listen", "127.0.0.1:0") as served:
            assert await served.stop(signal.SIGINT) == 0
            assert [line for line in served.said.splitlines() if json.loads(line)["level"] != "info"] == []


class TestRefusals:
    async def test_a_taken_port_ends_a_part_with_3_and_one_line(self, prepared):
        layout, _ = prepared
        with listen(Address("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            async with serving(layout, "hostmgr", "--listen", f"127.0.0.1:{port}") as served:
                assert await served.stop() == 3
        assert served.said.splitlines()[-1].startswith(f"hullguard: cannot listen on 127.0.0.1:{port}")
        assert "Traceback" not in served.said

    @pytest.mark.parametrize(
        ("part", "options", "says"),
        [
            ("ctrl", ("--listen", "a..b:80"), "not a host name"),
            ("ctrl", ("--listen", "127.0.0.1:0", "--trusted-proxy", "nonsense"), "trusted proxy"),
        ],
    )
    async def test_a_part_whose_request_is_wrong_ends_with_2_and_says_why(self, prepared, part, options, says):
        layout, _ = prepared
        async with serving(layout, part, *options) as served:
            assert await served.stop() == 2
        assert says in served.said
        assert "Traceback" not in served.said

    async def test_a_damaged_authority_ends_a_part_instead_of_making_another(self, prepared):
        layout, _ = prepared
        (layout.authority / "ca.pem").write_text("nothing")
        async with serving(layout, "hostmgr", "--listen", "127.0.0.1:0") as served:
            assert await served.stop() == 2
        assert "ca.pem" in served.said
        assert (layout.authority / "ca.pem").read_text() == "nothing"


async def test_agents_find_hostmgr_under_the_name_that_they_pin(prepared):
    layout, _ = prepared
    async with serving(layout, "hostmgr", "--listen", "127.0.0.1:0") as served:
        _, writer = await asyncio.open_connection(
            "127.0.0.1", served.port, ssl=trusting(layout), server_hostname=SERVER_NAME
        )
        assert writer.get_extra_info("ssl_object").version() == "TLSv1.3"
        writer.close()


def test_the_logs_of_a_whole_life_are_lines_of_json_that_hold_no_secret(tmp_path: Path) -> None:
    secrets = [PASSWORD, "a wrong guess of mine"]
    with running_platform(tmp_path / "data", "--no-agent") as platform:
        secrets.append(platform.one_time_password)
        client = platform.client()
        wrong = {"username": "admin", "password": secrets[1]}
        assert client.http.post(f"{API}/sessions", json=wrong).status_code == 401
        enrolment = {"name": "racks", "cluster": "default", "hours": 1, "max_uses": 1}
        secrets.append(parse_token(client.post("/enrolment-tokens", enrolment)["secret"]).secret)
        secrets.append(client.post("/tokens", {"name": "script", "days": 1})["secret"].split("_", 2)[2])
        secrets.append(client.http.cookies["hg_session"])
        assert client.http.get(f"{API}/nodes", headers={"Authorization": "Bearer hgt_guess_guess"}).status_code == 401
        assert client.http.get(f"{API}/nodes?cursor=%ff%00").status_code == 422
        secrets += [
            line
            for key in (tmp_path / "data" / "ca").glob("*.key")
            for line in key.read_text().splitlines()
            if not line.startswith("-")
        ]
        assert platform.stop() == 0

    logs = {path.name: path.read_text() for path in (tmp_path / "data" / "logs").iterdir()}
    assert set(logs) == {"ctrl.log", "hostmgr.log", "worker.log"}
    lines = [json.loads(line) for text in logs.values() for line in text.splitlines()]
    assert all({"event", "level", "timestamp", "part"} <= set(line) for line in lines)
    assert [line for line in lines if line["level"] in {"error", "critical"}] == []
    assert all(len(secret) >= 12 for secret in secrets)
    assert [secret for secret in secrets if re.search(re.escape(secret), "".join(logs.values()))] == []
