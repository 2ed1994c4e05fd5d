"""Frames and bodies from a peer that means harm."""

import os
import struct
from contextlib import suppress
from datetime import UTC, datetime

import msgspec
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from hullguard.model.command import Command, CommandKind
from hullguard.model.errors import LimitReached
from hullguard.model.event import ContainerRef, ImageRef, Process
from hullguard.model.incident import Observation
from hullguard.model.node import Container, HostFacts
from hullguard.model.policy import Action
from hullguard.model.severity import Severity
from hullguard.wire import codec, limits
from hullguard.wire.messages import (
    Ack,
    BundlePart,
    CommandOrder,
    CommandUpdate,
    Containers,
    Credit,
    Enrol,
    Enrolled,
    Facts,
    Grant,
    Hello,
    ImageList,
    Incidents,
    InventoryPart,
    InventoryRequest,
    LocalImage,
    OwnCommand,
    Refusal,
    Welcome,
)
from hullguard.wire.violation import Code, Violation

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
DIGEST = "sha256:" + "a" * 64
FACTS = HostFacts("host", "Debian 12", "6.1", "x86_64", 2, 1 << 30, ("10.0.0.1",), "docker 27", "b" * 32)
OBSERVATION = Observation(
    id="0" * 32,
    at=NOW,
    rule="container.terminal-shell",
    severity=Severity.HIGH,
    technique="T1059",
    action=Action.ALERT,
    stopped=False,
    container=ContainerRef("c" * 64, "web"),
    image=None,
    lineage=(Process(1, comm="sh", args=("sh", "-i")),),
    details={"path": "/bin/sh"},
)

FROM_AGENT = [
    Hello(node="n1", stream="s1", agent_version="1.0"),
    Incidents((OBSERVATION,)),
    CommandUpdate("c1", "running", 40, "半", {"packages": 3}),
    OwnCommand(
        Command(id="o", node="n", kind=CommandKind.STOP_CONTAINER, created=NOW, created_by="policy:p", deadline=NOW)
    ),
    Facts(FACTS),
    Containers((Container("c", "web", ImageRef(DIGEST, "nginx:1"), "running", NOW, NOW, True),)),
    ImageList((LocalImage(DIGEST, ("nginx:1",)),)),
    InventoryPart(DIGEST, 0, 1, b"x"),
]
FROM_SERVER = [
    Welcome("s", 7, Grant(1, 2), 15, "1.0"),
    Ack(9),
    Credit(Grant(3, 4)),
    Refusal("token-used", "why", 5),
    InventoryRequest((DIGEST,)),
    CommandOrder(Command(id="c", node="n", kind=CommandKind.SCAN_NOW, created=NOW, created_by="user:a", deadline=NOW)),
    BundlePart("a" * 64, 0, 3, b"abc"),
]


@pytest.mark.parametrize("message", FROM_AGENT, ids=lambda m: type(m).__name__)
def test_an_agents_message_arrives_unchanged_and_only_at_the_server(message):
    body = codec.encode(message)
    frame = codec.decode_frame(codec.encode_frame(body, 5, 3))
    assert codec.decode_from_agent(frame.body) == message
    assert (frame.sequence, frame.after) == (5, 3)
    with pytest.raises(Violation) as refused:
        codec.decode_from_server(body)
    assert refused.value.code == Code.KIND_UNKNOWN


@pytest.mark.parametrize("message", FROM_SERVER, ids=lambda m: type(m).__name__)
def test_a_servers_message_arrives_unchanged_and_only_at_the_agent(message):
    body = codec.decode_frame(codec.encode_frame(codec.encode(message))).body
    assert codec.decode_from_server(body) == message
    with pytest.raises(Violation) as refused:
        codec.decode_from_agent(body)
    assert refused.value.code == Code.KIND_UNKNOWN


def test_enrolment_has_its_own_messages():
    request = Enrol("hg1.a.b.c", "csr", FACTS, "1.0")
    assert codec.decode_enrolment_request(codec.encode(request)) == request
    answer = Enrolled("n", "cert", "ca", "00", NOW)
    assert codec.decode_enrolment_answer(codec.encode(answer)) == answer
    with pytest.raises(Violation, match="'hello'"):
        codec.decode_enrolment_request(codec.encode(FROM_AGENT[0]))
    with pytest.raises(Violation, match="'enrol'"):
        codec.decode_from_agent(codec.encode(request))


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", Code.MESSAGE_MALFORMED),
        (b"\x81", Code.MESSAGE_MALFORMED),
        (b"\x91" * 200_000, Code.MESSAGE_MALFORMED),
        (b"\x81\xa1x" * 200_000, Code.MESSAGE_MALFORMED),
        (b"\xc1", Code.MESSAGE_MALFORMED),
        (b"\xdd\xff\xff\xff\xff", Code.MESSAGE_MALFORMED),
        (msgspec.msgpack.encode({"type": "shell", "command": "id"}), Code.KIND_UNKNOWN),
        (msgspec.msgpack.encode({"type": 7}), Code.MESSAGE_MALFORMED),
        (msgspec.msgpack.encode({"type": "incidents", "observations": []}), Code.MESSAGE_MALFORMED),
        (
            msgspec.msgpack.encode({"type": "hello", "node": "../x", "stream": "s", "agent_version": "1"}),
            Code.MESSAGE_MALFORMED,
        ),
        (
            msgspec.msgpack.encode({"type": "hello", "node": "n\n", "stream": "s", "agent_version": "1"}),
            Code.MESSAGE_MALFORMED,
        ),
        (msgspec.msgpack.encode({"type": "command-update", "id": "c", "state": "cancelled"}), Code.MESSAGE_MALFORMED),
        (
            msgspec.msgpack.encode({"type": "command-update", "id": "c", "state": "done", "progress": "9"}),
            Code.MESSAGE_MALFORMED,
        ),
        (msgspec.msgpack.encode({"type": "bundle-request", "sha256": "A" * 64, "offset": 0}), Code.MESSAGE_MALFORMED),
        (msgspec.msgpack.encode({"type": "bundle-request", "sha256": "a" * 64, "offset": -1}), Code.MESSAGE_MALFORMED),
        (msgspec.msgpack.encode({"type": "images", "images": [{"id": "latest"}]}), Code.MESSAGE_MALFORMED),
    ],
)
def test_a_body_without_its_form_is_a_violation(body, code):
    with pytest.raises(Violation) as refused:
        codec.decode_from_agent(body)
    assert refused.value.code == code


def test_an_older_agent_says_no_reader_and_no_engine():
    images = msgspec.msgpack.encode({"type": "images", "images": [{"id": DIGEST}]})
    assert codec.decode_from_agent(images) == ImageList((LocalImage(DIGEST),), reader=0)
    container = {"id": "c", "name": "web", "image": {"id": DIGEST}, "state": "running"}
    said = codec.decode_from_agent(msgspec.msgpack.encode({"type": "containers", "containers": [container]}))
    assert isinstance(said, Containers)
    assert said.containers[0].engine == "docker"


def test_a_younger_peer_may_say_what_nobody_here_knows():
    images = msgspec.msgpack.encode({"type": "images", "images": [{"id": DIGEST, "shape": 1}], "reader": 7, "moon": []})
    assert codec.decode_from_agent(images) == ImageList((LocalImage(DIGEST),), reader=7)


@pytest.mark.parametrize("reader", [-1, 1 << 40, "1", None, 1.5])
def test_a_generation_of_readers_is_a_number_within_bounds(reader):
    images = msgspec.msgpack.encode({"type": "images", "images": [], "reader": reader})
    with pytest.raises(Violation):
        codec.decode_from_agent(images)


def test_too_many_containers_are_refused_before_they_are_stored():
    one = Container("c", "web", ImageRef(DIGEST), "running")
    with pytest.raises(Violation, match="containers"):
        codec.decode_from_agent(codec.encode(Containers((one,) * (limits.CONTAINERS + 1))))


@given(st.binary(max_size=400))
def test_no_bytes_at_all_do_more_than_violate(data):
    with suppress(Violation):
        codec.decode_from_agent(codec.decode_frame(data).body)


@given(st.sampled_from(FROM_AGENT), st.data())
def test_no_damaged_message_does_more_than_violate(message, data):
    frame = bytearray(codec.encode_frame(codec.encode(message)))
    for _ in range(data.draw(st.integers(1, 4))):
        frame[data.draw(st.integers(0, len(frame) - 1))] = data.draw(st.integers(0, 255))
    with suppress(Violation):
        codec.decode_from_agent(codec.decode_frame(bytes(frame)).body)


class TestFrames:
    def test_a_large_body_travels_compressed(self):
        body = codec.encode(Facts(msgspec.structs.replace(FACTS, addresses=("10.0.0.1",) * 5000)))
        frame = codec.encode_frame(body)
        assert len(frame) < len(body) / 10
        assert codec.decode_frame(frame).body == body

    def test_a_body_that_does_not_shrink_travels_as_it_is(self):
        noise = zstandard.ZstdCompressor().compress(bytes(range(256))) + os.urandom(8000)
        assert codec.decode_frame(codec.encode_frame(noise)).body == noise

    def test_a_bomb_is_refused(self):
        bomb = b"\x01" + zstandard.ZstdCompressor(level=19).compress(bytes(limits.BODY_BYTES + 1))
        assert len(bomb) < 4096
        with pytest.raises(Violation) as refused:
            codec.decode_frame(bomb)
        assert refused.value.code == Code.MESSAGE_TOO_LARGE

    def test_a_bomb_that_hides_its_size_is_refused(self):
        packer = zstandard.ZstdCompressor(write_content_size=False).compressobj()
        bomb = b"\x01" + packer.compress(bytes(64 << 20)) + packer.flush()
        with pytest.raises(Violation) as refused:
            codec.decode_frame(bomb)
        assert refused.value.code == Code.MESSAGE_TOO_LARGE

    def test_a_claimed_size_allocates_nothing(self):
        # A frame header that claims an exabyte of content, and no content.
        claim = b"\x01" + bytes.fromhex("28b52ffd") + b"\xe0" + struct.pack("<Q", 1 << 60)
        with pytest.raises(Violation) as refused:
            codec.decode_from_agent(codec.decode_frame(claim).body)
        assert refused.value.code == Code.MESSAGE_MALFORMED

    def test_a_window_larger_than_ours_is_refused(self):
        parameters = zstandard.ZstdCompressionParameters(window_log=27, enable_ldm=True)
        packer = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
        wide = b"\x01" + packer.compress(b"x" * 100) + packer.flush()
        with pytest.raises(Violation) as refused:
            codec.decode_frame(wide)
        assert refused.value.code == Code.MESSAGE_MALFORMED

    @pytest.mark.parametrize(
        "frame",
        [
            b"",
            b"\x04abc",
            b"\xff",
            b"\x01notzstd",
            b"\x02\0\0\0",
            b"\x02" + struct.pack(">QQ", 0, 0),
            b"\x02" + struct.pack(">QQ", 5, 5),
            b"\x02" + struct.pack(">QQ", 5, 9),
            b"\x02" + struct.pack(">QQ", 1 << 63, 0),
        ],
    )
    def test_a_broken_frame_is_a_violation(self, frame):
        with pytest.raises(Violation) as refused:
            codec.decode_frame(frame)
        assert refused.value.code == Code.MESSAGE_MALFORMED

    def test_an_oversize_frame_is_refused_unread(self):
        with pytest.raises(Violation) as refused:
            codec.decode_frame(bytes(limits.FRAME_BYTES + 1))
        assert refused.value.code == Code.MESSAGE_TOO_LARGE

    def test_we_never_send_what_the_other_end_would_refuse(self):
        with pytest.raises(LimitReached):
            codec.encode(BundlePart("a" * 64, 0, 1, bytes(limits.BODY_BYTES)))
        with pytest.raises(LimitReached):
            codec.encode_frame(os.urandom(limits.FRAME_BYTES))


def test_every_code_is_either_final_or_can_be_tried_again():
    assert Code.TOKEN_USED.final
    assert not Code.SERVER_BUSY.final
    assert not Code.SESSION_REPLACED.final
    assert Code.NODE_REMOVED.final
