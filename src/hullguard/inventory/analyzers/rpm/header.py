"""An rpm header: an index of tags over a store of values, both big-endian (rpm's lib/header.c and docs/manual/tags)."""

import struct
from collections.abc import Iterator, Sequence

from msgspec import Struct

from hullguard.inventory.analyzers.analyzer import is_name, text
from hullguard.inventory.analyzers.ownable import ownable
from hullguard.inventory.analyzers.rpm import region
from hullguard.inventory.fingerprint import MD5, SHA1, SHA256, UNKNOWN, checksum_of_hex

_MAX_TAGS = 1 << 16
_MAX_FILES = 1 << 20
_GROWTH = 4
"""Of a header real paths take less than once as much: it has a digest and a time for each, too."""
_INT32, _STRING, _STRINGS, _I18N = 4, 6, 8, 9
_NAME, _VERSION, _RELEASE, _EPOCH, _VENDOR, _LICENSE, _ARCH = 1000, 1001, 1002, 1003, 1011, 1014, 1022
_OLD_FILE_NAMES, _SOURCE_RPM, _MODULARITY_LABEL = 1027, 1044, 5096
_DIGESTS, _FLAGS, _DIGEST_KIND = 1035, 1037, 5011
_KINDS = {1: MD5, 2: SHA1, 8: SHA256}
"""Digests by the numbers of OpenPGP (RFC 4880, 9.4); without one it is MD5."""
_CONFIGURATION = 1
"""The flag of what somebody may well have changed."""
_DIRECTORY_INDEXES, _BASE_NAMES, _DIRECTORY_NAMES = 1116, 1117, 1118
_IDENTITY = (_NAME, _VERSION, _RELEASE, _EPOCH, _VENDOR, _ARCH, _SOURCE_RPM, _MODULARITY_LABEL)
"""What rpm never adds when it installs a package; names of files it does, where it moves them."""

_LONGEST = 1000
"""Characters of a value."""


class DamagedHeader(ValueError):
    """The bytes are no header of a package."""


class Record(Struct, frozen=True, array_like=True):
    """What a header says of its package."""

    name: str
    epoch: int | None
    version: str
    release: str
    arch: str | None
    source: str | None
    """The file name of the source package."""
    module: str | None
    vendor: str | None
    license: str | None
    owned: tuple[str, ...]
    """Those of its files for which it matters whose they are (``ownable``)."""
    sums: tuple[str, ...] = ()
    """Their checksums."""
    whole: bool = True
    """Whether the header is what its digest says, as far as it has one."""


def parse(blob: bytes) -> Record:
    """The package of one header, as databases keep it: without the magic of package files."""
    values = _Values(blob)
    name, version, release = (values.string(tag) for tag in (_NAME, _VERSION, _RELEASE))
    if not is_name(name) or not version or not release:
        raise DamagedHeader("a header lacks its name, its version or its release")
    arch, source, module = (values.string(tag) for tag in (_ARCH, _SOURCE_RPM, _MODULARITY_LABEL))
    if any(len(value) > _LONGEST for value in (name, version, release, arch, source, module) if value):
        raise DamagedHeader("a header has a name or a version without end")
    epochs = values.numbers(_EPOCH)
    owned = [(path, place) for path, place in _files(values) if ownable(path)]
    return Record(
        name=name,
        epoch=epochs[0] if epochs else None,
        version=version,
        release=release,
        arch=arch,
        source=source,
        module=module,
        vendor=values.string(_VENDOR),
        license=values.string(_LICENSE),
        owned=tuple(path for path, _ in owned),
        sums=_checksums(values, [place for _, place in owned]) if owned else (),
        whole=values.are_whole(),
    )


class _Values:
    def __init__(self, blob: bytes) -> None:
        if len(blob) < 8:
            raise DamagedHeader("a header ends within its first bytes")
        tags, size = struct.unpack_from(">II", blob)
        start = 8 + region.ENTRY.size * tags
        if not 0 < tags <= _MAX_TAGS or start + size > len(blob):
            raise DamagedHeader("a header is longer than what holds it")
        self._head, self._store, self.size = blob[:start], blob[start : start + size], len(blob)
        self._entries: list[region.Entry] = list(region.ENTRY.iter_unpack(blob[8:start]))
        self._index = {tag: (kind, offset, count) for tag, kind, offset, count in self._entries}

    def are_whole(self) -> bool:
        """Whether they are what the header's digest says."""
        digests = (
            region.Digest(kind, self.string(tag) or "") for tag, kind in region.DIGESTS.items() if tag in self._index
        )
        stated = next(digests, None)
        return region.is_whole(self._head, self._store, self._entries, _IDENTITY, stated)

    def string(self, tag: int) -> str | None:
        found = self.strings(tag, 1)
        return found[0] if found else None

    def strings(self, tag: int, most: int = _MAX_FILES) -> list[str]:
        kind, offset, count = self._index.get(tag, (0, 0, 0))
        if kind not in (_STRING, _STRINGS, _I18N) or not 0 <= offset < len(self._store):
            return []
        count = min(count, most)
        # The last part is what follows, unless the store ended before as many strings.
        found = self._store[offset:].split(b"\0", count) if count > 1 else [self._first(offset)]
        return [text(one) for one in found[:count]]

    def _first(self, offset: int) -> bytes:
        # All tags may be given the same bytes, of any number; more characters than count are kept, so that it is seen.
        most = offset + 5 * _LONGEST
        end = self._store.find(b"\0", offset, most)
        return self._store[offset : end if end >= 0 else most]

    def numbers(self, tag: int) -> tuple[int, ...]:
        kind, offset, count = self._index.get(tag, (0, 0, 0))
        if kind != _INT32 or offset < 0 or count > _MAX_FILES or offset + 4 * count > len(self._store):
            return ()
        return struct.unpack_from(f">{count}I", self._store, offset)


def _files(values: _Values) -> Iterator[tuple[str, int]]:
    """Every file's path, and its place among the digests."""
    yield from ((name.lstrip("/"), place) for place, name in enumerate(values.strings(_OLD_FILE_NAMES)))
    directories = [name.lstrip("/") for name in values.strings(_DIRECTORY_NAMES)]
    names, places = values.strings(_BASE_NAMES), values.numbers(_DIRECTORY_INDEXES)
    if len(names) != len(places):
        return
    # A directory's name counts once a file: a few bytes could stand for gigabytes of paths.
    room = values.size * _GROWTH
    for number, (name, place) in enumerate(zip(names, places, strict=True)):
        if place >= len(directories):
            continue
        room -= len(directories[place]) + len(name)
        if room < 0:
            return
        yield directories[place] + name, number


def _checksums(values: _Values, places: Sequence[int]) -> tuple[str, ...]:
    """Of the files at these places."""
    digests, flags = values.strings(_DIGESTS), values.numbers(_FLAGS)
    kind = _KINDS.get((values.numbers(_DIGEST_KIND) or (1,))[0])
    if kind is None:
        return (UNKNOWN,) * len(places)
    return tuple(
        checksum_of_hex(kind, digests[place])
        if place < len(digests) and not (place < len(flags) and flags[place] & _CONFIGURATION)
        else UNKNOWN
        for place in places
    )
