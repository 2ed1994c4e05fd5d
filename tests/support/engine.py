"""An engine on a Unix socket that gives the answers it was told to give, and has nothing else."""

import contextlib
import http.server
import socketserver
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path


class _Handler(http.server.BaseHTTPRequestHandler):
    server: "_Server"

    def do_GET(self) -> None:
        body = self.server.answers.get(self.path)
        self.send_response(404 if body is None else 200)
        self.send_header("Content-Length", str(len(body or b"{}")))
        self.end_headers()
        self.wfile.write(body or b"{}")

    def address_string(self) -> str:
        return "socket"

    def log_message(self, *args: object) -> None:
        pass


class _Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True
    answers: Mapping[str, bytes]


@contextlib.contextmanager
def engine_of(socket: Path, answers: Mapping[str, bytes]) -> Iterator[str]:
    """Gives the address of one; ``answers`` are by the path of the request."""
    with _Server(str(socket), _Handler) as server:
        server.answers = answers
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield f"unix://{socket}"
        server.shutdown()
