"""Records of the Open Source Vulnerability format (ossf.github.io/osv-schema 1.7), as far as matching needs them."""

from typing import Annotated

import msgspec
from msgspec import Meta, Struct

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


class Affected(Struct, frozen=True, gc=False):
    package: Package | None = None
    ranges: list[Range] | None = None
    versions: list[Text] | None = None
    severity: list[Rating] | None = None
    ecosystem_specific: Specific | None = None


class Record(Struct, frozen=True, gc=False):
    """One advisory as published."""

    id: Annotated[str, Meta(min_length=1, max_length=200)]
    modified: Text = ""
    withdrawn: Text | None = None
    aliases: list[Text] | None = None
    upstream: list[Text] | None = None
    related: list[Text] | None = None
    summary: str | None = None
    severity: list[Rating] | None = None
    affected: list[Affected] | None = None
    database_specific: Specific | None = None


class Advisory(Struct, frozen=True, array_like=True, gc=False):
    """The part of a record that is the same for all its packages, as the database keeps it."""

    id: str
    aliases: tuple[str, ...]
    upstream: tuple[str, ...]
    related: tuple[str, ...]
    summary: str
    severity: tuple[Rating, ...]
    rating: str
    """The publisher's own word, in lower case."""


class Statement(Struct, frozen=True, array_like=True, gc=False):
    """What a record says of one package, as the database keeps it."""

    ranges: list[Range]
    versions: list[str]
    severity: list[Rating]
    urgency: str
    status: str


SUMMARY_LENGTH = 300
decode_record = msgspec.json.Decoder(Record).decode


def advisory(record: Record) -> Advisory:
    """The shared part of a record."""
    word = record.database_specific.severity if record.database_specific else None
    return Advisory(
        record.id,
        tuple(record.aliases or ()),
        tuple(record.upstream or ()),
        tuple(record.related or ()),
        (record.summary or "")[:SUMMARY_LENGTH],
        tuple(record.severity or ()),
        word.lower()[:50] if isinstance(word, str) else "",
    )


def statement(affected: Affected) -> Statement:
    """What is said of one package."""
    specific = affected.ecosystem_specific
    urgency = specific.urgency if specific else None
    status = specific.status if specific else None
    return Statement(
        affected.ranges or [],
        affected.versions or [],
        affected.severity or [],
        urgency if isinstance(urgency, str) else "",
        status if isinstance(status, str) else "",
    )
