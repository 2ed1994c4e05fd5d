"""Private keys and passwords in stores that are no text, told by their structure and not by their names.

A store that others' certificates lie in is none: of each form it is read whether an entry holds a key.
"""

import re
from collections.abc import Callable, Iterator

from msgspec import Struct

from hullguard.model.severity import Severity

_HIGH, _MEDIUM, _LOW = Severity.HIGH, Severity.MEDIUM, Severity.LOW

_ENTRIES = 10_000
"""Of a key store of Java; the one that comes with it has a hundred and fifty."""

# ASN.1, DER: a length in its long forms, or the one without end that BER has.
_LENGTH = rb"(?:\x80|[\x01-\x7f]|\x81.|\x82..|\x83...|\x84....)"
_OF_RSA = b"\x2a\x86\x48\x86\xf7\x0d\x01"
_RSA = re.escape(_OF_RSA)
_PFX = re.compile(rb"\x30%b\x02\x01\x03\x30%b\x06\x09%b\x07[\x01\x02]" % (_LENGTH, _LENGTH, _RSA), re.DOTALL)
_KEY_BAG, _SHROUDED_BAG = (b"\x06\x0b" + _OF_RSA + b"\x0c\x0a\x01" + kind for kind in (b"\1", b"\2"))
_CERTIFICATE_BAG = b"\x06\x0b" + _OF_RSA + b"\x0c\x0a\x01\3"
_ENCRYPTED_DATA = b"\x06\x09" + _OF_RSA + b"\x07\x06"
_PKCS1 = re.compile(rb"\x30%b\x02\x01\x00\x02%b\x00?[\x80-\xff]" % (_LENGTH, _LENGTH), re.DOTALL)
_PKCS8 = re.compile(
    rb"\x30%b\x02\x01[\x00\x01]\x30%b\x06(?:\x09%b\x01[\x01\x0a]|\x07\x2a\x86\x48\xce\x3d\x02\x01|\x07\x2a\x86\x48\xce\x38\x04\x01|"
    rb"\x03\x2b\x65[\x6e-\x71])" % (_LENGTH, _LENGTH, _RSA),
    re.DOTALL,
)
_SEC1 = re.compile(rb"\x30%b\x02\x01\x01\x04[\x10-\x48].{16,72}[\xa0\xa1]" % _LENGTH, re.DOTALL)
_ENCRYPTED_PKCS8 = re.compile(
    rb"\x30%b\x30%b\x06(?:\x09%b\x05[\x01-\x0d]|\x0a%b\x0c\x01[\x01-\x06])" % (_LENGTH, _LENGTH, _RSA, _RSA),
    re.DOTALL,
)

_KEEPASS = re.compile(rb"\x03\xd9\xa2\x9a[\x65-\x67]\xfb\x4b\xb5")
_JAVA = re.compile(rb"(\xfe\xed\xfe\xed|\xce\xce\xce\xce)\x00\x00\x00[\x01\x02]")
_BKS = re.compile(rb"\x00\x00\x00[\x01\x02]\x00\x00\x00\x14.{20}\x00[\x00\x01]..", re.DOTALL)
_KEYTAB = re.compile(rb"\x05\x02(....)\x00([\x01-\x08])\x00([\x01-\xff])", re.DOTALL)
# OpenPGP, packet 5 (RFC 4880): version 3 or 4, the time it was made, the algorithm.
_PGP = re.compile(
    rb"(?:\x94(?P<one>.)|\x95(?P<two>..)|\xc5(?P<new>[\x00-\xbf]|[\xc0-\xdf].|\xff....))"
    rb"(?:\x04....|\x03......)[\x01\x03\x10\x11\x12\x13\x16\x19\x1b]",
    re.DOTALL,
)
_LOGIN_PATH = re.compile(rb"\x00{4}([\x00-\x1f]{20})..\x00\x00.{16}", re.DOTALL)


class Store(Struct, frozen=True):
    """What such a file is called. ``fits`` is given all of it, or its first megabyte."""

    id: str
    title: str
    severity: Severity
    fits: Callable[[bytes], bool]


class _End(Exception):
    """The structure goes on behind the content's end."""


class _Reader:
    """Numbers and counted strings as Java writes them."""

    def __init__(self, content: bytes, at: int) -> None:
        self._content, self._at = content, at

    def number(self, size: int) -> int:
        return int.from_bytes(self.skip(size), "big")

    def skip(self, size: int) -> bytes:
        found = self._content[self._at : self._at + size]
        self._at += size
        if len(found) < size:
            raise _End
        return found


def _java(content: bytes) -> bool:
    """JKS and JCEKS: entry 1 is a private key, 2 a certificate, 3 (JCEKS) a secret key."""
    if _JAVA.match(content) is None:
        return False
    reader, version = _Reader(content, 8), content[7]
    for _ in range(min(reader.number(4), _ENTRIES)):
        kind = reader.number(4)
        if kind != 2:
            return kind in {1, 3}
        reader.skip(reader.number(2) + 8)
        if version > 1:
            reader.skip(reader.number(2))
        reader.skip(reader.number(4))
    return False


def _bouncy(content: bytes) -> bool:
    """Bouncy Castle's BKS: entry 1 is a certificate, 2 to 4 are keys, 0 ends them."""
    if _BKS.match(content) is None:
        return False
    reader = _Reader(content, 32)
    for _ in range(_ENTRIES):
        kind = reader.number(1)
        if kind != 1:
            return kind in {2, 3, 4}
        reader.skip(reader.number(2) + 8)
        for _ in range(min(reader.number(4), _ENTRIES)):
            reader.skip(reader.number(2))
            reader.skip(reader.number(4))
        reader.skip(reader.number(2))
        reader.skip(reader.number(4))
    return False


def _whole(form: re.Pattern[bytes]) -> Callable[[bytes], bool]:
    """A single value of DER: its length is the file's, which nothing else happens to have."""

    def fits(content: bytes) -> bool:
        if form.match(content) is None:
            return False
        first = content[1]
        size = 2 + (first & 0x7F if first & 0x80 else 0)
        length = int.from_bytes(content[2:size], "big") if first & 0x80 else first
        return length > _SMALLEST_KEY and size + length == len(content)

    return fits


_SMALLEST_KEY = 40
_DISTINCT = 7


def _keytab(content: bytes) -> bool:
    found = _KEYTAB.match(content)
    if found is None:
        return False
    realm = content[10 : 10 + found[3][0]]
    return 0 < int.from_bytes(found[1], "big") <= len(content) - 6 and len(realm) == found[3][0] and realm.isascii()


def _pgp(content: bytes) -> bool:
    found = _PGP.match(content)
    if found is None:
        return False
    said = next(length for length in (found["one"], found["two"], found["new"]) if length is not None)
    if found["new"] is not None:
        size = (said[0] - 192 << 8) + said[1] + 192 if len(said) == 2 else int.from_bytes(said[-4:], "big")
    else:
        size = int.from_bytes(said, "big")
    return _SMALLEST_KEY < size <= len(content) - 1 - len(said)


def _login_path(content: bytes) -> bool:
    """What mysql_config_editor writes: the key, of random numbers below 32, stands before what it encrypts."""
    found = _LOGIN_PATH.match(content)
    return found is not None and len(set(found[1])) > _DISTINCT


def _store(bag: bytes) -> Callable[[bytes], bool]:
    return lambda content: _PFX.match(content) is not None and bag in content


BEGINNINGS = (
    b"\x30",
    b"\xfe\xed\xfe\xed",
    b"\xce\xce\xce\xce",
    b"\0\0\0",
    b"\x05\x02",
    b"\x94",
    b"\x95",
    b"\xc5",
    b"\x03\xd9\xa2\x9a",
)
"""How any of them begins, and hardly a text."""
STORES = (
    Store("pkcs12-key", "Private key in a PKCS#12 store", _HIGH, _store(_KEY_BAG)),
    Store("pkcs12-encrypted-key", "Encrypted private key in a PKCS#12 store", _MEDIUM, _store(_SHROUDED_BAG)),
    Store("java-key-store", "Key in a key store of Java", _MEDIUM, _java),
    Store("bouncy-castle-key-store", "Key in a key store of Bouncy Castle", _MEDIUM, _bouncy),
    Store("private-key-der", "Private key", _HIGH, _whole(_PKCS8)),
    Store("private-key-der-rsa", "RSA private key", _HIGH, _whole(_PKCS1)),
    Store("private-key-der-ec", "EC private key", _HIGH, _whole(_SEC1)),
    Store("private-key-der-encrypted", "Encrypted private key", _LOW, _whole(_ENCRYPTED_PKCS8)),
    Store("kerberos-keytab", "Keys of Kerberos", _HIGH, _keytab),
    Store("pgp-secret-keyring", "PGP private key", _HIGH, _pgp),
    Store("keepass-database", "Passwords of KeePass, encrypted", _MEDIUM, lambda c: _KEEPASS.match(c) is not None),
    Store("mysql-login-path", "MySQL client password", _HIGH, _login_path),
)


def stores(content: bytes) -> Iterator[Store]:
    """What kind of store a file is; at most one."""
    for store in STORES:
        try:
            if store.fits(content):
                yield store
                return
        except _End:
            return


def undecided(content: bytes) -> str:
    """Why nobody can say whether there is a key in a store, or nothing."""
    if (
        _PFX.match(content)
        and _ENCRYPTED_DATA in content
        and not any(bag in content for bag in (_KEY_BAG, _SHROUDED_BAG, _CERTIFICATE_BAG))
    ):
        return "a PKCS#12 store of which all is encrypted: whether it holds a private key is not known"
    return ""
