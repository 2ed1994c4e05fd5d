"""Gradle's lock file, and of Maven's project file what it decides without its parents."""

import re
from collections.abc import Iterator
from xml.etree import ElementTree as ET

from hullguard.inventory import bounds
from hullguard.inventory.analyzers.language import Doubt, Piece, TooMuch, Unreadable
from hullguard.inventory.analyzers.locks.tally import STRANGE, Tally
from hullguard.model.package import PackageType

_GRADLE = re.compile(r"([^:=\s#]+):([^:=\s]+):([^:=\s]+)=.*")
_LITERAL = re.compile(r"\d[\w.+-]*")
_DEPENDENCIES = "{*}dependencies/{*}dependency"
_PROFILES = ("{*}profiles/{*}profile/",)
_PROPERTY = re.compile(r"\$\{([^${}]*)\}")
_IN_TURN = "does not list what its dependencies, or its parent, bring in turn; `mvn dependency:list` does"
_ROUNDS, _LONGEST = 8, 300
"""How often properties may stand for others, and characters that a value may have."""


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
    """Direct dependencies, those of profiles too; whose versions a range or another file decides are only counted."""
    if content.count(b"<") > bounds.POM_TAGS:
        raise TooMuch(f"has more than {bounds.POM_TAGS} tags; it was not read")
    try:
        project = ET.fromstring(content, ET.XMLParser(target=_Builder()))  # noqa: S314 the builder refuses entities
    except ET.ParseError as cause:
        raise Unreadable("is no readable project file of Maven") from cause
    values = _Values(project)
    open_versions = 0
    dependencies = [each for place in ("", *_PROFILES) for each in project.iterfind(f"{place}{_DEPENDENCIES}")]
    for dependency in dependencies:
        group, artifact, version = values.of(dependency)
        if group and artifact and _LITERAL.fullmatch(version):
            yield Piece(PackageType.MAVEN, f"{group}:{artifact}", version)
        else:
            open_versions += 1
    if open_versions:
        yield Doubt(f"leaves the versions of {open_versions} dependencies to other files")
    if dependencies or project.find("{*}parent") is not None:
        yield Doubt(_IN_TURN)


class _Values:
    """What a project says of its dependencies outside of them.

    What some profile sets otherwise is not known: which profiles are in force is said elsewhere.
    """

    def __init__(self, project: ET.Element) -> None:
        parent = {key: _text(project, f"{{*}}parent/{{*}}{key}") for key in ("groupId", "version")}
        own = {key: _text(project, f"{{*}}{key}") or parent[key] for key in parent}
        self._properties: dict[str, str] = {
            **{f"project.{key}": value for key, value in own.items()},
            **{f"pom.{key}": value for key, value in own.items()},
            **{f"project.parent.{key}": value for key, value in parent.items()},
        }
        properties = [(_name(each), (each.text or "").strip()) for each in project.iterfind("{*}properties/*")]
        self._properties.update(properties)
        for place in _PROFILES:
            for each in project.iterfind(f"{place}{{*}}properties/*"):
                if self._properties.get(_name(each)) != (each.text or "").strip():
                    self._properties[_name(each)] = ""
        self._managed: dict[tuple[str, str], str] = {}
        for place in ("", *_PROFILES):
            for each in project.iterfind(f"{place}{{*}}dependencyManagement/{_DEPENDENCIES}"):
                group, artifact, version = self._stated(each)
                known = self._managed.setdefault((group, artifact), version)
                self._managed[group, artifact] = version if version == known else ""

    def of(self, dependency: ET.Element) -> tuple[str, str, str]:
        """Group, artifact and version, each empty where this file does not decide it."""
        group, artifact, version = self._stated(dependency)
        if dependency.find("{*}version") is None:
            version = self._managed.get((group, artifact), "")
        return group, artifact, version

    def _stated(self, dependency: ET.Element) -> tuple[str, str, str]:
        found = [self._filled(_text(dependency, f"{{*}}{key}")) for key in ("groupId", "artifactId", "version")]
        return found[0], found[1], found[2]

    def _filled(self, text: str) -> str:
        for _ in range(_ROUNDS):
            if "$" not in text or len(text) > _LONGEST:
                break
            text = _PROPERTY.sub(self._value, text)
        return "" if "$" in text or len(text) > _LONGEST else text

    def _value(self, found: re.Match[str]) -> str:
        value = self._properties.get(found[1], "")
        return value if 0 < len(value) <= _LONGEST else "$"


def _text(element: ET.Element, path: str) -> str:
    return (element.findtext(path) or "").strip()


def _name(element: ET.Element) -> str:
    return element.tag.rpartition("}")[2]
