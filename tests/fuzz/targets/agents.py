"""Between agent and platform: messages, sessions, bundles, policies; and what the kernel tells the agent."""

import base64
import contextlib
import functools
import hashlib
import os
import struct
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import zstandard
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from structlog.testing import capture_logs
from tests.fuzz.reading import scratch, written
from tests.fuzz.target import Target
from tests.support import events, records
from tests.support.archives import zipped

from hullguard.agent import policies
from hullguard.agent.channel import parse_server
from hullguard.agent.identity import make_request
from hullguard.agent.sensor import abi, specs
from hullguard.agent.sensor.decode import decode
from hullguard.agent.sensor.identities import Identities
from hullguard.agent.sensor.replay import ReplaySensor
from hullguard.agent.state import StateDir
from hullguard.detect import Engine, check, denial
from hullguard.hostmgr.authority import Authority
from hullguard.model.command import Command, CommandKind
from hullguard.model.event import Event, Gap
from hullguard.model.policy import DetectorSettings, NodePolicies, Policy, PolicySpec, policies_hash
from hullguard.wire import bundle, codec
from hullguard.wire import messages as say
from hullguard.wire.enrolment import parse_token, pin_of, require_pinned
from hullguard.wire.inventory import Assembly, weighed
from hullguard.wire.inventory import split as sliced
from hullguard.wire.session import AgentSession, ServerSession
from hullguard.wire.violation import Violation

_NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
_DIGEST = "sha256:" + "a" * 64
_NEXT = b"\n--8<--\n"
_KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
_HELLO = say.Hello(node="n1", stream="s1", agent_version="1.0")
_WELCOME = say.Welcome("s", 0, say.Grant(64, 8 << 20), 15, "1.0")
_RECORD = say.Incidents((records.observation(),))
_PASSING = say.Facts(records.facts())
_FROM_AGENT: tuple[Any, ...] = (
    _HELLO,
    say.Beat(records.heartbeat()),
    _RECORD,
    say.CommandUpdate("c1", "running", 40, "半", {"packages": 3}),
    say.OwnCommand(records.response()),
    say.Learned("p1", 2, 1, 3, (records.tally(),)),
    _PASSING,
    say.Containers((records.container(),)),
    say.ImageList((say.LocalImage(_DIGEST, ("nginx:1",)),)),
    say.Used(_DIGEST, _NOW, 2, True, ("/usr/lib/libssl.so.3", "/opt/日志.jar")),
    *sliced(_DIGEST, records.inventory()),
    say.BundleRequest("a" * 64, 3),
)
_FROM_SERVER: tuple[Any, ...] = (
    _WELCOME,
    say.Ack(1),
    say.Credit(say.Grant(3, 4)),
    say.Refusal("token-used", "why", 5),
    say.PolicySet(events.policies(events.policy("p", images=("nginx:*",)))),
    say.InventoryRequest((_DIGEST,)),
    say.CommandOrder(Command(id="c", node="n", kind=CommandKind.SCAN_NOW, created=_NOW, created_by="u", deadline=_NOW)),
    say.BundlePart("a" * 64, 0, 3, b"abc"),
    say.CertificateRenewed("pem", _NOW),
)


def _bodies(messages: Iterable[Any]) -> list[bytes]:
    return [codec.encode(message) for message in messages]


def _decoded(decodes: Callable[[bytes], Any]) -> Callable[[bytes], Any]:
    """A body, whole and as a compressed frame; what was understood is said again."""

    def read(data: bytes) -> Any:
        frame = codec.decode_frame(b"\1" + zstandard.ZstdCompressor(level=1).compress(data))
        message = decodes(frame.body)
        return [message, len(codec.encode_frame(codec.encode(message)))]

    return read


def _frame(data: bytes) -> Any:
    frame = codec.decode_frame(data)
    return [len(frame.body), frame.sequence, frame.after]


def _framed(bodies: Iterable[bytes]) -> bytes:
    return b"".join(struct.pack(">I", len(frame)) + frame for frame in bodies)


def _frames(data: bytes) -> Iterable[bytes]:
    at = 0
    while at + 4 <= len(data) and at < 1 << 16:
        length = int.from_bytes(data[at : at + 4], "big")
        yield data[at + 4 : at + 4 + length]
        at += 4 + length


def _as_server(data: bytes) -> Any:
    """hostmgr's end: frame after frame, inventories put together, until the agent breaks the protocol."""
    session, assembly, seen = ServerSession(), Assembly(), 0
    for frame in _frames(data):
        received = session.receive(frame)
        if received is None:
            continue
        seen += 1
        if isinstance(received.message, say.Hello):
            session.welcome("s", 0, 15)
        elif isinstance(received.message, say.InventoryPart) and (packed := assembly.add(received.message)):
            weighed(packed)
        if received.sequence is not None:
            session.acknowledge(received.sequence)
        session.release(received.size)
    return [seen, session.outgoing()]


def _as_agent(data: bytes) -> Any:
    """The agent's end, which sends what its credit allows."""
    session, said = AgentSession(_HELLO), []
    for number, frame in enumerate(_frames(data)):
        said.append(type(session.receive(frame)).__name__)
        session.record(session.resume_after + number + 1, codec.encode(_RECORD))
        session.send(_PASSING)
    return [said, session.acknowledged]


def _inventory(data: bytes) -> Any:
    inventory, size = weighed(zstandard.ZstdCompressor(level=1).compress(data))
    return [inventory, size]


def _enrolment(data: bytes) -> Any:
    """A token, and a certificate of an authority, that somebody pasted."""
    text, found = data.decode("utf-8", "replace"), []
    for reads in (parse_token, parse_server, pin_of, lambda text: require_pinned(text, parse_token(text))):
        with contextlib.suppress(Violation):
            found.append(str(reads(text)))
    return found


@functools.cache
def _authority(process: int) -> Authority:
    del process
    return Authority.open(scratch() / "authority", _NOW)


def _request(data: bytes) -> Any:
    """A request in the form that the input gives it, or one that holds the input."""
    pem = data.decode("utf-8", "replace")
    if not pem.startswith("-----"):
        pem = f"-----BEGIN {_REQUEST}-----\n{base64.b64encode(data).decode()}\n-----END {_REQUEST}-----\n"
    return _authority(os.getpid()).sign_agent(pem, "n1", _NOW).fingerprint


def _requests() -> Iterable[bytes]:
    pem = make_request("host").csr_pem
    return pem.encode(), base64.b64decode("".join(pem.splitlines()[1:-1]))


_NUMBERS: dict[type, tuple[int | None, int]] = {
    say.Incidents: (1, 0),
    say.CommandUpdate: (2, 1),
    say.OwnCommand: (3, 2),
    say.Learned: (4, 3),
}
_PAYLOAD = b"#!/bin/sh\n" * 50
_MANIFEST = {
    "schema": "hullguard/agent-bundle/1",
    "version": "2.0",
    "min_version": "1.0",
    "created": "2026-01-02T00:00:00Z",
    "files": {"bin/agent": {"sha256": hashlib.sha256(_PAYLOAD).hexdigest(), "size": len(_PAYLOAD), "executable": True}},
}


def _signed(manifest: bytes) -> bytes:
    signature = _KEY.sign(b"hullguard agent bundle 1\n" + manifest)
    return zipped({"manifest.json": manifest, "manifest.sig": signature, "files/bin/agent": _PAYLOAD})


def _bundle(data: bytes) -> Any:
    path = written(data, "agent.hgb")
    return bundle.verify(path, _KEY.public_key().public_bytes_raw(), "1.5")


def _policy(data: bytes) -> Any:
    """A policy as a person writes it: checked, compiled for the kernel, and put to use."""
    spec = msgspec.json.decode(data, type=PolicySpec) if _is_spec(data) else PolicySpec(name="empty")
    check(spec)
    policy = Policy(id="p", version=1, revision=1, spec=spec, changed_at=_NOW, changed_by="u")
    wanted = NodePolicies(1, policies_hash((policy,)), (policy,))
    engine = Engine("node", "boot")
    engine.load(policies.accept(policies.Wanted(True, wanted)).policies)
    compiled = engine.plan()
    refused = [denial(wanted, event.image) for event in _EVENTS]
    return [compiled.slots, [engine.judge(event) for event in _EVENTS], refused, sorted(policies.unknown(wanted))]


def _is_spec(data: bytes) -> bool:
    with contextlib.suppress(msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return bool(msgspec.json.decode(data, type=PolicySpec))
    return False


_EVENTS = (events.event(), events.event(path="/root/.ssh/id_rsa", image=None))


def _stored_policies(data: bytes) -> Any:
    state = StateDir(scratch())
    state.policies.write_bytes(data)
    with capture_logs():
        return policies.load(state)


def _replayed(data: bytes) -> Any:
    """A recording, record by record, as events."""
    seen: list[Event | Gap] = []
    ReplaySensor(written(data, "recording")).poll(seen.append, 0)
    engine = Engine("node", "boot")
    return [seen, [engine.miss(one) if isinstance(one, Gap) else engine.judge(one) for one in seen[:100]]]


def _record(data: bytes) -> Any:
    return decode(data)


def _container(data: bytes) -> Any:
    """A container's specification, and the list of its storage."""
    specification, _, listed = data.partition(b"\0")
    bundle = scratch() / "overlay-containers" / events.CONTAINER / "userdata"
    bundle.mkdir(parents=True, exist_ok=True)
    (bundle / "config.json").write_bytes(specification)
    (bundle.parent.parent / "containers.json").write_bytes(listed)

    def describe(identifier: str, _: Any) -> Any:
        return specs.describe(identifier, (), [str(bundle.parent.parent)])

    known = Identities("unix:///nowhere/docker.sock", describe)
    name = f"libpod-{events.CONTAINER}"
    known.forget(name)
    return known.identify(name)


def _specification(**more: Any) -> bytes:
    notes = {"io.container.manager": "libpod", "io.kubernetes.pod.name": "web-0"}
    mount = {"destination": "/d", "type": "bind", "source": "/s", "options": ["ro", "rslave"]}
    linux = {"namespaces": [{"type": "pid", "path": "/none"}], "resources": {"devices": [{"allow": True}]}}
    return msgspec.json.encode({"annotations": notes, "mounts": [mount], "linux": linux, **more})


def _recording(*records_: bytes) -> bytes:
    head = struct.pack("<8sHQ", b"HGSENSOR", abi.ABI, 1_700_000_000 * 10**9)
    return head + b"".join(struct.pack("<I", len(record)) + record for record in records_)


_RAW = (
    events.raw_event(),
    events.raw_event(
        abi.FILE, path=b"/etc/shadow\0", other=b"/etc/shadow\0", exe=b"/bin/cat\0", flags=abi.READS | abi.BY_INODE
    ),
    events.raw_event(
        abi.DNS, call="sendmsg", data=b"\x12\x34\1\0\0\1" + bytes(6) + b"\7example\3org\0\0\1\0\1", flags=abi.BEFORE
    ),
    *(
        events.raw_event(
            kind, call=call, raw=b"a\0", path=b"/w/a\0", data=b"b\0", other=b"/w/b\0", arguments=(1, 2, 3, 4)
        )
        for kind, call in (
            (abi.RENAME, "renameat2"),
            (abi.MOUNT, "mount"),
            (abi.CREDENTIALS, "setresuid"),
            (abi.CONNECT, "connect"),
            (abi.MODULE, "finit_module"),
        )
    ),
    events.raw_process(abi.FORK, pid=3, ppid=2),
    events.raw_process(abi.EXIT, pid=3),
)
_SPECS = (
    PolicySpec(
        name="p",
        detectors={
            "file.read-sensitive": DetectorSettings(parameters={"paths": ["/etc/shadow", "/root/.ssh/*"]}),
            "container.terminal-shell": DetectorSettings(),
            "container.drop-and-execute": DetectorSettings(),
        },
    ),
    PolicySpec(name="q", enabled=False, description="x"),
)
_SAMPLE = Path(__file__).parents[2] / "data" / "sensor" / "attack.bin"
_REQUEST = "CERTIFICATE REQUEST"
_CA = "-----BEGIN CERTIFICATE-----\nYWJj\n-----END CERTIFICATE-----\n"

TARGETS: tuple[Target, ...] = (
    Target("agents.frame", _frame, lambda: [codec.encode_frame(body, 5, 3) for body in _bodies(_FROM_AGENT)]),
    Target("agents.from-agent", _decoded(codec.decode_from_agent), lambda: _bodies(_FROM_AGENT), runs=400),
    Target("agents.from-server", _decoded(codec.decode_from_server), lambda: _bodies(_FROM_SERVER), runs=400),
    Target(
        "agents.enrolment-request",
        _decoded(codec.decode_enrolment_request),
        lambda: _bodies([say.Enrol("hg1.a.b.c", "csr", records.facts(), "1.0")]),
    ),
    Target(
        "agents.enrolment-answer",
        _decoded(codec.decode_enrolment_answer),
        lambda: _bodies([say.Enrolled("n", "cert", "ca", "00", _NOW), say.Refusal("token-used", "why", 5)]),
    ),
    Target(
        "agents.server-session",
        _as_server,
        lambda: [
            _framed(
                codec.encode_frame(codec.encode(message), *_NUMBERS.get(type(message), (None, 0)))
                for message in _FROM_AGENT
            )
        ],
    ),
    Target(
        "agents.agent-session", _as_agent, lambda: [_framed(codec.encode_frame(body) for body in _bodies(_FROM_SERVER))]
    ),
    Target("agents.inventory", _inventory, lambda: [msgspec.msgpack.encode(records.inventory())]),
    Target(
        "agents.enrolment",
        _enrolment,
        lambda: (
            b"hg1.abc." + b"s" * 43 + b"." + pin_of(_CA).encode(),
            b"wss://hullguard.example.com:8441/",
            _CA.encode(),
        ),
    ),
    Target("agents.csr", _request, _requests, runs=120),
    Target("agents.bundle", _bundle, lambda: [_signed(msgspec.json.encode(_MANIFEST))], runs=120),
    Target(
        "agents.bundle.manifest",
        lambda data: _bundle(_signed(data)),
        lambda: [msgspec.json.encode(_MANIFEST)],
        runs=120,
    ),
    Target(
        "agents.policy",
        _policy,
        lambda: [msgspec.json.encode(spec) for spec in _SPECS],
        words=(b"/etc/*", b"/", b"/*", b"/a//b", b"/a/../b", b"kill", b"exempt_paths", b"exempt_programs", b"shells"),
        runs=400,
    ),
    Target(
        "agents.policies",
        _stored_policies,
        lambda: [msgspec.msgpack.encode(policies.Wanted(True, events.policies(events.policy("p"))))],
    ),
    Target(
        "agents.container",
        _container,
        lambda: [
            _specification(),
            _specification(linux=None)
            + b"\0"
            + msgspec.json.encode(
                [{"id": events.CONTAINER, "names": ["web"], "image": "1", "metadata": '{"image-name":"nginx:1"}'}]
            ),
        ],
        words=(b"io.podman.annotations.privileged", b"io.kubernetes.cri.image-name", b"TRUE", b"maskedPaths", b"major"),
    ),
    Target("agents.record", _record, lambda: _RAW, runs=400),
    Target("agents.recording", _replayed, longest=1 << 14, seeds=lambda: (_recording(*_RAW), _SAMPLE.read_bytes())),
)
