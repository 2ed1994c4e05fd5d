"""Images that lie in a scanned directory as files: in archives, in OCI layouts, as skopeo writes them.

They are no part of what the directory is, and are not read with it; that they are there must be said. An archive is
known by the names of its first members, whatever it is called: each program that writes images begins with the
digests of their parts, or with the files that say what it is.
"""

import os
import re

from hullguard.inventory.image_archives import MANIFEST_HEAD, holds_image, may_be_archive
from hullguard.inventory.stored_images import LAYOUT, MANIFEST, TRANSPORT, is_docker_manifest, not_read
from hullguard.model.package import Unknown

_BLOBS, _DIGITS = "blobs/sha256", re.compile(r"[0-9a-f]{64}")
"""Where layouts have all their parts, and how those are called."""


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
            if head.lstrip()[:1] == b"[" and is_docker_manifest(os.pread(descriptor, MANIFEST_HEAD, 0)):
                self._places.add((directory, path))
        elif may_be_archive(name, head) and holds_image(
            lambda count, offset: os.pread(descriptor, count, offset), size
        ):
            self._places.add((path, path))

    def unknowns(self, *, alone: bool) -> list[Unknown]:
        """What is to be said of them; ``alone``: where nothing else was found, what they hold was what is there."""
        if not self._places:
            return []
        first = dict(sorted(self._places, reverse=True))  # of several signs in one place the first counts
        why = not_read(len(first), min(first.values()))
        return [Unknown("stored images", why, incomplete=alone or "" in first)]
