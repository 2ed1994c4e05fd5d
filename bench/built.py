"""Images to measure with, built here: a Debian with an application of npm and Python packages, one of many layers."""

import hashlib
import io
import json
import random
import shutil
import subprocess
import tarfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import zstandard
from isal import igzip

NPM = 49
PYTHON = 14
APPLICATION_BYTES = 160_000_000
LAYERS = 80
LAYER_BYTES = 25_000_000
PIECE = 1 << 20
STATUS = b"Package: base-files\nStatus: install ok installed\nArchitecture: amd64\nVersion: 12.4\n\n"
"""A system without a list of packages is told as one that could not be read."""

Compress = Callable[[IO[bytes]], AbstractContextManager[Any]]
COMPRESSIONS: dict[str, Compress] = {
    "gzip": lambda raw: igzip.IGzipFile(fileobj=raw, mode="wb", compresslevel=2),  # type: ignore[no-untyped-call]
    "zstd": lambda raw: zstandard.ZstdCompressor(level=3).stream_writer(raw, closefd=False),
}


@dataclass(frozen=True)
class Layer:
    """An uncompressed layer on disk."""

    path: Path
    diff_id: str


def debian_layers(work: Path) -> list[Layer]:
    """A Debian 12 as mmdebstrap makes it (kept in ``work`` for the next run) and an application above it."""
    base = work / "bookworm.tar"
    if not base.exists():
        fresh = base.with_suffix(".new.tar")
        command = ["mmdebstrap", "--quiet", "--variant=minbase", "--components=main", "bookworm", str(fresh)]
        subprocess.run(command, check=True)
        fresh.rename(base)
    return [_layer(base), _written(work / "application.tar", application())]


def many_layers(work: Path) -> list[Layer]:
    """A distribution's name, then layers of text and of bytes that no compressor makes smaller, one package each."""
    chance = random.Random(80)
    layers = []
    for number in range(LAYERS):
        members = [(f"srv/{number}/data.bin", chance.randbytes(LAYER_BYTES // 2))]
        members += [(f"srv/{number}/{each}.txt", _text(chance, LAYER_BYTES // 40)) for each in range(20)]
        members.append(_npm(f"layered-{number}", "1.0.0"))
        if number == 0:
            members.append(("etc/os-release", b'ID=debian\nVERSION_ID="12"\nPRETTY_NAME="Debian GNU/Linux 12"\n'))
            members.append(("var/lib/dpkg/status", STATUS))
        layers.append(_written(work / f"many-{number}.tar", iter(members)))
    return layers


def application() -> Iterator[tuple[str, bytes]]:
    """Files of an application: package metadata, sources, and libraries that hardly compress."""
    chance = random.Random(12)
    packages = NPM + PYTHON
    for number in range(NPM):
        yield _npm(f"package-{number}", f"{number % 7}.{number}.0")
        for each in range(60):
            yield f"srv/app/node_modules/package-{number}/lib/{each}.js", _text(chance, 8_000 + 400 * each)
    for number in range(PYTHON):
        place = "usr/local/lib/python3.11/dist-packages"
        metadata = f"Metadata-Version: 2.1\nName: library-{number}\nVersion: {number}.2\n\nA library.\n"
        yield f"{place}/library_{number}-{number}.2.dist-info/METADATA", metadata.encode()
        for each in range(60):
            yield f"{place}/library_{number}/{each}.py", _text(chance, 8_000 + 400 * each)
    left = APPLICATION_BYTES - packages * 60 * 20_000
    for number in range(packages):
        yield f"srv/app/native/{number}.so", chance.randbytes(left // packages)


def docker_archive(path: Path, layers: list[Layer]) -> Path:
    """As ``docker save`` writes it: layers first, the manifest last."""
    manifest = [{"Config": "config.json", "RepoTags": ["bench/image:1"], "Layers": [each.path.name for each in layers]}]
    with tarfile.open(path, "w") as tar:
        for each in layers:
            tar.add(each.path, each.path.name)
        for name, content in (("config.json", _config(layers)), ("manifest.json", json.dumps(manifest).encode())):
            _add(tar, name, content)
    return path


def oci_directory(root: Path, layers: list[Layer], how: str) -> Path:
    """An OCI layout with compressed layers."""
    shutil.rmtree(root, ignore_errors=True)
    (root / "blobs" / "sha256").mkdir(parents=True)
    kind = "application/vnd.oci.image"
    stored = [_compressed(root, each, how) | {"mediaType": f"{kind}.layer.v1.tar+{how}"} for each in layers]
    config = _blob(root, _config(layers)) | {"mediaType": f"{kind}.config.v1+json"}
    manifest = {"schemaVersion": 2, "mediaType": f"{kind}.manifest.v1+json", "config": config, "layers": stored}
    named = _blob(root, json.dumps(manifest).encode()) | {"mediaType": f"{kind}.manifest.v1+json"}
    (root / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [named]}))
    (root / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    return root


def _compressed(root: Path, layer: Layer, how: str) -> dict[str, Any]:
    fresh = root / "blobs" / "fresh"
    with layer.path.open("rb") as plain, fresh.open("wb") as raw, COMPRESSIONS[how](raw) as packed:
        shutil.copyfileobj(plain, packed, PIECE)
    digest = _digest(fresh)
    size = fresh.stat().st_size
    fresh.rename(root / "blobs" / "sha256" / digest)
    return {"digest": f"sha256:{digest}", "size": size}


def _blob(root: Path, content: bytes) -> dict[str, Any]:
    digest = hashlib.sha256(content).hexdigest()
    (root / "blobs" / "sha256" / digest).write_bytes(content)
    return {"digest": f"sha256:{digest}", "size": len(content)}


def _config(layers: list[Layer]) -> bytes:
    diff_ids = [layer.diff_id for layer in layers]
    history = [{"created_by": f"step {number}"} for number in range(len(layers))]
    rootfs = {"type": "layers", "diff_ids": diff_ids}
    document = {"architecture": "amd64", "os": "linux", "rootfs": rootfs, "history": history, "config": {}}
    return json.dumps(document).encode()


def _npm(name: str, version: str) -> tuple[str, bytes]:
    content = json.dumps({"name": name, "version": version, "license": "MIT"}).encode()
    return f"srv/app/node_modules/{name}/package.json", content


def _text(chance: random.Random, size: int) -> bytes:
    """Text that compresses about as sources do."""
    words = [chance.randbytes(3).hex() for _ in range(200)]
    lines = [" ".join(chance.choices(words, k=10)) for _ in range(200)]
    page = "\n".join(lines).encode()
    return (page * (size // len(page) + 1))[:size]


def _written(path: Path, members: Iterator[tuple[str, bytes]]) -> Layer:
    with tarfile.open(path, "w") as tar:
        for name, content in members:
            _add(tar, name, content)
    return _layer(path)


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size = len(content)
    tar.addfile(info, io.BytesIO(content))


def _layer(path: Path) -> Layer:
    return Layer(path, f"sha256:{_digest(path)}")


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
