"""Digests of files in the ways in which package databases keep them: is this still the file that the package brought?

dpkg keeps MD5, apk SHA-1 or SHA-256, rpm MD5, SHA-1 or SHA-256. Which of them will be asked for is not known when a
layer is read, so a fingerprint has them all, unless the layer tells whose database it is (decision 0036). What a digest
begins with is enough: nobody finds another file for 128 bits.
"""

import hashlib
from collections.abc import Callable, Iterable
from typing import Final

from hullguard.inventory.random_access import RandomAccess, windows

MD5: Final = "md5"
SHA1: Final = "sha1"
SHA256: Final = "sha256"
UNKNOWN: Final = ""
"""The checksum of a file of which a database keeps none."""
_FORMS = ((MD5,), (SHA1, SHA256), (MD5, SHA1, SHA256))
"""The kinds of digests in a fingerprint, by how many there are."""
_ALL = _FORMS[-1]
_KEPT_BY = {"etc/dpkg/dpkg.cfg.d": (MD5,), "etc/apk": (SHA1, SHA256), "etc/rpm": _ALL}
"""Directories of package managers' configuration, which stand before programs where layers are in order.

What else lies in ``etc/dpkg`` is of other packages, and is in images without dpkg, too: Chisel's list has SHA-256.
"""
_KEPT = 16
"""Bytes of each digest."""


def kinds_of(listed: Callable[[str], bool]) -> tuple[str, ...]:
    """The digests that are worth computing in a layer, by which directories it listed so far."""
    told = {kind for directory, kinds in _KEPT_BY.items() if listed(directory) for kind in kinds}
    return tuple(kind for kind in _ALL if kind in told) or _ALL


def fingerprint(content: RandomAccess, kinds: Iterable[str] = _ALL) -> bytes:
    """The digests of a whole file, one behind the other."""
    digests = [hashlib.new(kind, usedforsecurity=False) for kind in kinds]
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
    return frozenset(checksum(kind, found[at * _KEPT : (at + 1) * _KEPT]) for at, kind in enumerate(_kinds(found)))


def comparable(found: bytes, sums: Iterable[str]) -> bool:
    """Whether a fingerprint tells of each of these checksums whether it is the file's."""
    kinds = _kinds(found)
    return all(one.partition(":")[0] in kinds for one in sums)


def _kinds(found: bytes) -> tuple[str, ...]:
    return _FORMS[len(found) // _KEPT - 1] if found else ()
