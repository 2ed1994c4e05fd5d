"""Images that lie in a scanned directory as files: in archives, in OCI layouts, as skopeo writes them.

They are no part of what the directory is, and are not read with it; that they are there must be said. An archive is
known by the names of its first members, whatever it is called: each program that writes images begins with the
digests of their parts, or with the files that say what it is.
"""

import os
import re
from itertools import islice

from hullguard.inventory.compression import MARK, Readable, compression_of
from hullguard.inventory.limits import Budget, Limits
from hullguard.inventory.paths import normal
from hullguard.inventory.stored_images import LAYOUT, MANIFEST, TRANSPORT, is_docker_manifest, not_read
from hullguard.inventory.streams import Section, Uncompressed
from hullguard.inventory.tar import TarWalk
from hullguard.model.errors import Invalid, LimitReached
from hullguard.model.package import Unknown

_MEMBERS = 64
"""Names of an archive that are looked at."""
_UNPACKED = 1 << 20
"""Bytes of a compressed archive that are unpacked for them."""
_MANIFEST_HEAD = 1 << 16
_COMPRESSED = (".tar.gz", ".tgz", ".tar.zst", ".tzst", ".tar.xz", ".txz", ".tar.bz2", ".tbz2")
"""What is unpacked to be looked at: whatever else is compressed is mostly none."""
_BLOBS, _DIGITS = "blobs/sha256", re.compile(r"[0-9a-f]{64}")
"""Where layouts have all their parts, and how those are called."""
_USTAR = slice(257, 262)
_SIGN = re.compile(
    r"oci-layout|blobs/sha(?:256|512)(?:/.*)?|sha256:[0-9a-f]{64}|[0-9a-f]{64}(?:\.json|\.tar(?:\.gz)?|/(?:VERSION|json|layer\.tar))",
    re.DOTALL,
)


class Cargo:
    """What was seen of them; several threads may show it files."""

    def __init__(self) -> None:
        self._places = set[tuple[str, str]]()
        """The directory or the archive that is one, and what shows it."""

    def look(self, path: str, size: int, head: bytes, descriptor: int) -> None:
        """Sees a file whose first bytes are ``head``. Raises OSError."""
        directory, _, name = path.rpartition("/")
        if name == LAYOUT or (name == "version" and head.startswith(TRANSPORT)):
            self._places.add((directory, path))
        elif (directory == _BLOBS or directory.endswith(f"/{_BLOBS}")) and _DIGITS.fullmatch(name):
            # Thousands may lie there: they show one image, and the same whichever of them is seen first.
            self._places.add((directory.removesuffix(_BLOBS).rstrip("/"), directory))
        elif name == MANIFEST:
            if head.lstrip()[:1] == b"[" and is_docker_manifest(os.pread(descriptor, _MANIFEST_HEAD, 0)):
                self._places.add((directory, path))
        elif (head[_USTAR] == b"ustar" or (name.endswith(_COMPRESSED) and compression_of(head[:MARK]))) and _is_image(
            size, descriptor
        ):
            self._places.add((path, path))

    def unknowns(self, *, alone: bool) -> list[Unknown]:
        """What is to be said of them; ``alone``: where nothing else was found, what they hold was what is there."""
        if not self._places:
            return []
        first = dict(sorted(self._places, reverse=True))  # of several signs in one place the first counts
        why = not_read(len(first), min(first.values()))
        return [Unknown("stored images", why, incomplete=alone or "" in first)]


def _is_image(size: int, descriptor: int) -> bool:
    """Whether an archive holds one, as far as its first members show."""
    budget = Budget(Limits(total_bytes=_UNPACKED, extension_bytes=_MANIFEST_HEAD))
    raw: Readable = Section(lambda count, offset: os.pread(descriptor, count, offset), 0, size)
    try:
        if compression_of(os.pread(descriptor, MARK, 0)):
            raw = Uncompressed(raw, budget, "", hashed=False)
        walk = TarWalk(raw, budget, "")
        for member in islice(walk, _MEMBERS):
            name = normal(member.name) or ""
            if _SIGN.fullmatch(name):
                return True
            if name == MANIFEST and member.size <= _MANIFEST_HEAD and is_docker_manifest(walk.content()):
                return True
    except (Invalid, LimitReached):
        pass  # an archive that is damaged is no image that anybody could read
    return False
