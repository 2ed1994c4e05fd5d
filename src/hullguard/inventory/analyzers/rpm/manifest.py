"""What images of Azure Linux and CBL-Mariner without rpm keep in place of its database: two lists of their packages.

``container-manifest-2`` has ten columns a line, ``container-manifest-1`` what ``rpm -qa`` prints: name, version,
release and architecture in one word (``generateContainerManifests`` in azurelinux's toolkit). Neither names a file.
"""

import re
from collections.abc import Callable, Iterator

from hullguard.inventory import bounds
from hullguard.inventory.analyzers.analyzer import is_name, text
from hullguard.inventory.analyzers.rpm.condensed import Condensed
from hullguard.inventory.analyzers.rpm.header import Record

_COLUMNS = 10
_NONE = "(none)"
"""What rpm prints for a tag that a header lacks."""
_LONGEST = 1000
"""Characters of a value."""
_LONGEST_LINE = 5 * _LONGEST
"""Bytes; real ones have two hundred."""
KEY = "gpg-pubkey"
"""rpm keeps the keys that it trusts as if they were packages."""
_EPOCH = re.compile(r"\d{1,10}", re.ASCII)
_ARCH = re.compile(r"\w{1,30}", re.ASCII)
_WORD = re.compile(r"[!-~]+")
"""What names, versions and architectures are made of."""
_LINES = re.compile(rb"[^\n]+")


def condense(content: bytes) -> Condensed:
    """The packages of ``container-manifest-2``.

    Its columns are name, version and release, the times of installation and of building, vendor, ``(none)``, size,
    architecture, epoch, and the name of the source's file.
    """
    return _read(content, _of_columns)


def condense_names(content: bytes) -> Condensed:
    """The packages of ``container-manifest-1``, which says nothing of epochs, vendors and sources."""
    found = _read(content, _of_word)
    if content and not content.endswith(b"\n"):
        found.report("it ends within a line")
    return found


def _read(content: bytes, read: Callable[[str], Record | None]) -> Condensed:
    found, bad, first = Condensed(), 0, 0
    for number, line in enumerate(_lines(content), 1):
        if len(found.records) >= bounds.RPM_PACKAGES:
            found.report(f"it names more than {bounds.RPM_PACKAGES} packages")
            break
        if number > bounds.DATABASE_LINES:
            found.report(f"it names more than is read; of its lines the first {bounds.DATABASE_LINES} were")
            break
        record = read(text(line)) if len(line) <= _LONGEST_LINE else None
        if record is not None:
            found.records.append(record)
        else:
            bad, first = bad + 1, first or number
    if bad:
        found.report(f"{bad} lines of it are none of a list of packages, line {first} the first of them")
    return found


def _lines(content: bytes) -> Iterator[bytes]:
    return (found[0] for found in _LINES.finditer(content))


def _of_columns(line: str) -> Record | None:
    columns = line.split("\t", _COLUMNS)
    if len(columns) != _COLUMNS or any(len(column) > _LONGEST for column in columns):
        return None
    name, both, _, _, vendor, _, _, arch, epoch, source = columns
    version, _, release = both.rpartition("-")
    # A line that was cut off ends within the name of the source's file.
    whole = source.endswith(".rpm") or source == _NONE
    words = all(map(_WORD.fullmatch, (name, version, release, arch or _NONE)))
    if not (is_name(name) and words and _EPOCH.fullmatch(epoch) and whole):
        return None
    return _record(name, version, release, arch, epoch=int(epoch), vendor=vendor, source=source)


def _of_word(line: str) -> Record | None:
    stem, _, arch = line.rpartition(".")
    if line.startswith(f"{KEY}-"):
        stem, arch = line, _NONE  # keys have no architecture
    parts = stem.rsplit("-", 2)
    if len(line) > _LONGEST or len(parts) != 3 or not all(parts) or not is_name(parts[0]):
        return None
    if _WORD.fullmatch(line) is None or (_ARCH.fullmatch(arch) is None and arch != _NONE):
        return None
    name, version, release = parts
    return _record(name, version, release, arch)


def _record(
    name: str, version: str, release: str, arch: str, *, epoch: int = 0, vendor: str = _NONE, source: str = _NONE
) -> Record:
    return Record(
        name=name,
        epoch=epoch or None,
        version=version,
        release=release,
        arch=None if arch in ("", _NONE) else arch,
        source=None if source == _NONE else source,
        module=None,
        vendor=None if vendor == _NONE else vendor,
        license=None,
        owned=(),
    )
