"""Whether an archive holds an image, by the names of its first members, whatever it is called.

Each program that writes images begins with the digests of their parts, or with the files that say what it is.
"""

import re
from collections.abc import Callable
from itertools import islice

from hullguard.inventory.compression import MARK, Readable, compression_of
from hullguard.inventory.limits import Budget, Limits
from hullguard.inventory.paths import normal
from hullguard.inventory.stored_images import MANIFEST, is_docker_manifest
from hullguard.inventory.streams import Section, Uncompressed
from hullguard.inventory.tar import TarWalk
from hullguard.model.errors import Invalid, LimitReached

ENDINGS = (".tar", ".tar.gz", ".tgz", ".tar.zst", ".tzst", ".tar.xz", ".txz", ".tar.bz2", ".tbz2")
"""How archives are called; whatever else is compressed is mostly none."""
MANIFEST_HEAD = 1 << 16
"""Bytes of a document that are looked at."""
_MEMBERS = 64
"""Names of an archive that are looked at."""
_UNPACKED = 1 << 20
"""Bytes of a compressed archive that are unpacked for them."""
_USTAR = slice(257, 262)
_SIGN = re.compile(
    r"oci-layout|blobs/sha(?:256|512)(?:/.*)?|sha256:[0-9a-f]{64}|"
    r"[0-9a-f]{64}(?:\.json|\.tar(?:\.gz)?|/(?:VERSION|json|layer\.tar))",
    re.DOTALL,
)


def may_be_archive(path: str, head: bytes) -> bool:
    """Whether a file is worth the look, by its name and first bytes."""
    return head[_USTAR] == b"ustar" or (path.endswith(ENDINGS) and bool(compression_of(head[:MARK])))


def holds_image(pread: Callable[[int, int], bytes], size: int) -> bool:
    """Whether an archive holds one, as far as its first members show; raises OSError where ``pread`` does.

    ``pread`` gives so many bytes from a place in it. What it has no more of is as if it had been cut off.
    """
    budget = Budget(Limits(total_bytes=_UNPACKED, extension_bytes=MANIFEST_HEAD))
    raw: Readable = Section(pread, 0, size)
    try:
        if compression_of(pread(MARK, 0)):
            raw = Uncompressed(raw, budget, "", hashed=False)
        walk = TarWalk(raw, budget, "")
        for member in islice(walk, _MEMBERS):
            name = normal(member.name) or ""
            if _SIGN.fullmatch(name):
                return True
            if name == MANIFEST and member.size <= MANIFEST_HEAD and is_docker_manifest(walk.content()):
                return True
    except (Invalid, LimitReached):
        pass  # an archive that is damaged is no image that anybody could read
    return False
