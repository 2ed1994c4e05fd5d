"""Package URLs (the purl specification), as far as one must be compared with another."""

import re
from typing import Final
from urllib.parse import unquote

from msgspec import Struct

from hullguard.advisories.names import canonical
from hullguard.words.plain import fault_of_line

_BROKEN: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")
_MAX_LENGTH = 4096
_ECOSYSTEMS = {"pypi": "PyPI", "nuget": "NuGet", "composer": "Packagist"}


class Purl(Struct, frozen=True):
    """A package: without a version all its versions, without a qualifier whatever it may be."""

    type: str
    namespace: str
    name: str
    version: str | None = None
    qualifiers: tuple[tuple[str, str], ...] = ()

    def covers(self, other: "Purl") -> bool:
        """Whether everything that this one says is true of the other."""
        same = (self.type, self.namespace, self.name) == (other.type, other.namespace, other.name)
        if not same or (self.version is not None and self.version != other.version):
            return False
        return set(self.qualifiers) <= set(other.qualifiers)


def fault(text: str) -> str | None:
    """Why a text that somebody writes is no package URL; None where it is one."""
    if read(text) is None:
        return f"{text[:80]!r} is no package URL"
    if _BROKEN.search(text):
        return f"{text[:80]!r} is no package URL: behind each % stand two hexadecimal digits"
    return fault_of_line(unquote(text), "purl")


def read(text: str) -> Purl | None:
    """None when it is no package URL."""
    if len(text) > _MAX_LENGTH or text[:4].lower() != "pkg:":
        return None
    rest = text[4:].lstrip("/").partition("#")[0]
    rest, _, query = rest.partition("?")
    rest, at, version = rest.rpartition("@") if "@" in rest.rpartition("/")[2] else (rest, "", "")
    kind, _, path = rest.partition("/")
    namespace, _, name = path.rpartition("/")
    if not kind or not name:
        return None
    kind = kind.lower()
    ecosystem = _ECOSYSTEMS.get(kind, "")
    pairs = (pair.partition("=") for pair in query.split("&") if pair)
    return Purl(
        kind,
        canonical(ecosystem, unquote(namespace)),
        canonical(ecosystem, unquote(name)),
        unquote(version) if at else None,
        tuple(sorted((key.lower(), unquote(value)) for key, _, value in pairs if value)),
    )
