"""Ways to hand bytes to a parser that expects a file, a layer or a connection."""

import contextlib
import functools
import io
import os
import socket
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from hullguard.inventory.analyzers.analyzer import Analyzer, Context, Findings
from hullguard.inventory.content.inspector import Inspector
from hullguard.inventory.distributions import Distribution
from hullguard.inventory.layer import Indexer, LayerIndex
from hullguard.inventory.limits import MIB, Budget, Limits
from hullguard.inventory.squash import squash
from hullguard.inventory.wanted import Wanted

LIMITS = Limits(
    total_bytes=64 * MIB,
    ratio_floor=MIB,
    ratio_floor_of_all=4 * MIB,
    entries=2000,
    file_bytes=4 * MIB,
    unpacked_bytes=64 * MIB,
    kept_bytes=16 * MIB,
    document_bytes=MIB,
    layers=32,
    depth=8,
)
"""Low, so that reaching one is nothing rare."""
DEBIAN = Distribution("debian", "12", "Debian:12")


class Passing(io.BytesIO):
    """A file as a layer shows it."""

    def peek(self, n: int, /) -> bytes:
        return self.getvalue()[:n]

    def content(self) -> bytes:
        return self.read()

    def direct(self) -> bytes:
        return self.getvalue()


def indexed(wanted: Wanted, files: Mapping[str, bytes], mode: int = 0o644) -> LayerIndex:
    """The index of a layer that holds these files."""
    indexer = Indexer(wanted, Budget(LIMITS), "layer")
    for path, content in files.items():
        indexer.file(path, len(content), mode, Passing(content))
    return indexer.finish()


def analyzed(
    analyzer: Analyzer, path: str, *, beside: Mapping[str, bytes] | None = None, below: bytes = b""
) -> Callable[[bytes], Findings]:
    """Reads bytes as a file that an analyzer wants, in a layer over one in which it was another file."""
    wanted = Wanted([analyzer])
    assert wanted.logical(path) == path or analyzer.magic, f"{analyzer.name} does not want {path}"

    def read(data: bytes) -> Findings:
        layers = [indexed(wanted, {**(beside or {}), path: content}) for content in (below, data)]
        return analyzer.analyze(squash(layers, wanted, LIMITS), Context(DEBIAN, layers=("sha256:1", "sha256:2")))

    return read


def inspected(inspector: Inspector, path: str) -> Callable[[bytes], LayerIndex]:
    """Shows bytes as a file to an inspector, whether it wants them or not."""
    wanted = Wanted([], inspectors=[inspector])
    return lambda data: indexed(wanted, {path: data}, 0o4757)


def scratch() -> Path:
    """A directory of this process, in memory where there is such a place; it goes with the process."""
    return _scratch(os.getpid())


@functools.cache
def _scratch(process: int) -> Path:
    del process  # a child must not share its parent's
    memory = Path("/dev/shm")
    directory = tempfile.TemporaryDirectory(prefix="fuzz", dir=memory if memory.is_dir() else None)
    _KEPT.append(directory)
    return Path(directory.name)


_KEPT: list[tempfile.TemporaryDirectory[str]] = []


def written(data: bytes, name: str = "input") -> Path:
    """The bytes as a file."""
    path = scratch() / name
    path.write_bytes(data)
    return path


def split(data: bytes, mark: bytes, most: int) -> list[bytes]:
    """The parts of an input that stands for several."""
    return data.split(mark, most - 1)


class Peer:
    """Answers each connection with the next of some raw answers, and hangs up, as a server does that means harm."""

    def __init__(self, family: socket.AddressFamily) -> None:
        self._socket = socket.socket(family, socket.SOCK_STREAM)
        self._socket.bind(("127.0.0.1", 0) if family == socket.AF_INET else str(scratch() / "socket"))
        self._socket.listen(64)
        self._answers: list[bytes] = []
        self.address = self._socket.getsockname()
        threading.Thread(target=self._serve, daemon=True).start()

    def answer(self, answers: Sequence[bytes]) -> None:
        """What the next connections are answered with; those behind the last are answered with nothing."""
        self._answers = list(answers)

    def _serve(self) -> None:
        while True:
            connection, _ = self._socket.accept()
            with connection, contextlib.suppress(OSError):
                connection.settimeout(10)
                asked = b""
                while b"\r\n\r\n" not in asked and (more := connection.recv(1 << 16)):
                    asked += more
                connection.sendall(self._answers.pop(0) if self._answers else b"")


@functools.cache
def _peer(process: int, family: socket.AddressFamily) -> Peer:
    del process  # threads do not survive a fork
    return Peer(family)


def peer(family: socket.AddressFamily) -> Peer:
    """The peer of this process."""
    return _peer(os.getpid(), family)


@contextlib.contextmanager
def environment(**wanted: str) -> Iterator[None]:
    """Variables of the environment for as long as one input is read."""
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextlib.contextmanager
def caged(port: int) -> Iterator[None]:
    """Every request over HTTP, wherever an answer leads it, goes to one port of this machine."""
    proxy = f"http://127.0.0.1:{port}"
    with environment(http_proxy=proxy, https_proxy=proxy, all_proxy=proxy, no_proxy=""):
        yield
