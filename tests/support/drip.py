"""A server that sends one beginning to everybody who asks, and then a piece now and then until nobody listens."""

import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def dripping(first: bytes, piece: bytes, path: Path | None = None) -> Iterator[str]:
    """Its address: the path of its socket where one is named, else a host and a port."""
    over = threading.Event()

    def answer(asking: socket.socket) -> None:
        with asking, contextlib.suppress(OSError):
            asked = b""
            while b"\r\n\r\n" not in asked:
                more = asking.recv(4096)
                if not more:
                    return
                asked += more
            asking.sendall(first)
            while not over.wait(0.02):
                asking.sendall(piece)

    def serve() -> None:
        while not over.is_set():
            with contextlib.suppress(TimeoutError):
                asking, _ = listening.accept()
                asking.settimeout(10)
                threading.Thread(target=answer, args=(asking,), daemon=True).start()

    family = socket.AF_INET if path is None else socket.AF_UNIX
    with socket.socket(family) as listening:
        listening.bind(("127.0.0.1", 0) if path is None else str(path))
        listening.listen()
        listening.settimeout(0.05)
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield f"127.0.0.1:{listening.getsockname()[1]}" if path is None else str(path)
        finally:
            over.set()
            thread.join(10)


@contextlib.contextmanager
def encrypting(host: str, own: ssl.SSLContext) -> Iterator[str]:
    """TLS before a server that speaks none, for one connection: its address."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(10)

        def pass_on() -> None:
            with contextlib.suppress(OSError):
                asking, _ = listening.accept()
                name, port = host.split(":")
                with (
                    own.wrap_socket(asking, server_side=True) as here,
                    socket.create_connection((name, int(port))) as there,
                ):
                    there.sendall(here.recv(4096))
                    while data := there.recv(4096):
                        here.sendall(data)

        thread = threading.Thread(target=pass_on, daemon=True)
        thread.start()
        yield f"127.0.0.1:{listening.getsockname()[1]}"
        thread.join(10)
