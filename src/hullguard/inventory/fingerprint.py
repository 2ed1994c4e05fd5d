"""Digests of files in the ways in which package databases keep them: is this still the file that the package brought?

dpkg keeps MD5, apk SHA-1 or SHA-256, rpm MD5, SHA-1 or SHA-256. Which of them will be asked for is not known when a
layer is read, so a fingerprint has them all. What a digest begins with is enough: nobody finds another file for 128
bits.
"""

import hashlib
from typing import Final

from hullguard.inventory.random_access import RandomAccess, windows

MD5: Final = "md5"
SHA1: Final = "sha1"
SHA256: Final = "sha256"
UNKNOWN: Final = ""
"""The checksum of a file of which a database keeps none."""
_KINDS = (MD5, SHA1, SHA256)
_KEPT = 16
"""Bytes of each digest."""


def fingerprint(content: RandomAccess) -> bytes:
    """The digests of a whole file, one behind the other."""
    digests = [hashlib.new(kind, usedforsecurity=False) for kind in _KINDS]
    for _, piece in windows(content, 0, len(content)):
        for digest in digests:
            digest.update(piece)
    return b"".join(digest.digest()[:_KEPT] for digest in digests)


def checksum(kind: str, digest: bytes) -> str:
    """What a database says of a file, to be compared; ``UNKNOWN`` for what is no digest."""
    return f"{kind}:{digest[:_KEPT].hex()}" if len(digest) >= _KEPT else UNKNOWN


def checksum_of_hex(kind: str, digest: str) -> str:
    """The same of a digest in hexadecimal letters."""
    try:
        return checksum(kind, bytes.fromhex(digest))
    except ValueError:
        return UNKNOWN


def checksums(found: bytes) -> frozenset[str]:
    """What databases can say of the file with this fingerprint."""
    return frozenset(checksum(kind, found[at * _KEPT : (at + 1) * _KEPT]) for at, kind in enumerate(_KINDS))
