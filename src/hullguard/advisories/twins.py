"""Records of one id by several sources: when one is a newer version of another, and how both are kept.

An id belongs to who gave it, but others use it as well: ruby-advisory-db tells of a gem under the id that GitHub gave
the same fault of an npm package. The later of two such records must not take the place of the other one.
"""

from collections.abc import Callable

from msgspec import Struct

from hullguard.advisories.osv import Record

MOST_SOURCES = 16
"""Records under one id; a third is rare already."""

# A name of a row is the record's id; others of that id stand behind it in the index, and before every other id.
_BEHIND, _PAST = "\x1f", "\x20"


class Speaker(Struct, frozen=True):
    """Who speaks, and of what."""

    publisher: str
    """Nothing where the record does not say."""
    owners: frozenset[int]
    """The packages' numbers."""
    family: Callable[[int], str]
    """The ecosystem of one, without its release."""


def is_version(older: Speaker, newer: Speaker) -> bool:
    """Whether the newer record takes the place of the older one.

    A publisher may correct of what it speaks. Where that is another one, or perhaps another, nothing may vanish that
    only the older one tells of: no package of a known other, and no ecosystem of an unknown one.
    """
    if older.owners <= newer.owners:
        return True
    if older.publisher and newer.publisher:
        return older.publisher == newer.publisher
    return set(map(older.family, older.owners)) <= set(map(newer.family, newer.owners))


def is_older(record: Record, instant: str) -> bool:
    """Instants as the format writes them, in UTC, perhaps with a fraction of a second; none is not older."""
    return bool(record.modified) and record.modified.removesuffix("Z") < instant.removesuffix("Z")


def twin(identity: str, number: int) -> str:
    """The name of a row whose id another row has already."""
    return f"{identity}{_BEHIND}{number}"


def identity_of(name: str) -> str:
    """The id of the record in a row of that name."""
    return name.partition(_BEHIND)[0]


def names_of(identity: str) -> tuple[str, str]:
    """The first name that a row with this id can have, and one behind the last."""
    return identity, identity + _PAST
