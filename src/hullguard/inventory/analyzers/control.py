"""Paragraphs of fields, as dpkg and opkg keep them (deb822(5); dpkg's lib/dpkg/parse.c): one paragraph a package."""

import re
from collections.abc import Iterable, Iterator
from itertools import islice

from msgspec import Struct

from hullguard.inventory import bounds
from hullguard.inventory.analyzers.analyzer import File, Findings, is_name, text
from hullguard.inventory.content.secrets.redaction import quoted

_SEPARATOR = re.compile(rb"[ \t\r]*")
_NO_FIELD = re.compile(rb"^[^\s:][^:\n]*$", re.MULTILINE)
"""A line without a name: dpkg itself stops there, as at an end within a line."""
_HOLE = bytes(16)
"""What a disk that lost a block has in its place."""
_NUL = b"\0"
"""No name or version has it."""
LINE_END, ENTRY_END = b"\n", b"\n\n"
"""What managers write behind a line, and behind an entry of their database: one that ends otherwise was cut off."""
_CUT = "entries"
"""A field that no database has: what stands behind it was left out."""
_MOST = 1000
"""Characters of a value; names and versions are far shorter, and what a program wrote into others is not read."""
_KEPT = 5 * _MOST
"""Bytes of a value that are kept: they are more characters than that, so that what was cut is seen to be."""
_BLANKS = rb"[ \t\r\v\f]"

_THERE = frozenset({"installed", "unpacked", "half-configured", "triggers-awaited", "triggers-pending"})
_ABSENT = frozenset({"not-installed", "config-files"})


class Entry(Struct):
    """One package's paragraph, its fields by their names in small letters."""

    fields: dict[str, str]
    repeated: bool = False
    """A field stands there twice with different values."""

    def get(self, name: str) -> str | None:
        """A value, None when it is absent or empty."""
        return self.fields.get(name) or None

    @property
    def identity(self) -> tuple[str | None, ...]:
        return (self._name, self.fields.get("architecture"), self.fields.get("version"))

    @property
    def key(self) -> tuple[object, ...]:
        """What tells it from the other entries of one database; those that are damaged are all different."""
        name = self._name
        return (name, self.fields.get("architecture")) if name else (id(self),)

    @property
    def absent(self) -> bool:
        """Whether the third word of its status says that none of its files is there."""
        return self._state in _ABSENT

    @property
    def cut(self) -> bool:
        """Whether it stands for entries that could not be read."""
        return _CUT in self.fields

    @property
    def half(self) -> bool:
        """Whether dpkg itself left it between two states: then nothing is wrong with the database."""
        return self._state == "half-installed"

    @property
    def doubt(self) -> str:
        """Why it cannot be taken for a package, empty when it can."""
        if self.cut:
            if self.fields[_CUT] == "damaged":
                return "a line of it is none of a package database; packages may be missing, or have lines of others"
            if self.fields[_CUT] == "ended":
                return "it ends before its end; packages may be missing"
            return f"it names more than is read; of its lines the first {bounds.DATABASE_LINES} were"
        if self.repeated:
            return "an entry has a field twice, with different values"
        if not is_name(self.get("package")) or not self.get("version"):
            return "an entry lacks its name or its version"
        if any(len(value) > _MOST for value in self.fields.values()):
            return "an entry has a name or a version without end"
        if self.half:
            return "it is half installed: which of its files are there is not known"
        return "" if self._state in _THERE else "an entry has no status of three words that says whether it is there"

    @property
    def _name(self) -> str | None:
        """Names have no case for dpkg (lib/dpkg/pkg-hash.c)."""
        return name.lower() if (name := self.get("package")) else None

    @property
    def _state(self) -> str:
        """Without a status a package is there: so it is in images that list each package in a file of its own."""
        words = self.fields.get("status", "install ok installed").split()
        return words[2] if len(words) == 3 else ""


def pattern(names: Iterable[str]) -> re.Pattern[bytes]:
    """What ``condensed`` keeps: these fields with their values, and the lines that separate paragraphs."""
    # Blanks before the colon are allowed, and the value may stand on the next line.
    return re.compile(
        rb"^(" + "|".join(names).encode() + rb")%b*:((?:%b*\n%b+(?=\S))?.*)$|^[ \t\r]*$" % (_BLANKS, _BLANKS, _BLANKS),
        re.MULTILINE | re.IGNORECASE,
    )


def condensed(content: bytes, wanted: re.Pattern[bytes], ending: bytes) -> bytes:
    """The wanted lines, each so far as it can matter; ``ending`` is what stands at the end unless it was cut off."""
    found = [_line(*line.groups()) for line in islice(wanted.finditer(content), bounds.DATABASE_LINES)]
    kept = b"\n".join(found)
    if len(found) == bounds.DATABASE_LINES:
        kept += f"\n\n{_CUT}: more".encode()
    if _NUL in kept or _HOLE in content or _NO_FIELD.search(content) is not None:
        kept += f"\n\n{_CUT}: damaged".encode()
    if not content.endswith(ending) and content.strip():
        kept += f"\n\n{_CUT}: ended".encode()
    return kept


def _line(name: bytes | None, value: bytes | None) -> bytes:
    return b"" if name is None or value is None else name + b": " + value.strip()[:_KEPT].replace(b"\n", b" ")


def entries(content: bytes) -> Iterator[Entry]:
    """The paragraphs of what ``condensed`` kept."""
    entry = Entry({})
    for line in content.split(b"\n"):
        if _SEPARATOR.fullmatch(line):
            if entry.fields:
                yield entry
            entry = Entry({})
            continue
        key, _, value = (part.strip() for part in text(line).partition(":"))
        known = entry.fields.setdefault(key.lower(), value)
        entry.repeated = entry.repeated or known != value
    if entry.fields:
        yield entry


def identified(entry: Entry, location: str, findings: Findings) -> tuple[str, str] | None:
    """Name and version of a package that is there; what cannot be taken for one is added to the unknowns."""
    name, version = entry.get("package"), entry.get("version")
    if entry.absent or not findings.has_room():
        return None
    if entry.doubt or not name or not version:
        findings.say(quoted(name or location, 200), f"{location}: {entry.doubt}", incomplete=not entry.half)
        return None
    return name, version


def origins(status: File) -> dict[tuple[str | None, ...], int]:
    """For each package the layer from which on it was there at its version without a gap."""
    found: dict[tuple[str | None, ...], int] = {}
    for file in status.history():
        present = {entry.identity for entry in entries(file.content)}
        found = {identity: found.get(identity, file.layer) for identity in present}
    return found
