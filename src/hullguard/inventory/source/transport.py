"""Directories that skopeo and Podman write (``dir:``, ``--format docker-dir``), as the OCI layouts that they would be.

The form is that of containers/image's transport ``dir``: ``version`` says of which form it is, ``manifest.json`` is the
image's manifest or an index, beside it lie manifests that the index names (``HEX.manifest.json``) and every other
document and layer under the hexadecimal digits of its digest. No other name stands in it for the image.
"""

import hashlib
import os
import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import msgspec

from hullguard.inventory.limits import Limits
from hullguard.inventory.source.blobs import DirectoryBlobs
from hullguard.inventory.source.documents import refuse_schema_1
from hullguard.inventory.source.oci import INDEX
from hullguard.inventory.stored_images import MANIFEST, TRANSPORT, beginning
from hullguard.model.errors import Invalid

_VERSION = "version"
_KNOWN = "1."
_MANIFEST_HEAD = 1 << 20
_MOST_NAMES = 10_000
_BLOB = re.compile(r"[0-9a-f]{64}(?:\.manifest\.json)?")
_LINE = 64
"""Bytes of ``version`` that are looked at: its one line has 33."""


class TransportBlobs(DirectoryBlobs):
    """Such a directory under the names of an OCI layout, whose ``index.json`` names ``manifest.json`` alone."""

    def __init__(self, root: Path, limits: Limits) -> None:
        """Raises Invalid where there is no ``manifest.json``, or of a form that is not known."""
        super().__init__(root, limits)
        self._manifest = ""
        if (version := version_of(root)) and not version.startswith(_KNOWN):
            sentence = f"{root} is an image that skopeo wrote in a form that is not read: {version!r}"
            raise Invalid(sentence, "image.transport-version")
        content = super().document(MANIFEST)
        if content is None:
            raise Invalid(f"{root} holds no manifest.json, so it is no image that skopeo wrote", "image.no-manifest")
        refuse_schema_1(content, str(root))
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        self._manifest = f"blobs/{digest.replace(':', '/')}"
        self._index = msgspec.json.encode({"manifests": [{"digest": digest, "size": len(content)}]})

    def document(self, name: str) -> bytes | None:
        return self._index if name == INDEX else super().document(name)

    def _path(self, name: str) -> Path | None:
        """Whoever asks compares the bytes with the digest that is the name."""
        return next(filter(None, map(super()._path, self._names(name))), None)

    def _names(self, name: str) -> Iterator[str]:
        digits = name.rpartition("/")[2]
        yield MANIFEST if name == self._manifest else digits
        yield f"{digits}.manifest.json"


def is_transport(directory: Path) -> bool:
    """Whether a directory is one of these, also where its ``version`` was lost: blobs lie beside a manifest."""
    words = beginning(directory / MANIFEST, _MANIFEST_HEAD).lower()
    if (version := version_of(directory)) or (directory / _VERSION).exists():
        return bool(words and version)
    if not (words.lstrip().startswith(b"{") and b'"schemaversion"' in words):
        return False
    with os.scandir(directory) as entries:
        return any(_BLOB.fullmatch(entry.name) for entry in islice(entries, _MOST_NAMES))


def version_of(directory: Path) -> str:
    """The number of the form in which a directory is one of these; empty where it is none."""
    line = beginning(directory / _VERSION, _LINE).partition(b"\n")[0]
    return line.removeprefix(TRANSPORT).decode("utf-8", "replace") if line.startswith(TRANSPORT) else ""
