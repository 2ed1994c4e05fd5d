"""Whoever answers: registries, mirrors, container engines, and what they put into headers and bodies."""

import asyncio
import contextlib
import gzip
import io
import json
import socket
import tempfile
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from unittest import mock

from tests.fuzz.reading import LIMITS, caged, environment, peer, scratch, split, written
from tests.fuzz.target import Target
from tests.support.advisories import affected, record
from tests.support.images import DEBIAN_12, Image, digest_of, dpkg_entry, dpkg_status, file, layer

from hullguard.advisories.update.fetch import Fetcher, Tag
from hullguard.advisories.update.run import Wanted, update
from hullguard.agent.runtime.docker import Docker, image_name, parse_container
from hullguard.agent.runtime.http import parse_address
from hullguard.agent.runtime.scratch import unframed
from hullguard.agent.sensor.containers import DockerIdentities, container_id, full_name
from hullguard.inventory.analyzers.catalog import ANALYZERS
from hullguard.inventory.limits import Budget
from hullguard.inventory.reading import read
from hullguard.inventory.source.opened import RegistryAccess
from hullguard.inventory.source.reader import LayerReader
from hullguard.inventory.source.registry import listing
from hullguard.inventory.source.registry.challenge import parse_challenges, parse_token
from hullguard.inventory.source.registry.client import Client
from hullguard.inventory.source.registry.credentials import look_up
from hullguard.inventory.source.registry.image import RegistryBlobs, describe_registry
from hullguard.inventory.source.registry.listing import Bounds
from hullguard.inventory.source.registry.reference import parse_reference
from hullguard.inventory.wanted import Wanted as Wishes
from hullguard.model.errors import Invalid, Unavailable
from hullguard.model.registry import RegistrySpec

_NEXT = b"\n--8<--\n"
"""Between the answers to one connection and to the next."""
_REFERENCE = parse_reference("registry.test/app:1")
_BOUNDS = Bounds(names=10, repositories=3, images=10, seconds=20)
_WANTED = Wishes(ANALYZERS)
_IMAGE = Image([layer(file("etc/os-release", DEBIAN_12), dpkg_status(dpkg_entry("bash", "5.2")))], compression="gzip")
_ID = "c0ffee" + "0" * 58
_DIGEST = "sha256:" + "a" * 64
_WORDS = (
    _NEXT, b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 206 Partial Content\r\n", b"HTTP/1.1 302 Found\r\nLocation: //[/\r\n\r\n",
    b"HTTP/1.1 429 Slow\r\nRetry-After: 1\r\n", b"Content-Length: 0\r\n", b"Transfer-Encoding: chunked\r\n\r\n5\r\n",
    b"Retry-After: Wed, 21 Oct 2015 07:28:00 GMT\r\n", b"Docker-Content-Digest: sha256:0\r\n", b"\r\n\r\n", b"bytes 0-1/2",
    b'WWW-Authenticate: Bearer realm="http://registry.test/token"\r\n', b"Location: http://registry.test:99999/\r\n",
)  # fmt: skip


class _Hasty(Client):
    """Waits for nothing, and not for long."""

    _left = 6

    def pause(self, attempt: int, asked: float | None = None) -> None:
        del attempt, asked
        self._left -= 1
        if self._left < 0:
            raise Unavailable("the registry asks to wait")


def _answer(body: bytes, status: str = "200 OK", **headers: str) -> bytes:
    """One answer as a server writes it."""
    lines = {"Content-Length": str(len(body)), "Connection": "close", **headers}
    written = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in lines.items())
    return f"HTTP/1.1 {status}\r\n{written}\r\n".encode() + body


def _json(value: Any, status: str = "200 OK", **headers: str) -> bytes:
    return _answer(json.dumps(value).encode(), status, Content_Type="application/json", **headers)


def _registry(data: bytes) -> list[Any]:
    """An image of a registry, from its manifest to its last layer."""
    server = peer(socket.AF_INET)
    server.answer(split(data, _NEXT, 30))
    known = scratch() / "docker.json"
    known.write_text('{"auths": {"registry.test": {"username": "a", "password": "b"}}}')
    with caged(server.address[1]):
        client = _Hasty(_REFERENCE, RegistryAccess(insecure=True, docker_config=known))
        with contextlib.closing(client):
            blobs = RegistryBlobs(client, _REFERENCE, LIMITS)
            described = describe_registry(blobs, None, LIMITS)
            reader = LayerReader(_WANTED, Budget(LIMITS), None)
            layers = [blobs.layer(blob, reader) for blob in described.layers[:4]]
    return [described.image_id, described.tags, [(one.index, one.diff_id) for one in layers]]


def _registry_seeds() -> Iterable[bytes]:
    manifest = {
        "schemaVersion": 2,
        "config": {"mediaType": "", "digest": _IMAGE.image_id, "size": len(_IMAGE.config)},
        "layers": [],
    }
    blob = _compressed()
    manifest["layers"] = [{"mediaType": "", "digest": digest_of(blob), "size": len(blob)}]
    content = json.dumps(manifest).encode()
    index = json.dumps(
        {
            "schemaVersion": 2,
            "manifests": [{"digest": digest_of(content), "platform": {"os": "linux", "architecture": "amd64"}}],
        }
    ).encode()
    challenge = 'Bearer realm="http://registry.test/token",service="r",scope="repository:app:pull"'
    parts = (_answer(content), _answer(_IMAGE.config), _answer(blob))
    refused = _json({"errors": [{"message": "no"}]}, "401 Unauthorized", WWW_Authenticate=challenge)
    again = _answer(b"", "307 Temporary Redirect", Location="http://blobs.test/x?y=z")
    cut = _answer(blob[:50], Content_Length=str(len(blob)))
    busy = _answer(b"", "429 Too Many Requests", Retry_After="Wed, 21 Oct 2015 07:28:00 GMT")
    return (
        _NEXT.join(parts),
        _NEXT.join((refused, _json({"token": "abc"}), *parts)),
        _NEXT.join((_answer(index), busy, again, *parts)),
        _NEXT.join((*parts[:2], cut, parts[2])),
        _json({"errors": [{"message": "no such image"}]}, "404 Not Found"),
        _answer(b"", "302 Found", Location="//[/"),
        _json({}, "401 Unauthorized", WWW_Authenticate='Bearer realm="http://["'),
    )


def _listing(data: bytes) -> list[Any]:
    """What a registry has, from its catalog to the configurations of what its tags name."""
    server = peer(socket.AF_INET)
    server.answer(split(data, _NEXT, 30))
    spec = RegistrySpec(
        "r", "registry.test", ["app", "team/*"], insecure=True, platforms=["linux/amd64", "linux/arm64"]
    )
    with caged(server.address[1]), mock.patch.object(listing, "Client", _Hasty):
        found = listing.list_registry(spec, RegistryAccess(insecure=True), {("app", "1"): _DIGEST}, _BOUNDS)
    return [found.images, found.unchanged, found.unlisted, found.trouble]


def _listing_seeds() -> Iterable[bytes]:
    manifest = json.dumps({"schemaVersion": 2, "config": {"digest": _IMAGE.image_id}, "layers": []}).encode()
    many = {"manifests": [{"digest": digest_of(manifest), "platform": {"os": "linux", "architecture": "amd64"}}]}
    index = json.dumps({"schemaVersion": 2, **many}).encode()
    catalog = _json({"repositories": ["app", "team/web", "../x"]})
    tags = _json({"tags": ["1", "v2.0-rc1", "latest"]}, Link='</v2/app/tags/list?last=1>; rel="next"')
    end = _json({"tags": None})

    def head(content: bytes) -> bytes:
        return _answer(b"", Docker_Content_Digest=digest_of(content))

    one = (head(manifest), _answer(manifest), _answer(_IMAGE.config))
    several = (head(index), _answer(index), _answer(manifest), _answer(_IMAGE.config))
    return (
        _NEXT.join((catalog, tags, end, *one, *several, *one)),
        _NEXT.join((_json({}, "404 Not Found"), tags, end, _answer(b"", Docker_Content_Digest=_DIGEST), *one)),
        _NEXT.join((_json([]), end)),
        _NEXT.join((catalog, _json({"tags": ["1"]}, Link='<http://[>; rel="next"'))),
        _NEXT.join((catalog, _answer(b"", "429 Slow", Retry_After="9"))),
    )


def _compressed() -> bytes:
    with tempfile.TemporaryDirectory() as directory:
        members = _IMAGE.oci_dir(Path(directory))
        blobs = [path.read_bytes() for path in (members / "blobs" / "sha256").iterdir()]
    return next(blob for blob in blobs if blob.startswith(b"\x1f\x8b"))


def _engine(data: bytes) -> list[Any]:
    """An image, or a container, of an engine."""
    server = peer(socket.AF_UNIX)
    kind, _, rest = data.partition(b"\n")
    server.answer(split(rest, _NEXT, 8))
    source = "container" if kind == b"container" else "docker"
    found = read(f"{source}:app", limits=LIMITS, docker_host=f"unix://{server.address}")
    return [found.target, found.packages, found.unknowns, found.layers]


def _engine_seeds() -> Iterable[bytes]:
    with tempfile.TemporaryDirectory() as directory:
        archive = _IMAGE.docker_archive(Path(directory) / "a").read_bytes()
    inspected = _json({"Id": _IMAGE.image_id, "RepoTags": ["app:1"], "RootFS": {"Layers": [_DIGEST]}})
    container = _json({"Id": _ID, "Image": _DIGEST, "Name": "/web", "Config": {"User": "root"}})
    return (
        b"docker\n" + inspected + _NEXT + _answer(archive),
        b"docker\n" + _json({"message": "no such image"}, "400 Bad Request"),
        b"container\n" + container + _NEXT + _answer(_IMAGE.layers[0]),
    )


async def _asked(docker: Docker) -> list[Any]:
    found: list[Any] = [await docker.version(), await docker.containers({}), await docker.images()]
    with contextlib.suppress(Unavailable):
        found.extend([change async for change in docker.changes()])
    return found


def _runtime(data: bytes) -> list[Any]:
    """What the agent asks of the Docker engine, one connection each."""
    server = peer(socket.AF_UNIX)
    server.answer(split(data, _NEXT, 8))
    identity = DockerIdentities(f"unix://{server.address}").identify(f"docker-{_ID}.scope")
    return [identity, asyncio.run(_asked(Docker(f"unix://{server.address}")))]


def _runtime_seeds() -> Iterable[bytes]:
    listed = [{"Id": _ID, "Names": ["/web"], "Image": "nginx", "ImageID": _DIGEST, "State": "running"}]
    images = [{"Id": _DIGEST, "RepoTags": ["nginx:1"], "RepoDigests": None}]
    events = b'{"Type": "container", "Action": "start", "Actor": {"ID": "a"}}\n' * 2
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (len(events), events)
    parts = (_json(listed), _json({"Version": "24.0"}), _json(listed), _json(_INSPECTED), _json(images), chunked)
    return (_NEXT.join(parts), _NEXT.join((_json({"message": "no"}, "500 E"),) * 2))


_INSPECTED = {
    "Id": _ID,
    "Image": _DIGEST,
    "Name": "/web",
    "Created": "2024-05-06T07:08:09.123456789Z",
    "State": {"Status": "running", "StartedAt": "0001-01-01T00:00:00Z"},
    "Config": {"Image": "nginx:1.25"},
    "HostConfig": {"Privileged": True},
}


def _words(data: bytes) -> list[Any]:
    """What people and engines call images, containers and engines."""
    text = data.decode("utf-8", "replace")
    found: list[Any] = [parse_container(data), image_name(text), container_id(text), full_name(text), unframed(data)]
    with contextlib.suppress(Invalid):
        address = parse_address(text)
        found += [address.path, address.host, address.port]
    return found


def _headers(data: bytes) -> list[Any]:
    lines = data.decode("latin-1").split("\n")
    found: list[Any] = [[one.scheme, one.parameters] for one in parse_challenges(lines)]
    with contextlib.suppress(Invalid):
        found.append(parse_token(data, "the realm"))
    return found


def _credentials(data: bytes) -> bool:
    path = written(data, "config.json")
    with environment(PATH=str(scratch())):  # no helper is there
        known = look_up(_REFERENCE, RegistryAccess(docker_config=path))
    return known.credentials is not None and bool(known.credentials.basic)


def _mirror(data: bytes) -> list[Any]:
    """A file of a mirror; what it answers may lead elsewhere, break off, or go on."""
    server = peer(socket.AF_INET)
    server.answer(split(data, _NEXT, 40))
    with caged(server.address[1]):
        fetcher = Fetcher(sleep=lambda _: None)
        into = scratch() / "fetched"
        tag = fetcher.get("http://mirror.test/all.zip", into, 1 << 20, Tag('"a"', "Wed, 21 Oct 2015 07:28:00 GMT"))
        return [tag, into.stat().st_size if tag else 0]


def _mirror_seeds() -> Iterable[bytes]:
    begun, left = bytes(1 << 16), bytes(9)
    length = str(len(begun + left))
    broken = _answer(begun, ETag='"b"', Content_Length=length, Last_Modified="Wed, 21 Oct 2015 07:28:00 GMT")
    rest = _answer(left, "206 Partial Content", ETag='"b"', Content_Range=f"bytes {len(begun)}-{length}")
    return (
        _answer(b"abcdefghi", ETag='"b"'),
        b"HTTP/1.1 200 OK\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\nabc",
        broken + _NEXT + _answer(begun + left, ETag='"b"'),
        broken + _NEXT + rest,
        broken + _NEXT + _answer(b"", "416 No") + _NEXT + _answer(b"abcdefghi"),
        _answer(b"", "302 Found", Location="http://elsewhere.test/x") + _NEXT + _answer(b"", "304 Not Modified"),
        _answer(b"", "503 Busy", Retry_After="1") + _NEXT + _answer(b"", "404 No"),
    )


def _update(data: bytes) -> list[Any]:
    """A whole update from a mirror: lists, an archive or single records, the catalogue and the scores."""
    server = peer(socket.AF_INET)
    server.answer(split(data, _NEXT, 40))
    database = scratch() / "updated.db"
    database.unlink(missing_ok=True)
    wanted = Wanted("http://mirror.test", "http://mirror.test/kev.json", "http://mirror.test/epss.csv.gz", ("npm",))
    with caged(server.address[1]):
        for _ in range(2):  # the second begins with what the first noted
            outcome = update(database, wanted, fetcher=Fetcher(sleep=lambda _: None))
    return [[[one.name, one.how, one.records, one.why] for one in outcome.updates], outcome.replaced]


def _update_seeds() -> Iterable[bytes]:
    one = record("GHSA-1", affected("npm", "one", {"introduced": "0"}), modified="2026-01-02T00:00:00Z")
    changed = _answer(b"2026-01-02T00:00:00Z,GHSA-1\n", ETag='"c"')
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr(zipfile.ZipInfo("GHSA-1.json"), json.dumps(one))
    kev = _json({"catalogVersion": "1", "vulnerabilities": [{"cveID": "CVE-2024-0001"}]})
    epss = _answer(gzip.compress(b"cve,epss,percentile\nCVE-2024-0001,0.5,0.9\n", mtime=0), ETag='"e"')
    newer = _answer(b"2026-01-03T00:00:00Z,GHSA-2\n2026-01-02T00:00:00Z,GHSA-1\n")
    other = _json({**one, "id": "GHSA-2", "modified": "2026-01-03T00:00:00Z"})
    same = _answer(b"", "304 Not Modified")
    first = (changed, _answer(archive.getvalue()), kev, epss)
    return _NEXT.join((*first, newer, other, same, same)), _NEXT.join((_answer(b"", "404 No"), *first[1:]))


TARGETS: tuple[Target, ...] = (
    Target("peers.update", _update, _update_seeds, words=_WORDS, runs=60),
    Target("peers.registry", _registry, _registry_seeds, words=_WORDS, runs=100),
    Target("peers.listing", _listing, _listing_seeds, words=_WORDS, runs=100),
    Target("peers.engine", _engine, _engine_seeds, words=_WORDS, runs=100, longest=1 << 17),
    Target("peers.runtime", _runtime, _runtime_seeds, words=_WORDS, runs=100),
    Target("peers.mirror", _mirror, _mirror_seeds, words=_WORDS, runs=100, longest=1 << 17),
    Target(
        "peers.words",
        _words,
        lambda: (json.dumps(_INSPECTED).encode(), b"nginx", b"unix:///run/d.sock", b"tcp://a:2375"),
    ),
    Target(
        "peers.headers",
        _headers,
        lambda: (
            b'Bearer realm="https://auth.example.org/token",service="r",scope="a:b:pull"\nBasic realm="x y\\" z"',
            b'{"token": "abc", "access_token": "def"}',
            b"Negotiate, Basic",
        ),
    ),
    Target(
        "peers.credentials",
        _credentials,
        lambda: (
            b'{"auths": {"https://registry.test/v1/": {"auth": "YTpi"}, "a": {"identitytoken": "x"}}}',
            b'{"auths": {"registry.test/app": {"username": "a", "registrytoken": "t"}}, "credHelpers": {"a": "b"}}',
            b'{"credsStore": "none"}',
        ),
    ),
)
