"""Projects of Maven in a scanned directory: what their files decide together.

As Maven puts a project together (Introduction to the POM, "Project Inheritance" and "Importing Dependencies"): what is
nearer counts; what is written, also further up, before what is imported; the import that comes first. A parent is the
file at ``relativePath`` that has its group, name and version, else the one in the directory that does: Maven takes it
for one that is built together with the project. Nothing outside of the directory is looked at.
"""

import posixpath
import re
from collections.abc import Callable, Iterable, Iterator

import msgspec

from hullguard.inventory import bounds
from hullguard.inventory.analyzers.analyzer import File, Files
from hullguard.inventory.analyzers.language import HOSTILE, Doubt, LanguageAnalyzer, Piece, Reading, TooMuch, Unreadable
from hullguard.inventory.analyzers.locks.analyzer import OF_OTHERS
from hullguard.inventory.analyzers.locks.pom import LONGEST, Parent, Project, Stated, project
from hullguard.model.decoding import from_json
from hullguard.model.package import PackageType

# No range, and none of the words that stand for whatever there is (Version, "LATEST" and "RELEASE").
_LITERAL = re.compile(r"(?!(?:LATEST|RELEASE)\Z)\w[\w.+-]*")
_PROPERTY = re.compile(r"\$\{([^${}]*)\}")
_ROUNDS = 8
"""How often properties may stand for others."""
_IN_TURN = "does not list what its dependencies bring in turn; `mvn dependency:list` does"
_PARENTS_TOO = "does not list what its dependencies, or its parent, bring in turn; `mvn dependency:list` does"
_LOOP = "is its own parent, by way of others; what it inherits was not read"

_Coordinates = tuple[str, str, str]
_Key = tuple[str, str, str, str]
_Managed = tuple[dict[_Key, tuple[int, str]], list[tuple[int, Stated]]]


class MavenAnalyzer(LanguageAnalyzer):
    """Direct dependencies, those of profiles too; versions that a range, or nothing here, decides are only counted."""

    name, version = "maven", 3
    paths = OF_OTHERS + r"(?:.*/)?pom\.xml"
    form = "lock file"
    lists = True
    trees_only = True

    def pieces(self, path: str, content: bytes) -> Iterator[Piece | Doubt]:
        """What the file decides by itself."""
        yield from _Projects({path: self._project(content)}).found(path)

    def condense(self, path: str, content: bytes) -> bytes:
        del path
        return msgspec.json.encode(self._project(content))

    def named(self, content: bytes) -> Iterable[tuple[PackageType, str, str]]:
        found = _Projects({"": from_json(content, Project)}).found("") if content else ()
        return ((one.type, one.name, one.version) for one in found if isinstance(one, Piece))

    def reader(self, files: Files) -> Callable[[str, File], Reading]:
        every = {path: from_json(file.content, Project) for path, file in self.found(files) if file.content}
        projects = _Projects(every)
        return lambda path, _: self.read(projects.found(path))

    def _project(self, content: bytes) -> Project:
        try:
            if len(content) > bounds.LOCK_BYTES:
                raise TooMuch(f"has more than {bounds.LOCK_BYTES >> 20} MiB; not read")
            return project(content)
        except Unreadable as why:
            return Project(doubts=(Doubt(str(why), incomplete=True),))
        except HOSTILE:
            return Project(doubts=(Doubt(f"is no readable {self.form}", incomplete=True),))


class _Spent(Exception):
    """As many steps were taken as are."""


class _Projects:
    """All of a directory, by where their files lie."""

    def __init__(self, every: dict[str, Project]) -> None:
        self.every = every
        self._models: dict[str, _Model] = {}
        self._called: dict[_Coordinates, str | None] | None = None
        self._managed: dict[str, _Managed] = {}
        self._left = int(bounds.POM_STEPS)

    def found(self, path: str) -> Iterator[Piece | Doubt]:
        """What a file names, and what it leaves open."""
        yield from self.every[path].doubts
        try:
            yield from self.model(path).found()
        except _Spent:
            why = f"is read with those before it in more than {bounds.POM_STEPS} steps; the rest of it was left out"
            yield Doubt(why, incomplete=True)

    def model(self, path: str) -> "_Model":
        """A project with all that it inherits."""
        if path not in self._models:
            self._models[path] = _Model(self, *self._line(path, nearby=False))
        return self._models[path]

    def called(self, coordinates: _Coordinates) -> str | None:
        """Where the project of this name lies; None also where two lie that are not the same."""
        if self._called is None:
            self._called = {}
            for path in sorted(self.every, key=lambda path: (path.count("/"), path)):
                name = _Model(self, *self._line(path, nearby=True)).coordinates
                known = self._called.setdefault(name, path)
                if known is not None and self.every[known] != self.every[path]:
                    self._called[name] = None
        return self._called.get(coordinates) if all(coordinates) else None

    def managed(self, path: str) -> "_Managed":
        """Versions that a file gives to dependencies, by their keys, and those whose keys have properties in them.

        Each has its number in the file.
        """
        if path not in self._managed:
            known: dict[_Key, tuple[int, str]] = {}
            others = []
            for number, stated in enumerate(self.every[path].managed):
                if any("$" in part for part in stated.key):
                    others.append((number, stated))
                else:
                    known[stated.key] = number, stated.version or ""
            self._managed[path] = known, others
        return self._managed[path]

    def step(self, count: int = 1) -> None:
        """Raises _Spent where there were too many."""
        self._left -= count
        if self._left < 0:
            raise _Spent

    def _line(self, path: str, *, nearby: bool) -> tuple[list[str], Doubt | None]:
        """Where it and its parents lie, one above the other, and what ends that if it is not one without a parent.

        ``nearby``: whether they have to lie where the projects say.
        """
        line = [path]
        while (parent := self.every[line[-1]].parent) is not None:
            self.step()
            above = self._beside(line[-1], parent)
            if above is None and not nearby:
                above = self.called((parent.group, parent.artifact, parent.version))
            if above is None:
                return line, Doubt(_PARENTS_TOO)
            if above in line:
                return line, Doubt(_LOOP)
            if len(line) > bounds.POM_PARENTS:
                return line, _too_deep()
            line.append(above)
        return line, None

    def _beside(self, path: str, parent: Parent) -> str | None:
        """The file at the place that a project gives for its parent's, if it is that."""
        place = _below_top(posixpath.dirname(path), parent.relative) if parent.relative else None
        if place is None:
            return None
        found = place if place in self.every else posixpath.join(place, "pom.xml")
        above = self.every.get(found)
        if above is None or (_group(above), above.artifact) != (parent.group, parent.artifact):
            return None
        versions = ("", _version(above), _Model(self, [found], None).coordinates[2])
        return found if parent.version in versions else None


class _Search:
    """What is asked for a version."""

    def __init__(self) -> None:
        self.seen = set[str]()
        """Imports that say nothing of it."""
        self.deep = False
        """Whether there are further ones that were not asked."""


class _Model:
    """A project with those that it inherits from."""

    def __init__(self, projects: _Projects, line: list[str], end: Doubt | None) -> None:
        self._projects, self._paths = projects, line
        self._line = [projects.every[each] for each in line]
        self._end = end
        """What of its parents is not known."""
        self._filled: dict[str, str] = {}
        self._otherwise: dict[_Key, tuple[int, int, str]] | None = None
        """What is said of dependencies by keys that have properties in them: at which level, where there, and what."""
        self._found: tuple[list[Piece], list[Piece]] | None = None
        self._open, self._deep = 0, False

    @property
    def coordinates(self) -> _Coordinates:
        """Group, name and version."""
        own = self._line[0]
        return self._fill(_group(own)), self._fill(own.artifact), self._fill(_version(own))

    def found(self) -> Iterator[Piece | Doubt]:
        """Dependencies of its own, and inherited ones of which it decides something else than its parents do."""
        own, inherited = self.pieces()
        above = {
            piece for path in self._paths[1:] for pieces in self._projects.model(path).pieces() for piece in pieces
        }
        yield from own
        yield from (piece for piece in inherited if piece not in above)
        if self._open:
            yield Doubt(f"leaves the versions of {self._open} dependencies to other files")
        if self._deep and self._end is None:
            yield _too_deep()
        if self._end is not None:
            yield self._end
        elif any(each.dependencies for each in self._line):
            yield Doubt(_IN_TURN)

    def pieces(self) -> tuple[list[Piece], list[Piece]]:
        """The dependencies whose versions are known: its own, and those that it inherits."""
        if self._found is None:
            own, inherited, seen = list[Piece](), list[Piece](), set[_Key]()
            self._open = 0
            for level, each in enumerate(self._line):
                keys = []
                for stated in each.dependencies:
                    self._projects.step()
                    keys.append(self._key(stated))
                    if keys[-1] in seen:
                        continue  # something nearer says it
                    piece = self._piece(keys[-1], stated)
                    if piece is not None:
                        (inherited if level else own).append(piece)
                    elif not level:
                        self._open += 1
                seen.update(keys)
            self._found = own, inherited
        return self._found

    def version(self, key: _Key, search: _Search, depth: int = 0) -> str | None:
        """What is said of a dependency of this key here; None for nothing, empty where that cannot be known."""
        imports = [each for project in self._line for each in project.imports]
        # Before properties are filled in, keys may differ that are one then. Maven takes the first, or, where it also
        # imports, the last (DefaultDependencyManagementInjector, DefaultDependencyManagementImporter).
        of_two = max if imports else min
        otherwise = self._with_properties(last=bool(imports)).get(key)
        for level, path in enumerate(self._paths):
            self._projects.step()
            if (known := self._projects.managed(path)[0].get(key)) is not None:
                return self._fill(of_two((level, *known), otherwise or (level, *known))[2])
        if otherwise is not None:
            return self._fill(otherwise[2])
        if imports and self._end is not None:
            return ""  # what a parent says that does not lie here comes before all that is imported
        for stated in imports:
            self._projects.step()
            place = self._projects.called(self._filled_in(stated))
            if place is None or depth >= bounds.POM_PARENTS:
                search.deep = search.deep or place is not None
                return ""
            if place not in search.seen:
                search.seen.add(place)
                if (version := self._projects.model(place).version(key, search, depth + 1)) is not None:
                    return version
        return None if self._end is None else ""

    def _piece(self, key: _Key, stated: Stated) -> Piece | None:
        group, artifact, _, _ = key
        if not (group and artifact) or "$" in group + artifact:
            return None
        search = _Search()
        version = self.version(key, search) if stated.version is None else self._fill(stated.version)
        self._deep = self._deep or search.deep
        known = version is not None and _LITERAL.fullmatch(version)
        return Piece(PackageType.MAVEN, f"{group}:{artifact}", version) if version and known else None

    def _filled_in(self, stated: Stated) -> _Coordinates:
        return self._fill(stated.group), self._fill(stated.artifact), self._fill(stated.version or "")

    def _key(self, stated: Stated) -> _Key:
        group, artifact, kind, classifier = (self._fill(part) or part for part in stated.key)
        return group, artifact, kind, classifier

    def _with_properties(self, *, last: bool) -> dict[_Key, tuple[int, int, str]]:
        if self._otherwise is None:
            found: dict[_Key, tuple[int, int, str]] = {}
            written = set[_Key]()
            for level, path in enumerate(self._paths):
                _, others = self._projects.managed(path)
                self._projects.step(len(others))
                for number, stated in others:
                    key = self._key(stated)
                    if stated.key not in written and (last or key not in found):
                        found[key] = level, number, stated.version or ""
                written.update(stated.key for _, stated in others)
            self._otherwise = found
        return self._otherwise

    def _fill(self, text: str) -> str:
        """A text with its properties as they are here; empty where one is not known, or it is too long."""
        if "$" not in text:
            return text if len(text) <= LONGEST else ""
        if text not in self._filled:
            whole = text
            for _ in range(_ROUNDS):
                if "$" not in whole or len(whole) > LONGEST:
                    break
                whole = _PROPERTY.sub(self._value, whole)
            self._filled[text] = "" if "$" in whole or len(whole) > LONGEST else whole
        return self._filled[text]

    def _value(self, found: re.Match[str]) -> str:
        value = self._property(found[1])
        return value if 0 < len(value) <= LONGEST else "$"

    def _property(self, name: str) -> str:
        self._projects.step(len(self._line))
        for each in self._line:
            if name in each.properties:
                return each.properties[name]
        own, (owner, _, field) = self._line[0], name.rpartition(".")
        if owner in ("project", "pom"):
            return {"groupId": _group(own), "artifactId": own.artifact, "version": _version(own)}.get(field, "")
        if owner == "project.parent" and own.parent is not None:
            parent = own.parent
            return {"groupId": parent.group, "artifactId": parent.artifact, "version": parent.version}.get(field, "")
        return ""


def _group(own: Project) -> str:
    return own.group or (own.parent.group if own.parent else "")


def _version(own: Project) -> str:
    return own.version or (own.parent.version if own.parent else "")


def _too_deep() -> Doubt:
    why = (
        f"inherits or imports over more than {bounds.POM_PARENTS} projects above one another; those above were left out"
    )
    return Doubt(why, incomplete=True)


def _below_top(directory: str, relative: str) -> str | None:
    """A place that is given from a directory; None for one that is not in what is scanned."""
    relative = relative.replace("\\", "/")  # as Maven does
    if relative.startswith("/"):
        return None
    place = posixpath.normpath(posixpath.join(directory, relative))
    if place == ".." or place.startswith("../"):
        return None
    return "" if place == "." else place
