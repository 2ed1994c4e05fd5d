"""Real sockets in real containers: what the kernel tells of them."""

import errno
from collections.abc import Iterator

import msgspec
import pytest
from tests.support import deeds
from tests.support.deeds import Stage, every, wanting
from tests.support.docker import docker

from hullguard.agent.sensor import catalog, hooks
from hullguard.agent.sensor.bpf_sensor import BpfSensor
from hullguard.detect.detectors.interface import Transport, Wants
from hullguard.model.event import Endpoint, EventKind

pytestmark = [pytest.mark.docker, pytest.mark.bpf]

CONNECT = frozenset({EventKind.CONNECT})


@pytest.fixture(scope="module")
def sensor(docker_host: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[BpfSensor]:
    deeds.import_deeds(docker_host, tmp_path_factory.mktemp("deeds"))
    with deeds.running_sensor(docker_host) as opened:
        yield opened


@pytest.fixture
def stage(sensor: BpfSensor, docker_host: str) -> Iterator[Stage]:
    with deeds.staged(sensor, docker_host, "--cap-add", "NET_RAW") as ready:
        yield ready


@pytest.mark.parametrize(
    ("deed", "address", "family", "kind", "protocol"),
    [
        ("connect", "127.0.0.1", "ipv4", "stream", 6),
        ("connect", "::ffff:127.0.0.1", "ipv4", "stream", 6),
        ("connect-udp", "127.0.0.1", "ipv4", "datagram", 17),
    ],
)
def test_a_connection_is_told_when_it_begins(stage: Stage, deed, address, family, kind, protocol):
    stage.watch.sensor.apply(every(EventKind.CONNECT))
    stage.do(deed, address, "4321")

    (event,) = stage.sees(EventKind.CONNECT, where=lambda event: event.socket.family != "unix")
    assert event.socket is not None
    assert (event.socket.family, event.socket.kind, event.socket.protocol) == (family, kind, protocol)
    assert event.socket.remote == Endpoint("127.0.0.1", 4321)
    assert (event.call, event.result) == ("connect", None)
    assert event.process.exe == "/bin/deed"
    assert event.process.args[1:] == (deed, address, "4321")
    assert (event.process.euid, event.process.egid) == (0, 0)


def test_the_sixth_version_is_told_too(stage: Stage):
    stage.watch.sensor.apply(every(EventKind.CONNECT))
    stage.do("connect", "fd00::7", "443")

    (event,) = stage.sees(EventKind.CONNECT, where=lambda event: event.socket.family == "ipv6")
    assert event.socket.remote == Endpoint("fd00::7", 443)


@pytest.mark.parametrize(
    ("way", "raw"),
    [
        ("/run/hub.sock", "/run/hub.sock"),
        ("/tmp/link.sock", "/tmp/link.sock"),
        ("/tmp/way/hub.sock", "/tmp/way/hub.sock"),
        ("/proc/self/root/run/../run/hub.sock", "/proc/self/root/run/../run/hub.sock"),
    ],
)
def test_a_unix_socket_has_its_real_path(stage: Stage, way: str, raw: str):
    stage.watch.shell(
        stage.container,
        "mkdir -p /run; ln -s /run/hub.sock /tmp/link.sock; ln -s ../run /tmp/way; /bin/deed serve-unix /run/hub.sock & "
        "while ! ls /run/hub.sock; do true; done",
    )
    stage.watch.sensor.apply(wanting(Wants(CONNECT, paths=("/run/hub.sock",))))
    assert stage.do("connect-unix", way) == 0

    (event,) = stage.sees(EventKind.CONNECT)
    assert (event.path, event.raw_path) == ("/run/hub.sock", raw)
    assert event.socket.family == "unix"
    assert event.socket.remote == Endpoint("/run/hub.sock")
    assert "unresolved" not in event.arguments


def test_a_relative_path_and_an_abstract_name(stage: Stage):
    stage.watch.sensor.apply(every(EventKind.CONNECT))
    docker(
        stage.watch.address, "exec", "-w", "/etc", stage.container, "/bin/deed", "connect-unix", "passwd", check=False
    )
    assert stage.do("connect-unix", "@none") == errno.ECONNREFUSED

    first, second = stage.sees(EventKind.CONNECT, 2)
    assert (first.path, first.raw_path) == ("/etc/passwd", "passwd")
    assert second.socket.remote == Endpoint("@none")


def test_only_wanted_connections_are_told(stage: Stage):
    stage.watch.sensor.apply(
        wanting(
            Wants(CONNECT, ports=frozenset({22, 4444}), transports=frozenset({Transport.TCP})),
            Wants(CONNECT, networks=("127.0.0.0/8", "!127.0.0.1/32"), transports=frozenset({Transport.UDP})),
        )
    )
    for deed, address, port in (
        ("connect", "127.0.0.1", "80"),
        ("connect-udp", "127.0.0.1", "22"),
        ("connect-udp", "127.0.0.2", "5"),
        ("connect", "127.0.0.1", "4444"),
    ):
        stage.do(deed, address, port)

    found = [(event.socket.remote.address, event.socket.remote.port) for event in stage.sees(EventKind.CONNECT, 2)]
    assert found == [("127.0.0.2", 5), ("127.0.0.1", 4444)]


def test_a_server_binds_listens_and_accepts(stage: Stage):
    stage.watch.sensor.apply(every(EventKind.BIND, EventKind.LISTEN, EventKind.ACCEPT))
    assert stage.do("serve", "8080") == 0

    events = stage.watch.events(stage.container, lambda seen: any(event.kind is EventKind.ACCEPT for event in seen))
    bind, listen, accept = (event for event in events if event.kind is not EventKind.EXEC)
    assert (bind.kind, listen.kind, accept.kind) == (EventKind.BIND, EventKind.LISTEN, EventKind.ACCEPT)
    assert bind.socket.local == listen.socket.local == accept.socket.local == Endpoint("127.0.0.1", 8080)
    assert accept.socket.remote.address == "127.0.0.1"
    assert accept.socket.inbound
    assert (accept.call, accept.result) == ("accept4", 5)


def test_what_leaves_without_a_connection_is_told(stage: Stage):
    stage.watch.sensor.apply(every(EventKind.SEND))
    assert stage.do("send", "127.0.0.1", "9999") == 0

    (event,) = stage.sees(EventKind.SEND)
    assert (event.call, event.socket.kind, event.socket.remote) == ("sendmsg", "datagram", Endpoint("127.0.0.1", 9999))


def test_a_question_for_a_name_is_read(stage: Stage):
    stage.watch.sensor.apply(every(EventKind.DNS))
    assert stage.do("ask", "127.0.0.53", "secrets.example.org") == 0

    (event,) = stage.sees(EventKind.DNS)
    assert event.arguments == {"name": "secrets.example.org", "type": "A"}
    assert event.socket.remote == Endpoint("127.0.0.53", 53)
    assert event.process.args[1] == "ask"


@pytest.mark.parametrize(
    ("words", "family", "kind"), [(("17", "3"), "packet", "raw"), (("2", "3", "1"), "ipv4", "raw")]
)
def test_a_raw_socket_is_told(stage: Stage, words, family, kind):
    stage.watch.sensor.apply(wanting(Wants(frozenset({EventKind.SOCKET}), transports=frozenset({Transport.OTHER}))))
    stage.do("socket", "2", "1")
    assert stage.do("socket", *words) == 0

    (event,) = stage.sees(EventKind.SOCKET)
    assert (event.socket.family, event.socket.kind, event.call) == (family, kind, "socket")
    assert event.result >= 3


@pytest.mark.parametrize(("deed", "new"), [("dup", 0), ("dup2", 1), ("dup3", 2), ("fcntl", 0)])
def test_a_connection_that_becomes_standard_input_or_output_is_told(stage: Stage, deed: str, new: int):
    stage.watch.sensor.apply(every(EventKind.DUP))
    assert stage.do("dup-file") == 0
    assert stage.do(deed) == 0

    (event,) = stage.sees(EventKind.DUP)
    assert (event.call, event.result) == (deed, new)
    assert event.arguments["new_fd"] == new
    assert event.arguments["old_fd"] > 2
    assert 4000 in (event.socket.local.port, event.socket.remote.port)


def test_a_program_that_talks_over_a_connection_says_so_without_any_hook(stage: Stage):
    stage.watch.sensor.apply(every(EventKind.EXEC))
    assert stage.do("shell") == 0

    (event,) = stage.sees(EventKind.EXEC, where=lambda event: event.socket is not None)
    assert event.path == "/bin/busybox"
    assert event.socket.remote == Endpoint("127.0.0.1", 4000)


@pytest.mark.usefixtures("sensor")  # for the image
def test_without_cgroup_hooks_the_calls_tell_the_same(monkeypatch: pytest.MonkeyPatch, docker_host: str):
    calls = tuple(
        msgspec.structs.replace(
            hook, ways=tuple(way for way in hook.ways if way.backend is catalog.Backend.CALL) or hook.ways
        )
        for hook in catalog.HOOKS
    )
    monkeypatch.setattr(hooks, "HOOKS", calls)
    with deeds.running_sensor(docker_host) as sensor, deeds.staged(sensor, docker_host) as stage:
        sensor.apply(every(EventKind.CONNECT, EventKind.BIND, EventKind.LISTEN))
        assert {"connect", "connect unix", "bind", "listen"} <= {hook.name for hook in sensor.hooks() if hook.attached}
        assert stage.do("serve", "8080") == 0
        assert stage.do("connect", "127.0.0.1", "81") == errno.ECONNREFUSED
        assert stage.do("connect-unix", "/etc/../etc/passwd") == errno.ECONNREFUSED
        events = stage.watch.events(stage.container, lambda seen: any(event.path == "/etc/passwd" for event in seen))

    told = [(event.call, event.result) for event in events if event.kind is not EventKind.EXEC]
    assert told == [
        ("bind", 0),
        ("listen", 0),
        ("connect", 0),
        ("connect", -errno.ECONNREFUSED),
        ("connect", -errno.ECONNREFUSED),
    ]
    remotes = [event.socket.remote for event in events if event.kind is EventKind.CONNECT]
    assert remotes == [Endpoint("127.0.0.1", 8080), Endpoint("127.0.0.1", 81), Endpoint("/etc/passwd")]


def test_nobody_asks_so_nothing_is_attached(sensor: BpfSensor):
    sensor.apply(wanting())

    assert {hook.name for hook in sensor.hooks() if hook.attached} == {
        hook.name for hook in catalog.HOOKS if hook.always
    }


def test_connections_need_no_hook_on_system_calls(sensor: BpfSensor):
    sensor.apply(every(EventKind.CONNECT, EventKind.BIND, EventKind.LISTEN, EventKind.SEND, EventKind.DNS))

    costs = {hook.cost for hook in sensor.hooks() if hook.attached}
    assert costs == {catalog.Cost.FREE, catalog.Cost.CHEAP}
