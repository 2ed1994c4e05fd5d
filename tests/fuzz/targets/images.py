"""Layers, the archives and layouts around them, their documents, and what people name them by."""

import contextlib
import gzip
import hashlib
import io
import json
import shutil
import tarfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import zstandard
from tests.fuzz.reading import LIMITS, indexed, scratch, split, written
from tests.fuzz.target import Target
from tests.support.images import (
    DEBIAN_12,
    Entry,
    Image,
    directory,
    dpkg_entry,
    dpkg_status,
    file,
    hardlink,
    header,
    layer,
    node_package,
    opaque,
    python_package,
    symlink,
    whiteout,
)

from hullguard.inventory import LayerCache, read, recognise
from hullguard.inventory.analyzers.analyzer import Context
from hullguard.inventory.analyzers.catalog import ANALYZERS
from hullguard.inventory.bills.purls import package_of, system_of
from hullguard.inventory.content.catalog import INSPECTORS
from hullguard.inventory.content.image_config import check
from hullguard.inventory.layer import Indexer, LayerIndex
from hullguard.inventory.limits import Budget
from hullguard.inventory.paths import normal, resolve
from hullguard.inventory.source.documents import DockerImage, ImageConfig, OciDocument
from hullguard.inventory.source.engine_json import decode
from hullguard.inventory.source.image import describe, layer_facts
from hullguard.inventory.source.platforms import fits
from hullguard.inventory.source.reader import LayerReader
from hullguard.inventory.source.registry.reference import parse_reference
from hullguard.inventory.source.remembered import recall
from hullguard.inventory.source.sbom import parse_sbom
from hullguard.inventory.source.unchanged import noted
from hullguard.inventory.sparse import BLOCK
from hullguard.inventory.squash import views
from hullguard.inventory.streams import CHUNK, Uncompressed
from hullguard.inventory.tar import TarWalk
from hullguard.inventory.wanted import Wanted
from hullguard.model.errors import Invalid, LimitReached

_WANTED = Wanted(ANALYZERS)
_LAYERS = b"\n--8<--\n"
_DIGEST = "sha256:" + "a" * 64

_BASE = layer(file("etc/os-release", DEBIAN_12), dpkg_status(dpkg_entry("bash", "5.2")), directory("srv"))
_APP = layer(
    python_package("django", "3.2"),
    node_package("lodash", "4.17.4"),
    symlink("var/run", "../run"),
    hardlink("etc/copy", "etc/os-release"),
    whiteout("srv/old"),
    opaque("opt"),
    file("a" * 120 + "/long", b"x"),
)
_GNU = layer(file("b" * 200, b"x" * 600), symlink("l", "t" * 200), form=tarfile.GNU_FORMAT)
_IMAGE = Image([_BASE, _APP], history=[{"created_by": "ADD file:abc in /"}, {"created_by": "RUN apt-get update"}])


def _summed(data: bytes) -> bytes:
    """The bytes with a right checksum in everything that may be a header."""
    out = bytearray(data)
    for at in range(0, len(out) - BLOCK + 1, BLOCK):
        if out[at + 257 : at + 262] == b"ustar" or out[at + 148 : at + 156].strip(b" \0").isdigit():
            out[at + 148 : at + 156] = b" " * 8
            out[at + 148 : at + 156] = b"%06o\0 " % sum(out[at : at + BLOCK])
    return bytes(out)


def _walk(data: bytes) -> list[tuple[str, int, int, str, bytes]]:
    walk = TarWalk(io.BytesIO(data), Budget(LIMITS), "archive")
    return [(member.name, member.kind, member.size, member.link, walk.peek(8) + walk.read(8)) for member in walk]


def _indexed(data: bytes) -> LayerIndex:
    indexer = Indexer(_WANTED, Budget(LIMITS), "layer")
    with contextlib.suppress(LimitReached):
        indexer.run(io.BytesIO(_summed(data)))
    return indexer.index


def _decompressed(data: bytes) -> tuple[int, str, str]:
    stream = Uncompressed(io.BytesIO(data), Budget(LIMITS), "stream")
    stream.drain()
    return stream.count, stream.digest, stream.raw_digest


def _entries(data: bytes) -> Iterator[Entry]:
    """A layer that the input spells: a line an entry, its kind in the first byte, a link's target behind a tab."""
    for line in data.split(b"\n")[:60]:
        name, _, rest = line[1:].decode("utf-8", "replace").replace("\0", "").partition("\t")
        match line[:1]:
            case b"d":
                yield directory(name)
            case b"s":
                yield symlink(name, rest)
            case b"h":
                yield hardlink(name, rest)
            case b"w":
                yield whiteout(name)
            case b"o":
                yield opaque(name)
            case _:
                yield file(name, rest)


def _squashed(data: bytes) -> list[Any]:
    """Layers over one another, their links followed, and what analyzers make of them."""
    layers = [_indexed(layer(*_entries(part))) for part in split(data, _LAYERS, 8)]
    trees = views(layers, _WANTED, LIMITS)
    again = _WANTED.with_aliases(sorted(set[tuple[str, str]]().union(*(tree.missing() for tree in trees))))
    found: list[Any] = [again.aliases, [again.logical(path) for _, path in again.aliases]]
    for tree in trees:
        context = Context(layers=tuple(f"sha256:{number}" for number in range(len(layers))))
        found += [tree.unknowns(), [analyzer.analyze(tree, context).packages for analyzer in ANALYZERS]]
    return found


def _archived(data: bytes) -> list[Any]:
    """The whole way, from a file whose kind its content decides, to an inventory."""
    path = written(data, "image")
    kind = recognise(str(path), LIMITS)
    found = read(f"{kind}:{path}", limits=LIMITS, scanners=_SCANNERS)
    return [kind, found.packages, found.unknowns, found.layers, found.config, found.secrets, found.malware]


def _docker(data: bytes) -> list[Any]:
    """An archive with a manifest and a configuration that the input gives."""
    manifest, config, *_ = [*split(data, _LAYERS, 2), b"{}"]
    members = {"0/layer.tar": _BASE, "1/layer.tar": _APP, "config.json": config, "manifest.json": manifest}
    archive = layer(*(file(name, content) for name, content in members.items()))
    found = read(f"docker-archive:{written(archive, 'docker')}", limits=LIMITS, scanners=frozenset({"config"}))
    return [found.target, found.layers, found.config]


def _blob(root: Path, content: bytes) -> dict[str, Any]:
    """A document of a layout, with the descriptor that leads to it."""
    hexadecimal = hashlib.sha256(content).hexdigest()
    (root / "blobs" / "sha256" / hexadecimal).write_bytes(content)
    return {"digest": f"sha256:{hexadecimal}", "size": len(content)}


def _layout(data: bytes) -> list[Any]:
    """A layout in a directory: the input's index, or one that leads to its manifest, its configuration, or both."""
    root = scratch() / "layout"
    shutil.rmtree(root, ignore_errors=True)
    _IMAGE.oci_dir(root)
    kind, _, rest = data.partition(b"\n")
    if kind == b"config":
        layers = [_blob(root, _BASE), _blob(root, gzip.compress(_APP, 1))]
        rest = json.dumps({"schemaVersion": 2, "config": _blob(root, rest), "layers": layers}).encode()
    index = json.dumps({"schemaVersion": 2, "manifests": [_blob(root, rest)]}).encode()
    (root / "index.json").write_bytes(rest if kind == b"index" else index)
    found = read(f"oci-dir:{root}", limits=LIMITS, platform="linux/amd64" if kind == b"config" else None)
    return [found.target, found.layers]


def _layouts() -> Iterable[bytes]:
    members = _IMAGE.oci_members()
    index = members["index.json"]
    manifest = next(
        content for name, content in members.items() if b'"schemaVersion"' in content and b'"config"' in content
    )
    nested = {"manifests": [{"digest": _DIGEST, "mediaType": "application/vnd.oci.image.index.v1+json", "size": 1}]}
    return (
        b"index\n" + index,
        b"index\n" + json.dumps(nested).encode(),
        b"manifest\n" + manifest,
        b"config\n" + _IMAGE.config,
    )


def _documents(data: bytes) -> list[Any]:
    for kind in (list[DockerImage], OciDocument):
        with contextlib.suppress(Invalid):
            decode(data, kind, "it")
    config = decode(data, ImageConfig, "it")
    described = describe(data, [("0/layer.tar", None)] * len(config.rootfs.diff_ids or []), 100)
    facts = layer_facts(config, [(_DIGEST, _DIGEST, 1)] * len(described.layers))
    return [facts, list(check(config)), str(config.platform), fits(config.platform, "linux/arm/v7")]


_CONFIG = {
    "architecture": "arm",
    "os": "linux",
    "variant": "v7",
    "config": {
        "User": "0:0",
        "Env": ["PATH=/bin", "DB_PASSWORD=geheim12", "AWS_KEY=$X"],
        "Cmd": ["sshd", "-D"],
        "Healthcheck": {"Test": ["NONE"]},
        "ExposedPorts": {"22/tcp": {}},
        "Volumes": {"/etc": {}},
        "Labels": {"a": "b"},
    },
    "rootfs": {"diff_ids": [_DIGEST, _DIGEST]},
    "history": [
        {"created_by": "/bin/sh -c #(nop) ADD file:abc in / "},
        {"created_by": '/bin/sh -c #(nop)  CMD ["sh"]', "empty_layer": True},
        {"created_by": "RUN |1 TOKEN=abcdef /bin/sh -c curl -k https://example.org/x | sh # buildkit"},
        {"created_by": "RUN /bin/sh -c apt-get update && chmod -R 777 /srv ; apt-get install sudo openssh-server "},
    ],
}
_CYCLONEDX = {
    "bomFormat": "CycloneDX",
    "specVersion": "1.5",
    "components": [
        {"type": "operating-system", "name": "debian", "version": "12"},
        {
            "type": "library",
            "name": "libc6",
            "version": "2.36-9",
            "purl": "pkg:deb/debian/libc6@2.36-9?arch=amd64&distro=debian-12&upstream=glibc%402.36",
            "licenses": [{"license": {"id": "MIT"}}, {"expression": "MIT AND ISC"}],
            "properties": [{"name": "aquasecurity:trivy:SrcName", "value": "glibc"}],
            "evidence": {"occurrences": [{"location": "/a"}]},
            "components": [{"name": "inner", "version": "1"}],
        },
    ],
}
_SPDX = {
    "spdxVersion": "SPDX-2.3",
    "packages": [
        {
            "name": "bash",
            "versionInfo": "5.2",
            "licenseDeclared": "GPL-3.0-only",
            "sourceInfo": "built package from: bash 5.2",
            "externalRefs": [
                {
                    "referenceType": "purl",
                    "referenceLocator": "pkg:rpm/redhat/bash@5.1?epoch=1&upstream=bash-5.1-2.src.rpm",
                }
            ],
        }
    ],
}
_PURLS = (
    b"pkg:deb/debian/bash@5.2?arch=amd64&distro=debian-12&upstream=bash%405.2",
    b"pkg:rpm/redhat/bash@5.1-2?epoch=1&upstream=bash-5.1-2.src.rpm&rpmmod=a:b:c&distro=rhel-9",
    b"pkg:maven/org.example/a@1#x",
    b"pkg:npm/%40scope/a@1.0.0",
)


def _purl(data: bytes) -> list[Any]:
    text = data.decode("utf-8", "replace")
    return [system_of(text), package_of(text)]


def _names(data: bytes) -> list[Any]:
    """A name as a reference, as a path, and as a path through links that are made of it."""
    text = data.decode("utf-8", "replace")
    path = normal(text)
    links = dict(zip(text.split("/"), reversed(text.split("/")), strict=True))
    found = [path, resolve(text, links), _WANTED.logical(path or "")]
    with contextlib.suppress(Invalid):
        found.append(str(parse_reference(text)))
    return found


def _tree(data: bytes) -> list[Any]:
    """A directory with files that the input names."""
    root = scratch() / "tree"
    root.mkdir(exist_ok=True)
    for number, name in enumerate(data.split(b"\0")[:20]):
        with contextlib.suppress(OSError, ValueError):
            place = (
                root / f"d{number}" / "node_modules" / name[:200].replace(b"/", b"").decode("utf-8", "surrogateescape")
            )
            place.mkdir(parents=True)
            (place / "package.json").write_text('{"name": "a", "version": "1"}')
            (place / "link").symlink_to(name)
    try:
        found = read(f"dir:{root}", limits=LIMITS, scanners=_SCANNERS)
        return [found.packages, found.unknowns, found.secrets, found.malware, found.config]
    finally:
        shutil.rmtree(root)


def _cached(data: bytes) -> list[Any]:
    """An entry of the cache that somebody else wrote, as each of those who read entries takes it."""
    root = scratch() / "cache"
    root.mkdir(mode=0o700, exist_ok=True)
    body = zstandard.ZstdCompressor(level=1).compress(data)
    reader = LayerReader(_WANTED, Budget(LIMITS), LayerCache(root))
    found: list[Any] = []
    for name, signature in (("sha256:1", "any"), ("sha256:1", "image"), ("file", "file")):
        path = root / f"{hashlib.sha256(f'{name} {signature}'.encode()).hexdigest()}.layer"
        path.write_bytes(hashlib.sha256(name.encode() + body).digest() + body)
        path.chmod(0o600)
    assert reader.cache is not None
    found.append(reader.cache.get("sha256:1", "any"))
    recalled = recall("sha256:1", reader)
    found += [noted(reader.cache, "file"), recalled is not None]
    return found


def _cache_entries() -> Iterable[bytes]:
    config = msgspec.msgpack.encode({"config": _IMAGE.config, "layers": [[_DIGEST, _DIGEST, 1]] * 2})
    computed = msgspec.msgpack.encode({"diff_id": _DIGEST, "digest": _DIGEST, "size": 1})
    made = [indexed(_WANTED, {"etc/os-release": DEBIAN_12}), LayerIndex(note=config)]
    return [msgspec.msgpack.encode(one) for one in (*made, LayerIndex(note=computed))]


_SCANNERS = frozenset(INSPECTORS)
_TREES = (
    b"fetc/os-release\tID=debian\nfvar/lib/dpkg/status\tPackage: a\nlvar\nsvar/lib/dpkg\t/opt/db\n--8<--\nwetc\nosrv\nda/b/c",
    b"slib/apk\t../x\nsx/db\t/y\nfy/installed\tP:a\n\n--8<--\nhetc/os-release\tusr/x\nfusr/x\tID=alpine\nsa\tb\nsb\ta",
    b"fsrv/node_modules/a/package.json\t{}\n--8<--\nfsrv\tx\n--8<--\ndsrv\nssrv/node_modules\t/../../etc\nw..\nw.\nfa/../b",
)


def _forms() -> Iterable[bytes]:
    """The image in each of its forms."""
    path = scratch() / "form"
    for whole in ("none", "gzip", "zstd"):
        yield _IMAGE.docker_archive(path, whole).read_bytes()
        yield _IMAGE.oci_archive(path, whole).read_bytes()
    yield Image([_BASE, _APP], compression="gzip").docker_archive(path).read_bytes()
    yield json.dumps(_CYCLONEDX).encode()


_HEADERS = (
    header(b"a", b"00000000000\0", b"5") + bytes(1024),
    header(b"sparse", b"00000000010\0", b"S") + bytes(2048),
    header(b"x", b"\x80" + bytes(10) + b"\x05") + b"hello".ljust(512, b"\0") + bytes(1024),
    header(b"pax", b"00000000032\0", b"x")
    + b"26 path=a/b/c/d/e/f/g/h/i\n".ljust(512, b"\0")
    + header(b"y")
    + bytes(1024),
)

TARGETS: tuple[Target, ...] = (
    Target("images.tar", _walk, lambda: (_BASE, _APP, _GNU, *_HEADERS)),
    Target("images.tar.summed", _indexed, lambda: (_BASE, _APP, _GNU, *_HEADERS)),
    Target(
        "images.squash",
        _squashed,
        lambda: _TREES,
        words=(_LAYERS, b"\nw", b"\nh", b"\ns", b"\td\n", b".wh.", b"../"),
        longest=4096,
    ),
    Target(
        "images.streams",
        _decompressed,
        lambda: (
            gzip.compress(_APP, 9, mtime=0),
            gzip.compress(b"a", mtime=0) + gzip.compress(b"b" * 10_000, mtime=0),
            zstandard.ZstdCompressor().compress(_APP),
            zstandard.ZstdCompressor().compress(bytes(3 * CHUNK)) * 2,
        ),
    ),
    Target("images.archive", _archived, _forms, runs=120, longest=1 << 17),
    Target(
        "images.docker",
        _docker,
        lambda: (
            json.dumps(
                [{"Config": "config.json", "RepoTags": ["a:1"], "Layers": ["0/layer.tar", "1/layer.tar"]}]
            ).encode()
            + _LAYERS
            + _IMAGE.config,
        ),
        runs=120,
    ),
    Target("images.oci", _layout, _layouts, runs=120),
    Target("images.documents", _documents, lambda: (json.dumps(_CONFIG).encode(), _IMAGE.config, b'[{"Config": "a"}]')),
    Target(
        "images.sbom",
        lambda data: parse_sbom(data, "it").packages,
        lambda: (json.dumps(_CYCLONEDX).encode(), json.dumps(_SPDX).encode(), b'{"@context": "x"}'),
    ),
    Target("images.purls", _purl, lambda: _PURLS, runs=400),
    Target(
        "images.names",
        _names,
        lambda: (
            b"localhost:5000/a/b:1@sha256:" + b"a" * 64,
            b"debian:12",
            b"./a//b/../c",
            b"/usr/lib/apk/db/installed",
        ),
        runs=400,
        longest=LIMITS.name_bytes,
    ),
    Target("images.tree", _tree, lambda: (b"lodash\0\xff\xfe\0@x\0a\nb\0..\0\xe2\x80\xa8",), runs=40, longest=4096),
    Target("images.cache", _cached, _cache_entries),
)
