"""Gradle's lock file, and of Maven's project file the versions that stand in it literally."""

import re
from collections.abc import Iterator
from xml.etree import ElementTree as ET

from hullguard.inventory import bounds
from hullguard.inventory.analyzers.language import Doubt, Piece, TooMuch, Unreadable
from hullguard.inventory.analyzers.locks.tally import STRANGE, Tally
from hullguard.model.package import PackageType

_GRADLE = re.compile(r"([^:=\s#]+):([^:=\s]+):([^:=\s]+)=.*")
_LITERAL = re.compile(r"\d[\w.+-]*")


class _Builder(ET.TreeBuilder):
    """Refuses what could declare entities, before any can be used."""

    def doctype(self, name: str, pubid: str | None, system: str | None) -> None:
        del name, pubid, system
        raise Unreadable("declares a document type, which no project file needs; it was not read")


def gradle_lockfile(content: bytes) -> Iterator[Piece | Doubt]:
    tally = Tally()
    for line in tally.lines(content):
        if found := _GRADLE.fullmatch(line):
            yield Piece(PackageType.MAVEN, f"{found[1]}:{found[2]}", found[3])
        elif line and not line.startswith(("#", "empty=")):
            tally.add(STRANGE)
    yield from tally.doubts()


def pom_xml(content: bytes) -> Iterator[Piece | Doubt]:
    """Direct dependencies; versions that a property, a range or a parent decides are only counted."""
    if content.count(b"<") > bounds.POM_TAGS:
        raise TooMuch(f"has more than {bounds.POM_TAGS} tags; it was not read")
    try:
        project = ET.fromstring(content, ET.XMLParser(target=_Builder()))  # noqa: S314 the builder refuses entities
    except ET.ParseError as cause:
        raise Unreadable("is no readable project file of Maven") from cause
    open_versions = 0
    for dependency in project.iterfind("{*}dependencies/{*}dependency"):
        group, artifact, version = (
            (dependency.findtext(f"{{*}}{key}") or "").strip() for key in ("groupId", "artifactId", "version")
        )
        if _LITERAL.fullmatch(version) and group and artifact and "$" not in group + artifact:
            yield Piece(PackageType.MAVEN, f"{group}:{artifact}", version)
        else:
            open_versions += 1
    if open_versions:
        yield Doubt(f"leaves the versions of {open_versions} dependencies to other files")
