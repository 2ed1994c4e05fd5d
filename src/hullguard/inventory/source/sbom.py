"""Bills of materials as targets, in the forms that ``bills.document`` reads."""

import contextlib
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

from msgspec.structs import replace

from hullguard.inventory import bounds
from hullguard.inventory.bills.document import (
    UTF8_MARK,
    UTF16_MARKS,
    Entry,
    described,
    packages,
    states_source,
    system,
    two_versions,
)
from hullguard.inventory.source.opened import Listed, Request
from hullguard.model.errors import Invalid, NotFound
from hullguard.model.package import Package, PackageType, Unknown

_MAX_BYTES = 1 << 28
_HEAD = 1 << 16
_AS_WRITTEN = "the image, when its bill of materials was written"
_BY_SOURCES = frozenset({PackageType.DEB, PackageType.APK, PackageType.RPM})
_NO_SOURCES = (
    "the bill of materials says of none of them from which source package it was built, and advisories speak of those: "
    "they were looked up by their own names, which misses the advisories of all that are called otherwise"
)
"""A program that writes down sources leaves them out only where they have the package's own name."""
_WORDS = 2000
"""Characters of a sentence that a document says."""


class SbomSource:
    """A bill of materials that some program wrote about an image."""

    kind = "sbom"

    @contextlib.contextmanager
    def open(self, request: Request) -> Iterator[Listed]:
        yield parse_sbom(_content(Path(request.name)), request.name)

    def recognises(self, path: Path, names: frozenset[str]) -> bool:
        if names or not path.is_file():
            return False
        with path.open("rb") as file:
            head = file.read(_HEAD)
        if head.startswith(UTF16_MARKS):
            head = head[: len(head) & ~1].decode("utf-16", "replace").encode()
        # Which keys come first is anybody's choice, so any object of JSON is read, and refused if it is another.
        return head.removeprefix(UTF8_MARK).lstrip().startswith(b"{")


def parse_sbom(content: bytes, what: str) -> Listed:
    """The packages of a bill of materials; what it does not identify is said. Raises Invalid when it is none."""
    document = described(content, what)
    others = dict.fromkeys(document.others)
    listed = _listed(_noted(document.entries, others))
    said = list(_said(document.doubts))
    if others:
        what = f"{len(others)} other bills of materials"
        said.append(Unknown(what, "the bill of materials refers to them; what they name was not read"))
    if document.incomplete:
        why = "the bill of materials says of itself that it is incomplete"
        said.append(Unknown("the rest of the image", why, incomplete=True))
    return replace(listed, unknowns=(*listed.unknowns, *said))


def _noted(entries: Iterator[Entry], others: dict[str, None]) -> Iterator[Entry]:
    """The entries, while the bills to which they refer are noted."""
    for entry in entries:
        others.update(dict.fromkeys(entry.refers))
        yield entry


def _said(doubts: Sequence[str]) -> Iterator[Unknown]:
    """What was doubtful when the document was written, in its words: nobody can look again."""
    for doubt in doubts[: bounds.SBOM_DOUBTS]:
        yield Unknown(_AS_WRITTEN, doubt.removeprefix(f"{_AS_WRITTEN}: ")[:_WORDS])
    if (more := len(doubts) - bounds.SBOM_DOUBTS) > 0:
        yield Unknown(_AS_WRITTEN, f"{more} more parts of it could not be read or decided", incomplete=True)


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(_MAX_BYTES + 1)
    except FileNotFoundError as cause:
        raise NotFound(f"there is no file {str(path)!r}", "image.no-file") from cause
    except (OSError, ValueError) as cause:
        raise Invalid(f"{str(path)!r} cannot be read: {cause}", "image.unreadable") from cause
    if len(content) > _MAX_BYTES:
        raise Invalid(f"{path} has more than {_MAX_BYTES} bytes", "sbom.too-large")
    return content


def _listed(every: Iterator[Entry]) -> Listed:
    entries = list(islice(every, bounds.SBOM_PACKAGES))
    left_out = sum(1 for _ in every)
    os = system(entries)
    found: list[Package] = []
    unknowns: list[Unknown] = []
    of_two: list[Unknown] = []
    by_sources, stated = 0, False
    for entry in entries:
        each = list(packages(entry, os))
        matched = any(isinstance(one, Package) for one in each)
        for one in each:
            if isinstance(one, Package):
                found.append(one)
                by_sources += bool(one.ecosystem) and one.type in _BY_SOURCES
                stated = stated or states_source(entry)
                if versions := two_versions(entry, one):
                    given, judged = versions
                    why = f"the bill of materials gives it the version {given}, and its purl {judged}, which is judged"
                    of_two.append(Unknown(one.name, why))
            else:
                what = f"{entry.name} {entry.version}".strip() or "a component without a name"
                unknowns.append(Unknown(what, one.why, unjudged=int(one.spoken_of and not matched)))
    if by_sources and not stated:
        unknowns.append(Unknown(f"{by_sources} OS packages", _NO_SOURCES, incomplete=True))
    if not found and not unknowns:
        unknowns.append(Unknown("packages", "the bill of materials names no package that can be matched"))
    if (more := len(unknowns) - bounds.SBOM_DOUBTS) > 0:
        why = f"{more} more packages cannot be matched"
        unknowns[bounds.SBOM_DOUBTS :] = [Unknown("more packages", why, incomplete=True)]
    if (more := len(of_two) - bounds.SBOM_DOUBTS) > 0:
        why = f"{more} more packages have other versions there than in their purls, which are judged"
        of_two[bounds.SBOM_DOUBTS :] = [Unknown("more packages", why, incomplete=True)]
    if left_out:
        why = f"the bill of materials names {len(entries) + left_out} packages; {bounds.SBOM_PACKAGES} were read"
        unknowns.append(Unknown("the rest of the image", why, incomplete=True))
    return Listed(tuple(found), os, (*unknowns, *of_two))
