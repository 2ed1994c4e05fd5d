"""Images made by hand: layers member by member, archives and layouts around them, and a real vulnerable Debian."""

import bz2
import gzip
import hashlib
import io
import json
import lzma
import os
import shutil
import subprocess
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import zstandard

VULNERABLE = "hullguard-test/vulnerable-debian:12"
"""What ``build_vulnerable_debian`` names its image."""
VULNERABLE_PACKAGES = {"django": "3.2", "urllib3": "1.23", "lodash": "4.17.4", "minimist": "0.0.8"}

DEBIAN_12 = b'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nID=debian\nVERSION_ID="12"\nVERSION_CODENAME=bookworm\n'
ALPINE_318 = b'ID=alpine\nVERSION_ID=3.18.4\nPRETTY_NAME="Alpine Linux v3.18"\n'


@dataclass(frozen=True)
class Entry:
    """One member of a layer."""

    name: str
    content: bytes = b""
    kind: bytes = tarfile.REGTYPE
    link: str = ""
    mode: int = 0o644


def file(name: str, content: bytes | str = b"") -> Entry:
    return Entry(name, content.encode() if isinstance(content, str) else content)


def directory(name: str) -> Entry:
    return Entry(name, kind=tarfile.DIRTYPE)


def symlink(name: str, target: str) -> Entry:
    return Entry(name, kind=tarfile.SYMTYPE, link=target)


def hardlink(name: str, target: str) -> Entry:
    return Entry(name, kind=tarfile.LNKTYPE, link=target)


def whiteout(path: str) -> Entry:
    parent, _, base = path.rpartition("/")
    return Entry(f"{parent}/.wh.{base}" if parent else f".wh.{base}")


def opaque(path: str) -> Entry:
    return Entry(f"{path}/.wh..wh..opq" if path else ".wh..wh..opq")


def layer(*entries: Entry, form: int = tarfile.PAX_FORMAT) -> bytes:
    """An uncompressed layer."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as tar:
        for entry in entries:
            info = tarfile.TarInfo(entry.name)
            info.type, info.linkname, info.mode = entry.kind, entry.link, entry.mode
            info.size = len(entry.content)
            tar.addfile(info, io.BytesIO(entry.content))
    return out.getvalue()


def header(name: bytes, size: bytes = b"00000000000\0", kind: bytes = b"0", magic: bytes = b"ustar\x0000") -> bytes:
    """One raw header with a right checksum, for what no library would write."""
    block = bytearray(512)
    block[: len(name)] = name
    block[124 : 124 + len(size)] = size
    block[156:157] = kind
    block[257 : 257 + len(magic)] = magic
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


def digest_of(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def compressed(content: bytes, how: str) -> bytes:
    if how == "gzip":
        return gzip.compress(content, 1, mtime=0)
    if how == "zstd":
        return zstandard.ZstdCompressor().compress(content)
    if how == "bzip2":
        return bz2.compress(content)
    return lzma.compress(content) if how == "xz" else content


@dataclass
class Image:
    """An image in memory that can be written in every form."""

    layers: Sequence[bytes]
    tags: Sequence[str] = ("test/image:1",)
    architecture: str = "amd64"
    history: Sequence[dict[str, Any]] | None = None
    diff_ids: Sequence[str] | None = None
    compression: str = "none"
    extra: dict[str, bytes] = field(default_factory=dict)
    container: dict[str, Any] | None = None
    """How a container of it is run."""
    variant: str | None = None

    @property
    def platform(self) -> dict[str, str]:
        """As configurations and indexes write it."""
        named = {"architecture": self.architecture, "os": "linux"}
        return named if self.variant is None else {**named, "variant": self.variant}

    @property
    def config(self) -> bytes:
        diff_ids = list(self.diff_ids) if self.diff_ids is not None else [digest_of(content) for content in self.layers]
        document: dict[str, Any] = {
            **self.platform,
            "rootfs": {"type": "layers", "diff_ids": diff_ids},
        }
        if self.container is not None:
            document["config"] = self.container
        if self.history is not None:
            document["history"] = list(self.history)
        return json.dumps(document).encode()

    @property
    def image_id(self) -> str:
        return digest_of(self.config)

    def docker_archive(self, path: Path, whole: str = "none") -> Path:
        """As ``docker save`` writes it: layers first, the manifest last."""
        members = {
            f"{number}/layer.tar": compressed(content, self.compression) for number, content in enumerate(self.layers)
        }
        members["config.json"] = self.config
        manifest = [
            {
                "Config": "config.json",
                "RepoTags": list(self.tags),
                "Layers": [f"{n}/layer.tar" for n in range(len(self.layers))],
            }
        ]
        members["manifest.json"] = json.dumps(manifest).encode()
        path.write_bytes(
            compressed(layer(*(file(name, data) for name, data in {**members, **self.extra}.items())), whole)
        )
        return path

    def oci_members(self) -> dict[str, bytes]:
        """The files of an OCI layout."""
        stored = [compressed(content, self.compression) for content in self.layers]
        suffix = {"none": "", "gzip": "+gzip", "zstd": "+zstd"}[self.compression]
        manifest = json.dumps(
            {
                "schemaVersion": 2,
                "config": _descriptor(self.config, "application/vnd.oci.image.config.v1+json"),
                "layers": [_descriptor(blob, f"application/vnd.oci.image.layer.v1.tar{suffix}") for blob in stored],
            }
        ).encode()
        described = _descriptor(manifest, "application/vnd.oci.image.manifest.v1+json")
        described["platform"] = self.platform
        if self.tags:
            described["annotations"] = {"org.opencontainers.image.ref.name": self.tags[0]}
        index = json.dumps({"schemaVersion": 2, "manifests": [described]}).encode()
        blobs = {_place(blob): blob for blob in (self.config, manifest, *stored)}
        return {"oci-layout": b'{"imageLayoutVersion": "1.0.0"}', "index.json": index, **blobs, **self.extra}

    def oci_archive(self, path: Path, whole: str = "none") -> Path:
        path.write_bytes(compressed(layer(*(file(name, data) for name, data in self.oci_members().items())), whole))
        return path

    def oci_dir(self, path: Path) -> Path:
        for name, data in self.oci_members().items():
            (path / name).parent.mkdir(parents=True, exist_ok=True)
            (path / name).write_bytes(data)
        return path

    def docker_dir(self, path: Path) -> Path:
        """As skopeo's ``dir:`` writes it: the manifest by its name, all else by the digits of its digest."""
        members = self.oci_members()
        (named,) = json.loads(members["index.json"])["manifests"]
        path.mkdir(parents=True, exist_ok=True)
        for name, data in members.items():
            if name.startswith("blobs/"):
                (path / name.rpartition("/")[2]).write_bytes(data)
        (path / named["digest"].partition(":")[2]).rename(path / "manifest.json")
        (path / "version").write_text("Directory Transport Version: 1.1\n")
        return path


def several_platforms(images: Sequence[Image], path: Path) -> Path:
    """One OCI layout of several images, the descriptors in one nested index, an attestation among them."""
    manifests: list[dict[str, Any]] = []
    for image in images:
        image.oci_dir(path)
        manifests += json.loads((path / "index.json").read_bytes())["manifests"]
    attestation = json.dumps({"schemaVersion": 2, "layers": []}).encode()
    (path / _place(attestation)).write_bytes(attestation)
    described = _descriptor(attestation, "application/vnd.oci.image.manifest.v1+json")
    described["annotations"] = {"vnd.docker.reference.type": "attestation-manifest"}
    nested = json.dumps({"schemaVersion": 2, "manifests": [*manifests, described]}).encode()
    (path / _place(nested)).write_bytes(nested)
    outer = {"schemaVersion": 2, "manifests": [_descriptor(nested, "application/vnd.oci.image.index.v1+json")]}
    (path / "index.json").write_text(json.dumps(outer))
    return path


def dpkg_entry(
    name: str,
    version: str,
    *,
    source: str = "",
    status: str = "install ok installed",
    arch: str = "amd64",
    maintainer: str = "Debian Python Team <team+python@tracker.debian.org>",
) -> str:
    lines = [f"Package: {name}", f"Status: {status}", "Priority: optional", f"Architecture: {arch}"]
    if maintainer:
        lines.append(f"Maintainer: {maintainer}")
    if source:
        lines.append(f"Source: {source}")
    return "\n".join([*lines, f"Version: {version}", "Description: a package", " Version: of its description", "", ""])


def dpkg_status(*entries: str) -> Entry:
    return file("var/lib/dpkg/status", "".join(entries))


def apk_installed(*packages: tuple[str, str, str], path: str = "lib/apk/db/installed") -> Entry:
    """Entries of (name, version, origin)."""
    records = [
        f"C:Q1abc=\nP:{name}\nV:{version}\nA:x86_64\no:{origin}\nF:lib\nR:x\n\n" for name, version, origin in packages
    ]
    return file(path, "".join(records))


def python_package(name: str, version: str, root: str = "usr/local/lib/python3.11/site-packages") -> Entry:
    metadata = (
        f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\nSummary: s\n\nVersion: 9.9 of the description\n"
    )
    return file(f"{root}/{name.replace('-', '_')}-{version}.dist-info/METADATA", metadata)


def node_package(name: str, version: str, root: str = "srv/app") -> Entry:
    return file(
        f"{root}/node_modules/{name}/package.json", json.dumps({"name": name, "version": version, "main": "x.js"})
    )


def save_all_forms(docker_host: str, image: str, workdir: Path) -> dict[str, str]:
    """The same image as every kind of target: target by kind."""
    workdir.mkdir(parents=True, exist_ok=True)
    docker = ["docker", "-H", docker_host]
    archive, tree = workdir / "image.docker.tar", workdir / "tree"
    _run(*docker, "save", "-o", str(archive), image)
    _run("skopeo", "copy", "-q", f"docker-archive:{archive}", f"oci:{workdir / 'oci'}:test")
    _run("skopeo", "copy", "-q", f"docker-archive:{archive}", f"oci-archive:{workdir / 'image.oci.tar'}:test")
    container = _run(*docker, "create", "--network", "none", image, "sh").decode().strip()
    try:
        tree.mkdir(exist_ok=True)
        exported = workdir / "tree.tar"
        _run(*docker, "export", "-o", str(exported), container)
        _run("tar", "-C", str(tree), "-xf", str(exported), "--exclude=dev/*")
        exported.unlink()
    finally:
        _run(*docker, "rm", container)
    with archive.open("rb") as plain, gzip.open(workdir / "image.docker.tar.gz", "wb", 1) as packed:
        shutil.copyfileobj(plain, packed)
    return {
        "docker": f"docker:{image}",
        "docker-archive": f"docker-archive:{archive}",
        "docker-archive.gz": f"docker-archive:{archive}.gz",
        "oci-archive": f"oci-archive:{workdir / 'image.oci.tar'}",
        "oci-dir": f"oci-dir:{workdir / 'oci'}",
        "dir": f"dir:{tree}",
    }


def build_vulnerable_debian(docker_host: str, workdir: Path) -> str:
    """Builds a Debian 12 image with old Python and npm packages in layers above; gives its name.

    The parts come from the package registries that this machine is set up for and are kept in the directory that
    ``HULLGUARD_TEST_CACHE`` names, else in ``workdir``. Raises RuntimeError with the reason when a part cannot be had.
    """
    kept = Path(os.environ.get("HULLGUARD_TEST_CACHE") or workdir) / "vulnerable-debian"
    kept.mkdir(parents=True, exist_ok=True)
    base = kept / "bookworm.tar"
    if not base.exists():
        _run("mmdebstrap", "--quiet", "--variant=minbase", "--components=main", "bookworm", f"{base}.new.tar")
        Path(f"{base}.new.tar").rename(base)
    context = kept / "context"
    if not (context / "complete").exists():
        shutil.rmtree(context, ignore_errors=True)
        (context / "app").mkdir(parents=True)
        pip = ["pip", "install", "--quiet", "--disable-pip-version-check", "--root-user-action=ignore", "--no-compile"]
        _run(*pip, "--target", str(context / "python"), "django==3.2.0", "urllib3==1.23")
        npm = [
            "npm",
            "install",
            "--silent",
            "--ignore-scripts",
            "--no-audit",
            "--no-fund",
            "--prefix",
            str(context / "app"),
        ]
        _run(*npm, "lodash@4.17.4", "minimist@0.0.8")
        (context / "Dockerfile").write_text(
            "FROM hullguard-test/debian:12\n"
            'CMD ["sh"]\n'
            "COPY python /usr/local/lib/python3.11/dist-packages\n"
            "COPY app/node_modules /srv/app/node_modules\n"
        )
        (context / "complete").touch()
    docker = ["docker", "-H", docker_host]
    _run(*docker, "import", str(base), "hullguard-test/debian:12")
    _run(*docker, "build", "--quiet", "--network", "none", "-t", VULNERABLE, str(context), DOCKER_BUILDKIT="0")
    return VULNERABLE


def _run(*command: str, **environment: str) -> bytes:
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            check=False,
            timeout=600,
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
        )
    except FileNotFoundError as cause:
        raise RuntimeError(f"{command[0]} is not installed") from cause
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr.decode(errors='replace').strip()[-500:]}")
    return done.stdout


def _descriptor(content: bytes, media_type: str) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": digest_of(content), "size": len(content)}


def _place(content: bytes) -> str:
    return f"blobs/sha256/{hashlib.sha256(content).hexdigest()}"


@pytest.fixture(scope="session")
def vulnerable_image(docker_host: str, pytestconfig: pytest.Config) -> str:
    """The name of the vulnerable Debian in the tests' engine; its parts are kept from run to run."""
    kept = pytestconfig.cache.mkdir("images")
    try:
        return build_vulnerable_debian(docker_host, kept)
    except RuntimeError as why:
        pytest.skip(f"the vulnerable Debian cannot be built here: {why}")
