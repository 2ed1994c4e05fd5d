"""A project file of Maven (``pom.xml``, model 4.0.0) as what it says by itself."""

from collections.abc import Iterator
from xml.etree import ElementTree as ET

from msgspec import Struct

from hullguard.inventory import bounds
from hullguard.inventory.analyzers.language import Doubt, TooMuch, Unreadable

LONGEST = 300
"""Characters that a value may have."""
_DEPENDENCIES = "{*}dependencies/{*}dependency"
_PLACES = ("", "{*}profiles/{*}profile/")
_TEXT = ("groupId", "artifactId", "version")


class Stated(Struct, frozen=True, omit_defaults=True):
    """A dependency, or what is said of those of its key; all as written, with properties in it."""

    group: str
    artifact: str
    version: str | None = None
    kind: str = "jar"
    classifier: str = ""

    @property
    def key(self) -> tuple[str, str, str, str]:
        """By which Maven tells dependencies apart (``Dependency.getManagementKey``)."""
        return self.group, self.artifact, self.kind, self.classifier


class Parent(Struct, frozen=True, omit_defaults=True):
    """Whose properties and dependencies a project has, too."""

    group: str
    artifact: str
    version: str
    relative: str = "../pom.xml"
    """Where its file should lie; empty where it is not to be looked for beside the project's."""


class Project(Struct, frozen=True, omit_defaults=True):
    """What a file says of its project; what some profile says otherwise is not known, and then empty."""

    group: str = ""
    artifact: str = ""
    version: str = ""
    parent: Parent | None = None
    properties: dict[str, str] = {}
    managed: tuple[Stated, ...] = ()
    imports: tuple[Stated, ...] = ()
    """Bills of versions (BOM), in order."""
    dependencies: tuple[Stated, ...] = ()
    doubts: tuple[Doubt, ...] = ()


class _Builder(ET.TreeBuilder):
    """Refuses what could declare entities, before any can be used."""

    def doctype(self, name: str, pubid: str | None, system: str | None) -> None:
        del name, pubid, system
        raise Unreadable("declares a document type, which no project file needs; it was not read")


def project(content: bytes) -> Project:
    """Raises Unreadable, TooMuch for one that is larger than is read."""
    if content.count(b"<") > bounds.POM_TAGS:
        raise TooMuch(f"has more than {bounds.POM_TAGS} tags; it was not read")
    try:
        root = ET.fromstring(content, ET.XMLParser(target=_Builder()))  # noqa: S314 the builder refuses entities
    except ET.ParseError as cause:
        raise Unreadable("is no readable project file of Maven") from cause
    group, artifact, version = (_text(root, key) for key in _TEXT)
    listed = list(_managed(root))
    return Project(
        group,
        artifact,
        version,
        _parent(root),
        _properties(root),
        tuple(one for one, imported in listed if not imported),
        tuple(one for one, imported in listed if imported),
        tuple(_stated(each) for place in _PLACES for each in root.iterfind(f"{place}{_DEPENDENCIES}")),
    )


def _parent(root: ET.Element) -> Parent | None:
    found = root.find("{*}parent")
    if found is None:
        return None
    group, artifact, version = (_text(found, key) for key in _TEXT)
    # An empty element says that the parent is not to be looked for beside the project.
    where = Parent(group, artifact, version)
    return (
        where
        if found.find("{*}relativePath") is None
        else Parent(group, artifact, version, _text(found, "relativePath"))
    )


def _properties(root: ET.Element) -> dict[str, str]:
    found = {_name(each): _clipped(each.text) for each in root.iterfind("{*}properties/*")}
    for each in root.iterfind(f"{_PLACES[1]}{{*}}properties/*"):
        if found.get(_name(each)) != _clipped(each.text):
            found[_name(each)] = ""
    return found


def _managed(root: ET.Element) -> Iterator[tuple[Stated, bool]]:
    """What is said of dependencies wherever they are listed, and whether another file says it."""
    found: dict[tuple[tuple[str, str, str, str], bool], Stated] = {}
    for place in _PLACES:
        for each in root.iterfind(f"{place}{{*}}dependencyManagement/{_DEPENDENCIES}"):
            stated = _stated(each)
            imported = _text(each, "scope") == "import" and stated.kind == "pom"
            known = found.setdefault((stated.key, imported), stated)
            if known.version != stated.version:
                found[stated.key, imported] = Stated(stated.group, stated.artifact, "", stated.kind, stated.classifier)
    yield from ((stated, imported) for (_, imported), stated in found.items())


def _stated(dependency: ET.Element) -> Stated:
    group, artifact, version = (_text(dependency, key) for key in _TEXT)
    said = version if dependency.find("{*}version") is not None else None
    return Stated(group, artifact, said, _text(dependency, "type") or "jar", _text(dependency, "classifier"))


def _text(element: ET.Element, name: str) -> str:
    return _clipped(element.findtext(f"{{*}}{name}"))


def _clipped(text: str | None) -> str:
    """One character more than is used, of what is longer than that."""
    return (text or "").strip()[: LONGEST + 1]


def _name(element: ET.Element) -> str:
    return element.tag.rpartition("}")[2]
