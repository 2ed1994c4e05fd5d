"""Docker's API against a daemon that says whatever it likes: a list, nothing, or one clear error; never a crash."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest

from hullguard.agent.config import AgentConfig
from hullguard.agent.doctor import examine
from hullguard.agent.runtime.docker import Change, Docker
from hullguard.agent.runtime.http import parse_address
from hullguard.agent.runtime.watch import RuntimeWatch, Seen
from hullguard.model.errors import Conflict, Invalid, NotFound, Unavailable

ONE, TWO, IMAGE = "1" * 64, "2" * 64, "sha256:" + "a" * 64
DEEP = b"[" * 60_000


class Daemon:
    """Answers each path with what the test put there."""

    def __init__(self) -> None:
        self.answers: dict[str, bytes] = {"/version": b'{"Version":"24.0.7"}', "/images/json": b"[]"}
        self.asked: list[str] = []
        self.ordered: list[str] = []
        self.refusal = b""
        self.events = b""
        self.hold = False
        """Keep the stream of events open, as a daemon does."""

    def has(self, identity: str, **changes: object) -> None:
        state = {"Status": "running"}
        inspected = {"Id": identity, "Image": IMAGE, "Name": "/web", "State": state, "Config": {"Image": "nginx"}}
        self.answers[f"/containers/{identity}/json"] = msgspec.json.encode(inspected | changes)

    def lists(self, **states: str) -> None:
        listed = [{"Id": name.removeprefix("c"), "State": state} for name, state in states.items()]
        self.answers["/containers/json?all=1"] = msgspec.json.encode(listed)

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        method, target, *_ = (await reader.readuntil(b"\r\n\r\n")).decode().split()
        self.asked.append(target)
        if method == "POST":
            self.ordered.append(target)
            writer.write(self.refusal or b"HTTP/1.1 204 No Content\r\n\r\n")
        elif target.startswith("/events"):
            writer.write(b"HTTP/1.1 200 OK\r\n\r\n" + self.events)
        elif (body := self.answers.get(target)) is None:
            writer.write(b'HTTP/1.1 404 No\r\nContent-Length: 17\r\n\r\n{"message":"none"')
        else:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
        with contextlib.suppress(ConnectionError):  # the agent leaves when it has read enough
            await writer.drain()
            if self.hold and target.startswith("/events"):
                await reader.read()
        writer.close()


@asynccontextmanager
async def listening(daemon: Daemon, path: Path) -> AsyncIterator[Docker]:
    server = await asyncio.start_unix_server(daemon.answer, path)
    async with server:
        yield Docker(f"unix://{path}")


@pytest.fixture
def daemon() -> Daemon:
    return Daemon()


@pytest.fixture
async def docker(daemon: Daemon, tmp_path: Path) -> AsyncIterator[Docker]:
    async with listening(daemon, tmp_path / "s") as client:
        yield client


class TestLists:
    async def test_a_container_is_asked_about_once_until_its_state_changes(self, daemon, docker):
        daemon.has(ONE)
        daemon.lists(**{ONE: "running"})
        (first,) = await docker.containers({})
        await docker.containers({ONE: first})
        assert daemon.asked.count(f"/containers/{ONE}/json") == 1
        daemon.has(ONE, State={"Status": "exited"})
        daemon.lists(**{ONE: "exited"})
        (second,) = await docker.containers({ONE: first})
        assert (first.state, second.state) == ("running", "exited")

    async def test_one_that_went_in_the_meantime_is_left_out(self, daemon, docker):
        daemon.has(TWO)
        daemon.lists(**{ONE: "running", TWO: "running"})
        assert [each.id for each in await docker.containers({})] == [TWO]

    @pytest.mark.parametrize("identity", ["../../images/json", "A" * 64, "1" * 63, "1" * 64 + "\n", ""])
    async def test_an_id_that_is_none_is_never_put_into_a_path(self, daemon, docker, identity):
        daemon.answers["/containers/json?all=1"] = msgspec.json.encode([{"Id": identity, "State": "running"}])
        assert await docker.containers({}) == []
        assert daemon.asked == ["/containers/json?all=1"]

    async def test_images_without_a_name_have_none_and_what_is_no_image_is_left_out(self, daemon, docker):
        digest = "nginx@sha256:" + "d" * 64
        daemon.answers["/images/json"] = msgspec.json.encode(
            [
                {"Id": IMAGE, "RepoTags": ["<none>:<none>"], "RepoDigests": ["<none>@<none>"]},
                {"Id": "sha256:" + "b" * 64, "RepoTags": None, "RepoDigests": [digest]},
                {"Id": "sha256:" + "c" * 64, "RepoTags": ["a:1", "b" * 600] + [f"t:{n}" for n in range(100)]},
                {"Id": "sha256:short", "RepoTags": ["evil:1"]},
            ]
        )
        unnamed, digested, many = await docker.images()
        assert unnamed.names == ()
        assert digested.names == (digest,)
        assert many.names[:2] == ("a:1", "t:0")
        assert len(many.names) == 64

    @pytest.mark.parametrize(
        "body",
        [b"", b"null", b"{}", b"[1]", b'[{"Id":5}]', b'[{"Id":"\xff"}]', b'[{"Id":"x","Labels":' + DEEP, DEEP],
        ids=["nothing", "null", "object", "numbers", "typed", "not utf-8", "deep inside", "deep"],
    )
    async def test_a_list_that_is_none_is_unavailable_and_says_so(self, daemon, docker, body):
        daemon.answers["/containers/json?all=1"] = daemon.answers["/images/json"] = body
        with pytest.raises(Unavailable, match="not what its API promises"):
            await docker.containers({})
        with pytest.raises(Unavailable, match="not what its API promises"):
            await docker.images()

    @pytest.mark.parametrize(
        "body",
        [b"", b"[]", b'{"Id":"\xff\xfe"}', b'{"Id":"' + ONE.encode() + b'","Mounts":' + DEEP, DEEP],
        ids=["nothing", "list", "not utf-8", "deep inside", "deep"],
    )
    async def test_a_container_that_cannot_be_read_does_not_hide_the_others(self, daemon, docker, body):
        daemon.has(TWO)
        daemon.lists(**{ONE: "running", TWO: "running"})
        daemon.answers[f"/containers/{ONE}/json"] = body
        assert [each.id for each in await docker.containers({})] == [TWO]

    @pytest.mark.parametrize("body", [b"[]", b'{"Version":"\xff"}', b'{"Version":3}', b'{"x":' + DEEP])
    async def test_a_version_that_cannot_be_read_is_unavailable(self, daemon, docker, body):
        daemon.answers["/version"] = body
        with pytest.raises(Unavailable, match="not what its API promises"):
            await docker.version()

    async def test_a_daemon_that_cannot_be_understood_is_a_finding_of_the_doctor(self, daemon, docker, tmp_path):
        daemon.answers["/version"] = b'{"Version":"\xff"}'
        found = await examine(AgentConfig(state=str(tmp_path / "none"), docker_host=docker.host))
        (finding,) = [each for each in found if each.what == "docker"]
        assert finding.ok is False
        assert "not what its API promises" in finding.detail

    async def test_an_endless_version_is_cut(self, daemon, docker):
        daemon.answers["/version"] = msgspec.json.encode({"Version": "9" * 100_000})
        assert len(await docker.version()) == 64


async def test_events_that_cannot_be_read_are_passed_over(daemon, docker):
    good = b'{"Type":"container","Action":"start","Actor":{"ID":"' + ONE.encode() + b'"}}\n'
    daemon.events = b"".join((b"\n", b"junk\n", b'{"Type":"\xff"}\n', b'{"x":' + DEEP + b"\n", b"{}\n", good))
    changes = docker.changes()
    assert await anext(changes) == Change("", "", "")
    assert await anext(changes) == Change("container", "start", ONE)
    with pytest.raises(Unavailable, match="ended the stream"):
        await anext(changes)


async def test_a_daemon_that_talks_nonsense_does_not_end_the_watch(daemon, docker):
    daemon.has(ONE)
    daemon.lists(**{ONE: "running"})
    daemon.answers["/version"], daemon.hold = b'{"Version":"\xff"}', True
    told: asyncio.Queue[Seen] = asyncio.Queue()
    watch = RuntimeWatch(docker, told.put_nowait)
    task = asyncio.create_task(watch.run())
    first = await asyncio.wait_for(told.get(), 20)
    assert first.reason is not None
    assert first.reason.code == "runtime.unreachable"
    daemon.answers["/version"] = b'{"Version":"24.0.7"}'
    while watch.seen.version is None or not watch.seen.containers:
        await asyncio.wait_for(told.get(), 20)
    assert [each.id for each in watch.seen.containers] == [ONE]
    assert not task.done()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


@pytest.mark.parametrize(
    "host",
    ["tcp://h:²", "tcp://h:٣", "tcp://h:99999", "tcp://h:0", "tcp://h:", "tcp://:2375", "unix://relative", "http://"],
)
def test_a_docker_host_without_a_real_port_is_a_wrong_request(host):
    with pytest.raises(Invalid, match="DOCKER_HOST is"):
        parse_address(host)


@pytest.mark.parametrize(
    "host", ["tcp://a..b:2375", "tcp://" + "x" * 70 + ":2375", "tcp://127.0.0.1:1", "unix:///" + "s" * 200]
)
async def test_a_docker_host_that_is_nowhere_is_unavailable_and_named(host):
    with pytest.raises(Unavailable, match="Docker cannot be reached at"):
        await Docker(host).version()


class TestOrders:
    async def test_each_order_is_one_request(self, daemon, docker):
        await docker.order(ONE, "pause")
        await docker.order(ONE, "stop", 7)
        assert daemon.ordered == [f"/containers/{ONE}/pause", f"/containers/{ONE}/stop?t=7"]

    async def test_what_is_so_already_is_done(self, daemon, docker):
        daemon.refusal = b"HTTP/1.1 304 Not Modified\r\n\r\n"
        await docker.order(ONE, "start")

    @pytest.mark.parametrize(
        ("status", "error"), [(404, NotFound), (409, Conflict), (500, Unavailable)], ids=["gone", "conflict", "broken"]
    )
    async def test_a_refusal_says_why(self, daemon, docker, status, error):
        daemon.refusal = b'HTTP/1.1 %d No\r\nContent-Length: 17\r\n\r\n{"message":"why"}' % status
        with pytest.raises(error, match="why"):
            await docker.order(ONE, "pause")

    @pytest.mark.parametrize("name", ["", "web", "../images", f"{ONE}/json?x=", "A" * 64])
    async def test_only_a_whole_id_is_sent(self, daemon, docker, name):
        with pytest.raises(Invalid):
            await docker.order(name, "stop")
        assert daemon.asked == []


class TestMainProcess:
    async def test_who_may_change_the_network_is_known(self, daemon, docker):
        running = {"State": {"Status": "running", "Pid": 44}}
        daemon.has(ONE, **running)
        assert (await docker.main_process(ONE)).administers_network is False
        for config in (
            {"Privileged": True},
            {"CapAdd": ["NET_ADMIN"]},
            {"CapAdd": ["cap_net_admin"]},
            {"CapAdd": ["ALL"]},
        ):
            daemon.has(ONE, **running, HostConfig=config)
            found = await docker.main_process(ONE)
            assert (found.pid, found.administers_network) == (44, True)
        daemon.has(ONE, **running, HostConfig={"NetworkMode": "host", "CapAdd": None})
        assert (await docker.main_process(ONE)).container.host_network

    async def test_without_a_process_there_is_none(self, daemon, docker):
        daemon.has(ONE, State={"Status": "exited", "Pid": 0})
        with pytest.raises(Conflict, match="web does not run: it is exited"):
            await docker.main_process(ONE)
        with pytest.raises(NotFound):
            await docker.main_process(TWO)

    async def test_nonsense_is_a_clear_error(self, daemon, docker):
        for answer in (b"[]", b"{", DEEP, b"{}"):
            daemon.answers[f"/containers/{ONE}/json"] = answer
            with pytest.raises(Unavailable):
                await docker.main_process(ONE)
