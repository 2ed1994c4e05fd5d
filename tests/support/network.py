"""A wire between a container without networks and this machine, and somebody at its end who answers."""

import contextlib
import ctypes
import itertools
import os
import socket
import subprocess
import threading
from collections.abc import Iterator
from typing import NamedTuple

from tests.support.docker import docker, inspect

_NUMBERS = itertools.count()


class Wire(NamedTuple):
    """The host's end, and the port on which it says "hello"."""

    address: str
    inside: str
    port: int
    device: str


def main_pid(docker_host: str, container: str) -> int:
    state = inspect(docker_host, container)["State"]
    assert isinstance(state, dict)
    return int(state["Pid"])


@contextlib.contextmanager
def wired(docker_host: str, container: str) -> Iterator[Wire]:
    """The container has a device ``eth0`` for as long."""
    number = next(_NUMBERS)
    outer, inner = f"hgt{os.getpid() % 100000}o{number}", f"hgt{os.getpid() % 100000}i{number}"
    network = f"10.{200 + os.getpid() % 50}.{number % 250}"
    pid = str(main_pid(docker_host, container))
    _ip("link", "add", outer, "type", "veth", "peer", "name", inner)
    try:
        _ip("link", "set", inner, "netns", pid, "name", "eth0")
        _ip("addr", "add", f"{network}.1/24", "dev", outer)
        _ip("link", "set", outer, "up")
        inside = ("nsenter", "-t", pid, "-n", "ip")
        subprocess.run([*inside, "addr", "add", f"{network}.2/24", "dev", "eth0"], check=True)
        subprocess.run([*inside, "link", "set", "eth0", "up"], check=True)
        with _greeter(f"{network}.1") as port:
            yield Wire(f"{network}.1", f"{network}.2", port, outer)
    finally:
        subprocess.run(["ip", "link", "del", outer], check=False, stderr=subprocess.DEVNULL)


def reaches(docker_host: str, container: str, wire: Wire) -> bool:
    """Whether a connection from inside the container gets its greeting."""
    script = f"/bin/busybox nc -w 4 {wire.address} {wire.port} < /dev/null"
    return b"hello" in docker(docker_host, "exec", container, "/bin/sh", "-c", script, check=False).stdout


def loops(docker_host: str, container: str) -> bool:
    """Whether the container still speaks to itself."""
    # A listener whose caller has nothing to say may leave before it has said its own word, so all of it is tried again.
    script = (
        'i=0; until [ "$said" = hello ] || [ $i = 50 ]; do (echo hello | /bin/busybox nc -l -p 7 127.0.0.1 > /dev/null 2>&1 &); '
        '/bin/busybox sleep 0.2; said=$(/bin/busybox nc -w 4 127.0.0.1 7 < /dev/null); i=$((i+1)); done; echo "$said"'
    )
    return b"hello" in docker(docker_host, "exec", container, "/bin/sh", "-c", script, check=False).stdout


@contextlib.contextmanager
def _greeter(address: str) -> Iterator[int]:
    listener = socket.create_server((address, 0))

    def greet() -> None:
        with contextlib.suppress(OSError):
            while True:
                visitor, _ = listener.accept()
                with contextlib.suppress(OSError), visitor:
                    visitor.sendall(b"hello\n")

    thread = threading.Thread(target=greet, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(5)


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True)


class Inside(NamedTuple):
    """Sockets in a container's own network: somebody who listens on its loopback, and one that gets every packet."""

    listener: socket.socket
    port: int
    tap: socket.socket

    def packets_to(self, port: int) -> int:
        """How many TCP or UDP packets over IPv4 went to this port since the last call."""
        found = 0
        with contextlib.suppress(BlockingIOError):
            while True:
                frame = self.tap.recv(65536)
                start = 14 + 4 * (frame[14] & 15)
                found += frame[12:14] == b"\x08\x00" and int.from_bytes(frame[start + 2 : start + 4]) == port
        return found


@contextlib.contextmanager
def inside(docker_host: str, container: str) -> Iterator[Inside]:
    """The sockets are made by a thread that enters the container's network, and stay there."""
    made: list[socket.socket] = []
    place = os.open(f"/proc/{main_pid(docker_host, container)}/ns/net", os.O_RDONLY | os.O_CLOEXEC)

    def enter() -> None:
        if ctypes.CDLL(None).setns(place, 0) == 0:
            made.append(socket.create_server(("127.0.0.1", 0)))
            made.append(socket.socket(socket.AF_PACKET, socket.SOCK_RAW | socket.SOCK_NONBLOCK, socket.htons(3)))

    try:
        thread = threading.Thread(target=enter)
        thread.start()
        thread.join()
        listener, tap = made
        listener.setblocking(False)
        yield Inside(listener, listener.getsockname()[1], tap)
    finally:
        os.close(place)
        for each in made:
            each.close()
