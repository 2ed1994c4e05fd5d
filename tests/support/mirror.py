"""A small mirror of OSV's dumps on a local port, that can break off, answer errors, and lie about sizes."""

import gzip
import hashlib
import io
import json
import threading
import time
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote

from tests.support.advisories import Record

Answer = Callable[[BaseHTTPRequestHandler, bytes], bool]
"""Answers in place of the mirror; False leaves it to the mirror."""


class SmallMirror:
    """What it serves follows from ``records``; ``faults`` of a path are used up one request each."""

    def __init__(self) -> None:
        self.records: dict[str, dict[str, Record]] = {}
        self.kev: list[str] = ["CVE-2024-0001"]
        self.epss: dict[str, float] = {"CVE-2024-0001": 0.5}
        self.files: dict[str, bytes] = {}
        self.absent: set[str] = set()
        self.faults: dict[str, list[Answer]] = {}
        self.asked: list[tuple[str, Mapping[str, str]]] = []
        self.sent: Counter[str] = Counter()
        self.tags = True
        self.conditional_ranges = True
        """Whether a range is refused when the file is another one by now; not every server knows If-Range."""
        self.url = ""

    def put(self, ecosystem: str, *records: Record) -> None:
        self.records.setdefault(ecosystem, {}).update({one["id"]: one for one in records})

    def paths(self) -> list[str]:
        return [path for path, _ in self.asked]

    def content(self, path: str) -> bytes | None:
        if path in self.absent:
            return None
        if path in self.files:
            return self.files[path]
        if path == "/ecosystems.txt":
            return "\n".join([*self.records, "[EMPTY]", "Linux"]).encode()
        if path == "/kev.json":
            return json.dumps({"catalogVersion": "1", "vulnerabilities": [{"cveID": cve} for cve in self.kev]}).encode()
        if path == "/epss.csv.gz":
            lines = [
                "#model_version:v1",
                "cve,epss,percentile",
                *(f"{cve},{p},0.1" for cve, p in self.epss.items()),
                "",
            ]
            return gzip.compress("\n".join(lines).encode(), mtime=0)
        ecosystem, _, name = path[1:].rpartition("/")
        records = self.records.get(ecosystem)
        if records is None:
            return None
        if name == "all.zip":
            return _zip(records)
        if name == "modified_id.csv":
            newest = sorted(records.values(), key=lambda one: str(one["modified"]), reverse=True)
            return "".join(f"{one['modified']},{one['id']}\n" for one in newest).encode()
        found = records.get(name.removesuffix(".json"))
        return None if found is None else json.dumps(found, indent=2).encode()

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        path = unquote(handler.path)
        self.asked.append((path, dict(handler.headers)))
        content = self.content(path)
        if content is None:
            handler.send_error(404)
            return
        if self.faults.get(path) and self.faults[path].pop(0)(handler, content):
            return
        tag = f'"{hashlib.sha256(content).hexdigest()[:16]}"'
        if self.tags and handler.headers.get("If-None-Match") == tag:
            handler.send_response(304)
            handler.end_headers()
            return
        start = 0
        span = handler.headers.get("Range")
        if span and (not self.conditional_ranges or handler.headers.get("If-Range") == tag):
            start = int(span.removeprefix("bytes=").rstrip("-"))
        handler.send_response(206 if start else 200)
        if start:
            handler.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        if self.tags:
            handler.send_header("ETag", tag)
        handler.send_header("Content-Length", str(len(content) - start))
        handler.end_headers()
        self.sent[path] += len(content) - start  # counted first: the reader may be done before this thread goes on
        handler.wfile.write(content[start:])


def cut(after: int) -> Answer:
    """Breaks off after so many bytes of the content."""

    def answer(handler: BaseHTTPRequestHandler, content: bytes) -> bool:
        tag = f'"{hashlib.sha256(content).hexdigest()[:16]}"'
        handler.send_response(200)
        handler.send_header("ETag", tag)
        handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        handler.wfile.write(content[:after])
        handler.close_connection = True
        return True

    return answer


def status(code: int, **headers: str) -> Answer:
    def answer(handler: BaseHTTPRequestHandler, content: bytes) -> bool:
        handler.send_response(code)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", "0")
        handler.end_headers()
        return True

    return answer


def claims(length: int, words: str = "") -> Answer:
    """Says another length than the content has, in these words if there are any."""

    def answer(handler: BaseHTTPRequestHandler, content: bytes) -> bool:
        handler.send_response(200)
        handler.send_header("Content-Length", words or str(length))
        handler.end_headers()
        handler.wfile.write(content[:length])
        handler.close_connection = True
        return True

    return answer


def endless(handler: BaseHTTPRequestHandler, content: bytes) -> bool:
    """Sends more and more without saying how much."""
    handler.send_response(200)
    handler.send_header("Transfer-Encoding", "chunked")
    handler.end_headers()
    handler.close_connection = True
    try:
        while True:
            handler.wfile.write(b"10000\r\n" + bytes(1 << 16) + b"\r\n")
    except OSError:
        return True


def unending(handler: BaseHTTPRequestHandler, content: bytes) -> bool:
    """Says nowhere how long the content is, and closes the connection in the middle of it."""
    handler.send_response(200)
    handler.end_headers()
    handler.wfile.write(content[: len(content) // 2])
    handler.close_connection = True
    return True


def drips(piece: bytes, *, first: bytes = b"") -> Answer:
    """Sends ``first``, and then a piece now and then, until nobody listens."""

    def answer(handler: BaseHTTPRequestHandler, content: bytes) -> bool:
        handler.close_connection = True
        try:
            handler.wfile.write(first)
            while True:
                handler.wfile.write(piece)
                time.sleep(0.02)
        except OSError:
            return True

    return answer


def sends(body: bytes, **headers: str) -> Answer:
    """Sends other bytes than the content, with headers of its own."""

    def answer(handler: BaseHTTPRequestHandler, content: bytes) -> bool:
        handler.send_response(200)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)
        return True

    return answer


@contextmanager
def serving() -> Iterator[SmallMirror]:
    mirror = SmallMirror()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            mirror.answer(self)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    mirror.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield mirror
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _zip(records: Mapping[str, Record]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for identity, record in records.items():
            archive.writestr(zipfile.ZipInfo(f"{identity}.json"), json.dumps(record))
    return buffer.getvalue()
