"""What engines beside Docker say of their images and containers, and what the command line submits."""

import contextlib
import gzip
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import zstandard
from structlog.testing import capture_logs
from tests.fuzz.reading import scratch, written
from tests.fuzz.target import Target
from tests.support import records

from hullguard.agent.runtime import containerd, engines, podman
from hullguard.agent.runtime.stock import Place, Stock, merged
from hullguard.model.event import ImageRef
from hullguard.wire import submission

_ID = "3f9a7bc2d81e4056" * 4
_IMAGES = [
    {"id": _ID, "names": ["docker.io/library/nginx:1", ""], "big-data-names": [f"sha256:{_ID}", "manifest"]},
    {"id": _ID, "names": None, "big-data-names": None},
]
_TABLE = (
    b"REF                       TYPE                                    DIGEST          SIZE    PLATFORMS LABELS\n"
    b"docker.io/library/nginx:1 application/vnd.oci.image.index.v1+json sha256:%s 1.0 MiB linux/amd64 -\n"
    % _ID.encode()
)
_VERSIONS = b"Client:\n  Version:  1.6.20\n  Revision: x\n\nServer:\n  Version:  1.6.20~ds1\n"
_INDEX = {
    "manifests": [
        {"digest": f"sha256:{_ID}", "platform": {"os": "linux", "architecture": "amd64"}},
        {"digest": f"sha256:{_ID}"},
    ]
}
_MANIFEST = {"config": {"digest": f"sha256:{_ID}"}}
_INFO = {
    "Image": "docker.io/library/nginx:1",
    "Labels": {"io.kubernetes.container.name": "web"},
    "CreatedAt": "2026-01-02T03:04:05.123456789Z",
    "Spec": {"process": {"capabilities": {"bounding": ["CAP_SYS_ADMIN"]}}, "linux": {"namespaces": []}},
}
_SENT = submission.Sent("app:1", "builder", records.inventory(), (submission.Looked.SECRET,))


@contextlib.contextmanager
def _settings(path: Path) -> Iterator[None]:
    before = os.environ.get("CONTAINERS_STORAGE_CONF")
    os.environ["CONTAINERS_STORAGE_CONF"] = str(path)
    try:
        yield
    finally:
        if before is None:
            del os.environ["CONTAINERS_STORAGE_CONF"]
        else:
            os.environ["CONTAINERS_STORAGE_CONF"] = before


def _storage(data: bytes) -> Any:
    """The list of images, in a storage of its own."""
    root = scratch() / "podman"
    place = root / "overlay-images"
    place.mkdir(parents=True, exist_ok=True)
    (place / "images.json").write_bytes(data)
    settings = root / "storage.conf"
    settings.write_text(f'[storage]\ngraphroot = "{root}"\nrunroot = "{root}"\n')
    with _settings(settings):
        return podman.Podman()._read()


def _storage_settings(data: bytes) -> Any:
    with _settings(written(data, "storage.conf")):
        return [str(each) for each in podman._roots()]


def _document(data: bytes) -> Any:
    found = containerd._decoded(data, containerd._Document)
    return [found, containerd._for_this_machine(found.manifests or [])]


def _container(data: bytes) -> Any:
    info = containerd._decoded(data, containerd._Info)
    return containerd._container("web", "running", ImageRef(f"sha256:{_ID}", containerd._shown(info)), info)


def _kept(data: bytes) -> Any:
    with capture_logs():
        stocks = engines._load(written(data, "engines.json"))
    return [list(map(str, known)) for known in merged((), stocks.values()).values()]


def _submission(data: bytes) -> Any:
    """As it came, and within each form that it may be packed in."""
    forms = ((data, ""), (gzip.compress(data, 1), submission.GZIP), (zstandard.compress(data, 1), submission.ZSTD))
    sent = [submission.unpack(body, encoding) for body, encoding in forms]
    return len({submission.pack(each) for each in sent})


def _packed(data: bytes) -> Any:
    encoding = submission.GZIP if data[:1] == b"\x1f" else submission.ZSTD
    return submission.unpack(data, encoding).name


TARGETS = (
    Target("engines.podman", _storage, lambda: [msgspec.json.encode(_IMAGES)]),
    Target(
        "engines.podman.settings",
        _storage_settings,
        lambda: [b'[storage]\ngraphroot = "/srv/containers"\nrunroot = "/run/c"\n'],
    ),
    Target("engines.containerd.images", containerd._listed, lambda: [_TABLE]),
    Target("engines.containerd.version", containerd._server_version, lambda: [_VERSIONS]),
    Target("engines.containerd.document", _document, lambda: map(msgspec.json.encode, (_INDEX, _MANIFEST))),
    Target("engines.containerd.container", _container, lambda: [msgspec.json.encode(_INFO)]),
    Target(
        "engines.kept",
        _kept,
        lambda: [
            msgspec.json.encode(
                {"podman": Stock("podman 4", {f"sha256:{_ID}": ("a:1",)}, {f"sha256:{_ID}": Place("podman:a")})}
            )
        ],
    ),
    Target("engines.submission", _submission, lambda: [msgspec.json.encode(_SENT)]),
    Target("engines.submission.packed", _packed, lambda: [submission.pack(_SENT)]),
)
