import json
import socket
import socketserver
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.drip import dripping

from hullguard.agent.sensor import containers
from hullguard.agent.sensor.containers import DockerIdentities, Identity, container_id, full_name
from hullguard.model.event import ContainerDetails, ContainerRef, ImageRef

ID = "ab" * 32
OTHER = "cd" * 32


@pytest.mark.parametrize(
    "name",
    [
        ID,
        f"docker-{ID}.scope",
        f"cri-containerd-{ID}.scope",
        f"crio-{ID}.scope",
        f"libpod-{ID}",
        f"docker-{OTHER}-{ID}.scope",
    ],
)
def test_a_runtimes_cgroup_names_its_container(name):
    assert container_id(name) == ID


def test_another_name_stays_what_it_is():
    assert container_id("web") == "web"


@pytest.mark.parametrize(
    ("short", "full"),
    [
        ("nginx", "nginx:latest"),
        ("nginx:1.25", "nginx:1.25"),
        ("hub.example:5000/a/nginx", "hub.example:5000/a/nginx:latest"),
        ("nginx@sha256:00", "nginx@sha256:00"),
        ("sha256:00", "sha256:00"),
        ("", ""),
    ],
)
def test_an_image_has_the_tag_that_its_name_means(short, full):
    assert full_name(short) == full


class Engine(socketserver.ThreadingUnixStreamServer):
    """A socket that answers like an engine, or unlike one."""

    daemon_threads = True

    def __init__(self, path: Path) -> None:
        super().__init__(str(path), Answering)
        self.answer: bytes = b"[]"
        self.status = b"200 OK"
        self.asked = 0
        self.silent = False

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients that hang up in the middle are part of the test."""


class Answering(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        engine = self.server
        assert isinstance(engine, Engine)
        self.request.recv(4096)
        engine.asked += 1
        if engine.silent:
            time.sleep(1)
            return
        head = b"HTTP/1.1 " + engine.status + b"\r\nContent-Length: %d\r\n\r\n" % len(engine.answer)
        self.request.sendall(head + engine.answer)


@pytest.fixture
def engine(tmp_path) -> Iterator[Engine]:
    with Engine(tmp_path / "s") as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def identities(engine: Engine) -> DockerIdentities:
    return DockerIdentities(f"unix://{engine.server_address}")


LISTED = {"Id": ID, "Names": ["/web"], "Image": "nginx", "ImageID": "sha256:1", "Labels": {"team": "blue"}}
UNKNOWN = Identity(ContainerRef(ID))


@pytest.mark.parametrize(
    ("first", "piece"),
    [
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n", b" "),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n[]\r\n0\r\n", b"X: y\r\n" * 10_000),
    ],
)
def test_an_engine_whose_answer_does_not_end_is_left(tmp_path, first, piece):
    with dripping(first, piece, tmp_path / "drip") as path:
        asking = DockerIdentities(f"unix://{path}")

        assert asking.identify(ID) == UNKNOWN
        assert not asking.reachable


def test_a_container_is_asked_for_once(engine):
    engine.answer = json.dumps([LISTED]).encode()
    asking = identities(engine)

    first, again = asking.identify(f"docker-{ID}.scope"), asking.identify(ID)

    details = ContainerDetails(engine="docker", labels={"team": "blue"})
    assert first == again == Identity(ContainerRef(ID, "web"), ImageRef("sha256:1", "nginx:latest"), details)
    assert engine.asked == 1
    assert asking.reachable


@pytest.mark.parametrize(
    "answer",
    [
        b"[]",
        b"{}",
        b"null",
        b"[1]",
        b'[{"Id": "other"}]',
        b"no json",
        b"\xff\xfe",
        b"[" * 3000,
        b'"' + b"x" * 2_000_000,
    ],
)
def test_a_strange_answer_leaves_the_container_without_a_name(engine, answer):
    engine.answer = answer

    assert identities(engine).identify(ID) == UNKNOWN


def test_fields_of_the_wrong_type_are_unknown(engine):
    engine.answer = json.dumps([{"Id": ID, "Names": 3, "Image": [], "ImageID": None}]).encode()

    assert identities(engine).identify(ID) == UNKNOWN


def test_an_engine_that_refuses_is_left_alone_for_a_while(engine):
    engine.status = b"500 Internal Server Error"
    asking = identities(engine)

    assert [asking.identify(identifier) for identifier in (ID, OTHER)] == [UNKNOWN, Identity(ContainerRef(OTHER))]
    assert engine.asked == 1
    assert not asking.reachable


def test_an_engine_that_is_silent_is_not_waited_for(engine, monkeypatch):
    monkeypatch.setattr(containers, "_TIMEOUT", 0.05)
    engine.silent = True

    assert identities(engine).identify(ID) == UNKNOWN


def test_a_container_that_is_not_listed_yet_is_asked_for_again_later(engine, monkeypatch):
    asking = identities(engine)
    assert asking.identify(ID) == UNKNOWN
    engine.answer = json.dumps([LISTED]).encode()
    assert asking.identify(ID) == UNKNOWN
    later = time.monotonic() + 60
    monkeypatch.setattr(containers.time, "monotonic", lambda: later)

    assert asking.identify(ID).container.name == "web"


def test_what_is_remembered_is_bounded(engine, monkeypatch):
    monkeypatch.setattr(containers, "_MOST", 2)
    asking = identities(engine)
    for number in range(5):
        identifier = f"{number:064x}"
        engine.answer = json.dumps([{**LISTED, "Id": identifier}]).encode()
        asking.identify(identifier)
    asked = engine.asked

    asking.identify(f"{0:064x}")

    assert engine.asked == asked + 1


@pytest.mark.parametrize("address", ["unix:///nonexistent/socket", "tcp://127.0.0.1:1"])
def test_without_a_local_engine_there_are_ids_only(address):
    asking = DockerIdentities(address)

    assert asking.identify(ID) == UNKNOWN
    assert not asking.reachable


def test_a_socket_that_nobody_serves_is_unreachable(tmp_path):
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(tmp_path / "dead"))

    assert DockerIdentities(f"unix://{tmp_path}/dead").identify(ID) == UNKNOWN
