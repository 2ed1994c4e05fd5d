"""Records of the Open Source Vulnerability format (ossf.github.io/osv-schema 1.7), as far as matching needs them."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated, Final

import msgspec
from msgspec import Meta, Raw, Struct
from msgspec.structs import replace

Text = Annotated[str, Meta(max_length=1000)]
Name = Annotated[str, Meta(min_length=1, max_length=500)]


class Event(Struct, frozen=True, omit_defaults=True, gc=False):
    """One step of a range; one of the four is set."""

    introduced: Text | None = None
    fixed: Text | None = None
    last_affected: Text | None = None
    limit: Text | None = None


class Range(Struct, frozen=True, omit_defaults=True, gc=False):
    """A range of versions; of type GIT it speaks of commits and cannot be compared with a version."""

    type: Text
    events: list[Event] = []


class Rating(Struct, frozen=True, gc=False):
    """A CVSS vector, or a word of a distribution (type ``Ubuntu``)."""

    type: Text
    score: Text


class Package(Struct, frozen=True, gc=False):
    ecosystem: Name
    name: Name


class Specific(Struct, frozen=True, omit_defaults=True, gc=False):
    """The few fields that publishers put into the free-form parts and that change a finding."""

    urgency: object = None
    status: object = None
    severity: object = None
    source: object = None
    """An address below which the publisher keeps the record."""


class Affected(Struct, frozen=True, omit_defaults=True, gc=False):
    """What a record says of one package.

    Of many packages it mostly says the same, so that part is compared as it is written and read once.
    """

    package: Package | None = None
    ranges: Raw = Raw()
    versions: Raw = Raw()
    severity: Raw = Raw()
    ecosystem_specific: Raw = Raw()
    database_specific: Raw = Raw()


class Record(Struct, frozen=True, gc=False):
    """One advisory as published."""

    id: Annotated[str, Meta(min_length=1, max_length=200)]
    modified: Text = ""
    withdrawn: Text | None = None
    aliases: list[Text] | None = None
    upstream: list[Text] | None = None
    related: list[Text] | None = None
    summary: str | None = None
    details: Raw = Raw(b"null")
    severity: list[Rating] | None = None
    affected: list[Affected] | None = None
    database_specific: Specific | None = None


class Kin(Struct, frozen=True, array_like=True, gc=False):
    """What other records add to the names that one gives (see kinship.py)."""

    aliases: tuple[str, ...]
    """All other names of the vulnerability, those that the record gives first."""
    roots: tuple[tuple[str, ...], ...]
    """Each vulnerability that it comes from, with all its names."""


class Advisory(Struct, frozen=True, array_like=True, gc=False):
    """The part of a record that is the same for all its packages, as the database keeps it."""

    id: str
    aliases: tuple[str, ...]
    upstream: tuple[str, ...]
    related: tuple[str, ...]
    summary: str
    """One line; of a record that has none, how its details begin."""
    severity: tuple[Rating, ...]
    rating: str
    """The publisher's own word, in lower case."""
    kin: Kin | None = None
    """Kept beside it, for it changes with other records."""
    publisher: str = ""
    """The repository or site that the record says it was taken from, without its scheme."""

    @property
    def known_as(self) -> tuple[str, ...]:
        """All other names of the vulnerability."""
        return self.kin.aliases if self.kin else self.aliases

    @property
    def roots(self) -> tuple[tuple[str, ...], ...]:
        """Each vulnerability that it comes from, with all its names."""
        return self.kin.roots if self.kin else tuple((name,) for name in self.upstream)


class Statement(Struct, frozen=True, array_like=True, gc=False):
    """What a record says of one package, as the database keeps it."""

    ranges: list[Range]
    versions: list[str]
    severity: list[Rating]
    urgency: str
    status: str

    @property
    def denies(self) -> bool:
        """Whether the publisher says that the package is not affected, whatever its version."""
        return self.status.lower().replace("_", "-") in _DENIALS


# Announcements of updates name their CVEs as related, though they are what the update fixes.
_ANNOUNCEMENTS = (
    "DSA-", "DLA-", "DTSA-", "RHSA-", "RHBA-", "RHEA-", "ALSA-", "ALBA-", "ALEA-", "RLSA-", "RLBA-", "RLEA-", "RXSA-",
    "SUSE-", "openSUSE-", "PHSA-",
)  # fmt: skip

# Ubuntu's word, those of OpenVEX and of CSAF.
_DENIALS = frozenset({"not-affected", "known-not-affected"})

SUMMARY_LENGTH = 300
_INSTANT: Final = re.compile(
    r"[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]+)?Z"
).fullmatch
_BEGINNING = 200
"""Of the details, where they stand for a summary."""
_PUBLISHER_LENGTH = 150
_NOTHING = -1
_record = msgspec.json.Decoder(Record).decode
_text = msgspec.json.Decoder(str).decode
_specific = msgspec.json.Decoder(Specific).decode
_NULL = b"null"
_read = msgspec.json.Decoder(
    tuple[list[Range] | None, list[Text] | None, list[Rating] | None, Specific | None],
).decode


def decode_record(content: bytes) -> Record:
    """A record as published; raises what msgspec raises.

    Of two versions of a record the times decide, so they are times, and written in one way.
    """
    record = _record(content)
    modified, withdrawn = record.modified, record.withdrawn
    if (not modified or _INSTANT(modified)) and (not withdrawn or _INSTANT(withdrawn)):
        return record
    return replace(
        record,
        modified=modified and _instant("modified", modified),
        withdrawn=withdrawn and _instant("withdrawn", withdrawn),
    )


def _instant(key: str, said: str) -> str:
    """A time that is written otherwise than the format wants, as that does."""
    try:
        at = datetime.fromisoformat(said.strip().upper())
        at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError) as cause:
        raise msgspec.ValidationError(f"{key} is no time: {said[:50]!r}") from cause
    return f"{at.replace(tzinfo=None).isoformat()}Z"


def advisory(record: Record) -> Advisory:
    """The shared part of a record."""
    word = record.database_specific.severity if record.database_specific else None
    return Advisory(
        record.id,
        tuple(record.aliases or ()),
        tuple(record.upstream or ()),
        tuple(record.related or ()),
        record.summary[:SUMMARY_LENGTH] if record.summary else _beginning(record.details),
        tuple(record.severity or ()),
        word.lower()[:50] if isinstance(word, str) else "",
        publisher=_publisher(record),
    )


def _beginning(details: Raw) -> str:
    """Debian, Ubuntu and Alpine give no summary; of the kernel's, the first paragraph only announces the next one."""
    try:
        text = _text(details).strip()
    except msgspec.ValidationError:
        return ""
    first, _, rest = text.partition("\n\n")
    line = " ".join((rest if rest and first.endswith(":") else text)[: 2 * SUMMARY_LENGTH].split())
    return line if len(line) <= _BEGINNING else (line[:_BEGINNING].rpartition(" ")[0] or line[:_BEGINNING]) + "…"


def _publisher(record: Record) -> str:
    """``github.com/github/advisory-database`` of the address of a file in it; osv.dev puts it beside each package."""
    specific = record.database_specific
    if specific is None or specific.source is None:
        beside = next((one.database_specific for one in record.affected or () if one.package is not None), Raw())
        try:
            specific = _specific(beside) if beside else None
        except msgspec.ValidationError:
            specific = None  # free-form: whatever else it is, it names nobody
    source = specific.source if specific else None
    scheme, _, rest = source.partition("://") if isinstance(source, str) else ("", "", "")
    # Words without a scheme name a file or a revision, as no two editions do alike.
    return "/".join(rest.split("/")[:3])[:_PUBLISHER_LENGTH] if scheme in ("https", "http") else ""


def statements(said: Iterable[Affected]) -> tuple[list[Statement], list[tuple[Package, int]]]:
    """What is said, each once, and of which package which of it; raises msgspec.ValidationError.

    Commits of a repository are left out, and what no version could be compared with.
    """
    distinct: dict[bytes, int] = {}
    found: list[Statement] = []
    places: list[tuple[Package, int]] = []
    for affected in said:
        written = b"[%b,%b,%b,%b]" % (
            affected.ranges or _NULL,
            affected.versions or _NULL,
            affected.severity or _NULL,
            affected.ecosystem_specific or _NULL,
        )
        which = distinct.get(written)
        if which is None:
            statement = _statement(written)
            speaks = statement.ranges or statement.versions or statement.denies
            which = len(found) if speaks else _NOTHING
            distinct[written] = which
            if which != _NOTHING:
                found.append(statement)
        if which != _NOTHING and affected.package is not None:
            places.append((affected.package, which))
    return found, places


def _statement(written: bytes) -> Statement:
    ranges, versions, severity, specific = _read(written)
    urgency = specific.urgency if specific else None
    status = specific.status if specific else None
    return Statement(
        ranges or [],
        versions or [],
        severity or [],
        urgency if isinstance(urgency, str) else "",
        status if isinstance(status, str) else "",
    )


def announces(identity: str) -> bool:
    """Whether the record announces an update, which may fix several vulnerabilities."""
    return identity.startswith(_ANNOUNCEMENTS)
