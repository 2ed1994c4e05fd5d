"""Layers laid over one another are what an engine makes of them.

The engines here are plain: a file system is a dictionary, and members are put into it one after the other. One engine
extracts all layers into one directory, the other each into its own, as for overlayfs, and merges those at the end.
Where extracting fails there is no container, and nothing to compare.
"""

import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from hypothesis import assume, given, settings
from hypothesis import strategies as st
from tests.support.images import Entry, directory, file, hardlink, layer, opaque, symlink, whiteout

from hullguard.inventory.analyzers.analyzer import Analyzer, Context, Files, Findings
from hullguard.inventory.layer import Indexer
from hullguard.inventory.limits import Budget, Limits
from hullguard.inventory.squash import Tree, views
from hullguard.inventory.wanted import Wanted

Layer = tuple[Entry, ...]
DEVICE = b"3"
MOST_LINKS = 40


class Broken(Exception):
    """The engine cannot extract this."""


class Directory(dict[str, "Thing"]):
    """Of an overlay's upper layer: whether it hides what is in the lower ones."""

    opaque = False


@dataclass
class File:
    content: bytes | None
    """None for a device."""


@dataclass
class Link:
    target: str


class Gone:
    """Overlayfs's whiteout."""


Thing = Directory | File | Link | Gone


class System:
    """A file system."""

    def __init__(self) -> None:
        self.root = Directory()
        self.new: set[int] = set()
        """What the current layer put there; the things themselves are kept, so that no other takes their place."""
        self._kept: list[Thing] = []

    def locate(self, path: str, *, make: bool = False) -> tuple[str, ...] | None:
        """The real path, every link followed; what does not exist is taken for a directory, and made."""
        todo, done, followed = path.split("/")[::-1], list[str](), 0
        while todo:
            name = todo.pop()
            if name == "..":
                done = done[:-1]
            elif name not in ("", "."):
                thing = self.at((*done, name))
                if isinstance(thing, Link):
                    followed += 1
                    if followed > MOST_LINKS:
                        return None
                    todo += thing.target.split("/")[::-1]
                    done = [] if thing.target.startswith("/") else done
                else:
                    done.append(name)
        if make:
            self.make(tuple(done))
        return tuple(done)

    def at(self, names: tuple[str, ...]) -> Thing | None:
        thing: Thing | None = self.root
        for name in names:
            thing = thing.get(name) if isinstance(thing, Directory) else None
        return thing

    def make(self, names: tuple[str, ...]) -> Directory:
        found = self.root
        for name in names:
            if name not in found:
                found[name] = self.add(Directory())
            inside = found[name]
            if not isinstance(inside, Directory):
                raise Broken(f"{name} is no directory")
            found = inside
        return found

    def add(self, thing: Thing) -> Thing:
        self._kept.append(thing)
        self.new.add(id(thing))
        return thing

    def extract(self, entry: Entry) -> None:
        names = clean(entry.name)
        if names is None or not names:
            return
        parent = self.locate("/".join(names[:-1]))
        if parent is None:
            raise Broken("a loop of links")
        inside, base = self.make(parent), names[-1]
        if base == ".wh..wh..opq":
            self.clear(inside)
        elif base.startswith(".wh."):
            self.white_out(inside, base[4:])
        elif not (entry.kind == b"5" and isinstance(inside.get(base), Directory)):
            old = inside.pop(base, None)
            try:
                inside[base] = self.add(self.thing(entry))
            except Broken:
                if old is not None:
                    inside[base] = old
                raise

    def thing(self, entry: Entry) -> Thing:
        if entry.kind == b"5":
            return Directory()
        if entry.kind == b"2":
            return Link(entry.link)
        if entry.kind != b"1":
            return File(entry.content if entry.kind == b"0" else None)
        target = clean(entry.link)
        parent = self.locate("/".join(target[:-1])) if target else None
        found = self.at((*parent, target[-1])) if target and parent is not None else None
        if found is None or isinstance(found, Directory | Gone):
            raise Broken("a hard link to nothing, or to a directory")
        return Link(found.target) if isinstance(found, Link) else File(found.content)

    def clear(self, inside: Directory) -> None:
        for name in list(inside):
            self.white_out(inside, name)

    def white_out(self, inside: Directory, name: str) -> None:
        thing = inside.get(name)
        if isinstance(thing, Directory):
            self.clear(thing)
        if thing is not None and id(thing) not in self.new and not (isinstance(thing, Directory) and thing):
            del inside[name]

    def files(self, inside: Directory | None = None, above: str = "") -> Iterator[tuple[str, File | Link]]:
        for name, thing in (self.root if inside is None else inside).items():
            if isinstance(thing, Directory):
                yield from self.files(thing, f"{above}{name}/")
            elif not isinstance(thing, Gone):
                yield f"{above}{name}", thing

    def content(self, path: str) -> bytes | None:
        names = self.locate(path)
        thing = self.at(names) if names is not None else None
        return thing.content if isinstance(thing, File) else None


class Upper(System):
    """What one layer is for overlayfs."""

    def clear(self, inside: Directory) -> None:
        inside.opaque = True

    def white_out(self, inside: Directory, name: str) -> None:
        if name in inside:
            raise Broken("mknod: it exists")
        inside[name] = self.add(Gone())


def one_directory(layers: tuple[Layer, ...]) -> System:
    system = System()
    for entries in layers:
        system.new.clear()
        for entry in entries:
            system.extract(entry)
    return system


def overlay(layers: tuple[Layer, ...]) -> System:
    merged = System()
    for entries in layers:
        upper = Upper()
        for entry in entries:
            upper.extract(entry)
        merged.root = merge(upper.root, merged.root)
    return merged


def merge(upper: Directory, lower: Directory) -> Directory:
    merged = Directory() if upper.opaque else Directory(lower)
    for name, thing in upper.items():
        below = merged.get(name)
        if isinstance(thing, Directory):
            merged[name] = merge(thing, below if isinstance(below, Directory) else Directory())
        else:
            merged[name] = thing
        if isinstance(thing, Gone):
            del merged[name]
    return merged


def clean(name: str) -> tuple[str, ...] | None:
    names: list[str] = []
    for part in name.split("/"):
        if part == ".." and not names:
            return None
        if part == "..":
            names.pop()
        elif part not in ("", "."):
            names.append(part)
    return tuple(names)


class Sample(Analyzer):
    """Wants every file named ``w``, and two at fixed places."""

    name, version = "sample", 1
    paths = r"(?:.*/)?w|a/f(?:/[^/]+)?"
    fixed: ClassVar[tuple[str, ...]] = ("a/f",)

    def analyze(self, files: Files, context: Context) -> Findings:
        return Findings()


SAMPLE = Sample()


def seen(layers: tuple[Layer, ...]) -> list[Tree]:
    """The trees, read again until nothing is missing."""
    wanted = Wanted([SAMPLE])
    for _ in range(5):
        indexes = []
        for entries in layers:
            indexer = Indexer(wanted, Budget(Limits()), "layer")
            indexer.run(io.BytesIO(layer(*entries)))
            indexes.append(indexer.index)
        trees = views(indexes, wanted, Limits())
        missing = set[tuple[str, str]]().union(*(tree.missing() for tree in trees))
        if not missing:
            break
        wanted = wanted.with_aliases(sorted(missing))
    assert not missing
    return trees


def expected(system: System) -> Mapping[str, bytes]:
    """The wanted files by their real names, and links with wanted names to files whose names are not."""
    found: dict[str, bytes] = {}
    for path, thing in system.files():
        if Wanted([SAMPLE]).logical(path) is None:
            continue
        if isinstance(thing, File):
            content = thing.content
        else:
            real = system.locate(path)
            content = system.content(path) if real and Wanted([SAMPLE]).logical("/".join(real)) is None else None
        if content is not None:
            found[path] = content
    return found


def compare(tree: Tree, system: System) -> None:
    found, by_themselves = {path: kept.content for path, kept in tree.matching(SAMPLE.paths)}, expected(system)
    assert {path: found.get(path) for path in by_themselves} == by_themselves
    for path in found.keys() - by_themselves.keys():
        # A name below a link, of a file that is not wanted by its own.
        assert system.content(path) == found[path]
        assert Wanted([SAMPLE]).logical("/".join(system.locate(path) or ("w",))) is None
    fixed = tree.file("a/f")
    assert (fixed.content if fixed is not None else None) == system.content("a/f")
    names = system.locate("a/f")
    inside = system.at(names) if names is not None else None
    contents = {name: system.content(f"a/f/{name}") for name in inside} if isinstance(inside, Directory) else {}
    assert {name: kept.content for name, kept in tree.children("a/f")} == {
        name: content for name, content in contents.items() if content is not None
    }


# Few names, so that members meet; many of them through links.
PLACES = (
    "a",
    "b",
    "l",
    "w",
    "a/f",
    "a/f/x",
    "a/f/w",
    "a/w",
    "b/w",
    "b/f",
    "b/x",
    "l/w",
    "l/x",
    "l/f",
    "l/f/x",
    "b/l/w",
)
WRITTEN = (*PLACES, *PLACES, "./a/f", "/l/w", "x/../b/x", "b//w/")
TARGETS = ("a", "b", "/b", "../a", "a/f", "l", "w", "b/x", "x", "../b/f", ".", "/", "x/../b", "b/../l")
ENTRIES = (
    *(file(name) for name in WRITTEN * 3),
    *(directory(name) for name in WRITTEN),
    *(symlink(name, target) for name in ("a", "b", "l", "a/f", "w", "b/x", "l/f", "a/f/w") for target in TARGETS),
    *(hardlink(name, target) for name in ("a/f", "a/f/x", "w", "b", "l/x") for target in ("w", "b/x", "l/f", "a/f")),
    *(whiteout(name) for name in PLACES),
    *(opaque(name) for name in ("a", "b", "l", "a/f", "l/f", "")),
    *(Entry(name, kind=DEVICE) for name in PLACES),
)


def numbered(layers: list[list[Entry]]) -> tuple[Layer, ...]:
    """With a content of its own for each file."""
    return tuple(
        tuple(
            replace(entry, content=b"%d.%d" % (number, at)) if entry.kind == b"0" else entry
            for at, entry in enumerate(entries)
        )
        for number, entries in enumerate(layers)
    )


LAYERS = st.lists(st.lists(st.sampled_from(ENTRIES), max_size=5), min_size=1, max_size=3).map(numbered)


@settings(max_examples=1500, deadline=None)
@given(LAYERS)
def test_one_directory_holds_what_is_reported(layers: tuple[Layer, ...]) -> None:
    try:
        system = one_directory(layers)
    except Broken:
        assume(False)

    compare(seen(layers)[0], system)


@settings(max_examples=1500, deadline=None)
@given(LAYERS)
def test_an_overlay_holds_what_is_reported(layers: tuple[Layer, ...]) -> None:
    try:
        system = overlay(layers)
    except Broken:
        assume(False)
    tree = seen(layers)[-1]
    assume(not tree.unknowns())

    compare(tree, system)


@settings(max_examples=300, deadline=None)
@given(LAYERS)
def test_what_cannot_be_extracted_does_no_harm_either(layers: tuple[Layer, ...]) -> None:
    for tree in seen(layers):
        assert all(kept.content is not None for _, kept in tree.matching(r".*"))
