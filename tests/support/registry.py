"""Registries of the tests' own: Debian's docker-registry, and a small one that answers as badly as it is told to."""

import contextlib
import http.server
import ipaddress
import json
import shutil
import socket
import ssl
import subprocess
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from tests.support.images import Image, compressed, digest_of

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"


@dataclass
class Reply:
    """One answer; ``cut`` sends only so many bytes of the body and then hangs up, ``trickle`` a line or byte at a time."""

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    cut: int | None = None
    trickle: bool = False


Answer = Callable[["Asked"], Reply]


@dataclass(frozen=True)
class Asked:
    """One request as it came."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes = b""


class FakeRegistry:
    """Answers by path, and notes what it was asked. An answer is a reply, replies in turn, or a function."""

    def __init__(self, host: str) -> None:
        self.host = host
        self.asked: list[Asked] = []
        self.connections: set[tuple[str, int]] = set()
        """The other ends that asked."""
        self.answers: dict[str, Reply | list[Reply] | Answer] = {}

    def paths(self) -> list[str]:
        return [asked.path for asked in self.asked]

    def put(self, image: Image, name: str = "app", tag: str = "1") -> str:
        """An image under a tag; gives the digest of its manifest."""
        digest = digest_of(content := self.manifest(image))
        reply = Reply(content, headers={"Content-Type": MANIFEST, "Docker-Content-Digest": digest})
        self.answers[f"/v2/{name}/manifests/{tag}"] = reply
        self.answers[f"/v2/{name}/manifests/{digest}"] = reply
        for blob in (image.config, *(compressed(layer, image.compression) for layer in image.layers)):
            self.answers[f"/v2/{name}/blobs/{digest_of(blob)}"] = ranged(blob)
        return digest

    def lists(self, path: str, names: Sequence[str], page: int = 1000) -> None:
        """A list of names, ``page`` at a time, as registries give it: ``_catalog`` or ``app/tags/list``."""
        field = "repositories" if path == "_catalog" else "tags"

        def answer(asked: Asked) -> Reply:
            last = urllib.parse.parse_qs(asked.path.partition("?")[2]).get("last", [""])[0]
            start = names.index(last) + 1 if last else 0
            some = list(names[start : start + page])
            more = start + page < len(names)
            link = {"Link": f'</v2/{path}?last={some[-1]}&n={page}>; rel="next"'} if more else {}
            return Reply(json.dumps({"name": path.removesuffix("/tags/list"), field: some}).encode(), headers=link)

        self.answers[f"/v2/{path}"] = answer

    @staticmethod
    def manifest(image: Image, layer_type: str = "application/vnd.oci.image.layer.v1.tar+gzip") -> bytes:
        stored = [compressed(layer, image.compression) for layer in image.layers]
        described = [{"mediaType": layer_type, "digest": digest_of(one), "size": len(one)} for one in stored]
        config = {"mediaType": CONFIG, "digest": digest_of(image.config), "size": len(image.config)}
        return json.dumps({"schemaVersion": 2, "config": config, "layers": described}).encode()

    def answer(self, asked: Asked) -> Reply:
        self.asked.append(asked)
        known = self.answers.get(asked.path.partition("?")[0]) or _unknown(asked.path)
        if isinstance(known, list):
            return known.pop(0) if len(known) > 1 else known[0]
        return known if isinstance(known, Reply) else known(asked)


def _unknown(path: str) -> Reply:
    """What registries say of what they do not have."""
    kind = "MANIFEST" if "/manifests/" in path else "BLOB" if "/blobs/" in path else "NAME"
    errors = [{"code": f"{kind}_UNKNOWN", "message": f"{kind.lower()} unknown", "detail": {}}]
    return Reply(json.dumps({"errors": errors}).encode(), 404)


def ranged(blob: bytes) -> Answer:
    """A blob as a registry with ranges sends it."""

    def answer(asked: Asked) -> Reply:
        wanted = asked.headers.get("range", "")
        if not wanted:
            return Reply(blob)
        start = int(wanted.removeprefix("bytes=").rstrip("-"))
        return Reply(blob[start:], 206, {"Content-Range": f"bytes {start}-{len(blob) - 1}/{len(blob)}"})

    return answer


@contextlib.contextmanager
def fake_registry(tls: ssl.SSLContext | None = None) -> Iterator[FakeRegistry]:
    """A small registry on a free port of the loopback."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _handler())
    server.daemon_threads = True
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    server.handle_error = lambda *_: None  # type: ignore[method-assign]  # who does not trust it hangs up
    registry = FakeRegistry(f"127.0.0.1:{server.server_port}")
    server.registry = registry  # type: ignore[attr-defined]
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield registry
    finally:
        server.shutdown()
        server.server_close()


def certificate(directory: Path) -> tuple[ssl.SSLContext, Path]:
    """A certificate for 127.0.0.1 that nobody trusts who is not told to: the server's side, and the file to trust."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "registry of the tests")])
    now = datetime.now(UTC)
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(address, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    public, private = directory / "registry.crt", directory / "registry.key"
    public.write_bytes(made.public_bytes(Encoding.PEM))
    private.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(public, private)
    return context, public


def _nap() -> None:
    threading.Event().wait(0.02)


def _handler() -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def setup(self) -> None:
            super().setup()
            self.server.registry.connections.add(self.client_address)  # type: ignore[attr-defined]

        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            headers = {name.lower(): value for name, value in self.headers.items()}
            reply = self.server.registry.answer(Asked(self.command, self.path, headers, body))  # type: ignore[attr-defined]
            self.send_response(reply.status)
            for name, value in {"Content-Length": str(len(reply.body)), **reply.headers}.items():
                self.send_header(name, value)
                if reply.trickle:
                    self.flush_headers()
                    _nap()
            self.end_headers()
            if self.command == "HEAD":
                return
            if reply.trickle:
                for byte in reply.body:
                    self.wfile.write(bytes([byte]))
                    _nap()
                return
            self.wfile.write(reply.body if reply.cut is None else reply.body[: reply.cut])
            self.close_connection = self.close_connection or reply.cut is not None

        def do_POST(self) -> None:
            self.do_GET()

        def do_HEAD(self) -> None:
            self.do_GET()

        def log_message(self, *args: object) -> None:
            pass

    return Handler


@dataclass(frozen=True)
class RealRegistry:
    """A docker-registry that runs."""

    host: str

    def push(self, source: str, name: str, *options: str) -> None:
        subprocess.run(
            ["skopeo", "copy", "-q", "--dest-tls-verify=false", *options, source, f"docker://{self.host}/{name}"],
            check=True,
            capture_output=True,
            timeout=120,
        )

    def manifest(self, name: str) -> dict[str, Any]:
        """The descriptor of what was pushed under a name."""
        repository, _, tag = name.rpartition(":")
        accepted = "application/vnd.docker.distribution.manifest.v2+json"
        request = urllib.request.Request(self._manifests(repository, tag), headers={"Accept": accepted})
        with urllib.request.urlopen(request, timeout=60) as answer:
            content = answer.read()
        return {"mediaType": accepted, "digest": digest_of(content), "size": len(content)}

    def put_index(self, repository: str, tag: str, manifests: list[dict[str, Any]]) -> None:
        """An OCI index over manifests that are there."""
        body = json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": manifests}).encode()
        address = self._manifests(repository, tag)
        request = urllib.request.Request(address, body, {"Content-Type": INDEX}, method="PUT")
        urllib.request.urlopen(request, timeout=60).close()

    def _manifests(self, repository: str, tag: str) -> str:
        return f"http://{self.host}/v2/{repository}/manifests/{tag}"


@contextlib.contextmanager
def real_registry(root: Path, htpasswd: str = "", *, tls: bool = False, address: str = "") -> Iterator[RealRegistry]:
    """Debian's docker-registry on a free port, with the lines of an htpasswd file if there are to be users.

    ``tls``: with the certificate ``registry.crt`` that ``certificate`` has made in the directory. ``address``: where it
    was before.
    """
    program = shutil.which("docker-registry")
    if program is None or shutil.which("skopeo") is None:
        pytest.skip("docker-registry or skopeo is not installed")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        host = address or f"127.0.0.1:{probe.getsockname()[1]}"
    root.mkdir(parents=True, exist_ok=True)
    config: dict[str, object] = {
        "version": 0.1,
        "log": {"level": "error"},
        "storage": {"filesystem": {"rootdirectory": str(root / "data")}},
        "http": {"addr": host},
    }
    if tls:
        config["http"] = {
            "addr": host,
            "tls": {"certificate": str(root / "registry.crt"), "key": str(root / "registry.key")},
        }
    if htpasswd:
        (root / "htpasswd").write_text(htpasswd)
        config["auth"] = {"htpasswd": {"realm": "tests", "path": str(root / "htpasswd")}}
    (root / "config.yml").write_text(json.dumps(config))
    with (root / "log").open("wb") as log:
        process = subprocess.Popen([program, "serve", str(root / "config.yml")], stdout=log, stderr=log)
    try:
        _wait(process, host, root / "log")
        yield RealRegistry(host)
    finally:
        process.terminate()
        process.wait(60)


def _wait(process: subprocess.Popen[bytes], host: str, log: Path) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        try:
            urllib.request.urlopen(f"http://{host}/", timeout=5).close()
        except urllib.error.HTTPError:
            return  # it answers, over TLS
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError(f"docker-registry did not start: {log.read_text(errors='replace')[-500:]}")
