"""YAML with the position of every key and value, within bounds.

Parsed by libyaml into events (never into objects of Python's), and put together here: that is what knows positions, and
where depth, size and aliases can be bounded.
"""

from collections.abc import Iterator
from typing import Any, Final

import yaml
from msgspec import Struct

from hullguard.detect.rules.problems import Place, Problems, quoted

LARGEST: Final = 4 << 20
"""Bytes of one file. All of Falco's own rules take 250 kB."""
DEEPEST: Final = 12
"""Nested lists and mappings; Falco's format needs six."""
MOST_NODES: Final = 300_000
"""Values of one file, each alias counted as all that it stands for."""
_BLOCK: Final = frozenset({"|", ">"})
_WHITE_ESCAPES: Final = frozenset("tnvfr \t_NLP")
_HEX_ESCAPES: Final = {"x": 2, "u": 4, "U": 8}


class Source(Struct, frozen=True):
    """One file's text."""

    name: str
    text: str


class Scalar:
    """One value. Every value is a text: what it means depends on who reads it."""

    __slots__ = ("_characters", "column", "end", "line", "source", "start", "style", "value")

    def __init__(self, source: Source, place: Place, event: Any) -> None:
        self.source, self.value, self.style = source, event.value, event.style
        self.line, self.column = place.line, place.column
        self.start, self.end = event.start_mark.index, event.end_mark.index
        self._characters: list[int] | None = None

    @property
    def place(self) -> Place:
        """Where it begins."""
        return Place(self.source.name, self.line, self.column)

    @property
    def empty(self) -> bool:
        """YAML's null: nothing, ``~`` or ``null`` without quotes."""
        return not self.style and self.value in {"", "~", "null", "Null", "NULL"}

    @property
    def block(self) -> bool:
        """Written as ``|`` or ``>``."""
        return self.style in _BLOCK

    def place_of(self, offset: int) -> Place:
        """Where in the file the character at ``offset`` of ``value`` stands.

        Folding, indentation and escapes change only white space and the way characters are written, never their order:
        the n-th visible character of the value is the n-th one of the source.
        """
        if self._characters is None:
            self._characters = list(_visible(self.source.text, self))
        count = sum(1 for character in self.value[:offset] if not character.isspace())
        if count < len(self._characters):
            index = self._characters[count]
        elif self._characters:
            index = self._characters[-1] + 1
        else:
            index = self.start
        before = self.source.text[:index]
        return Place(self.source.name, before.count("\n") + 1, index - before.rfind("\n"))

    def comments(self) -> list[tuple[int, int]]:
        """Offsets into ``value`` of what stands on lines that begin with ``#``, in a value written as a block."""
        if not self.block or "#" not in self.value:
            return []
        found, count = [], 0
        body = self.source.text[self.source.text.find("\n", self.start) + 1 : self.end]
        visible = [index for index, character in enumerate(self.value) if not character.isspace()]
        for line in body.splitlines():
            size = sum(1 for character in line if not character.isspace())
            if line.lstrip().startswith("#") and count + size <= len(visible):
                found.append((visible[count], visible[count + size - 1] + 1))
            count += size
        return found


class Sequence:
    """A list."""

    __slots__ = ("items", "place", "weight")

    def __init__(self, place: Place) -> None:
        self.place = place
        self.items: list[Node] = []
        self.weight = 1


class Mapping:
    """Keys and values in their order; a key that is no scalar has been reported and left out."""

    __slots__ = ("pairs", "place", "weight")

    def __init__(self, place: Place) -> None:
        self.place = place
        self.pairs: list[tuple[Scalar, Node]] = []
        self.weight = 1

    def get(self, key: str) -> "Node | None":
        """The first value of that name."""
        return next((value for name, value in self.pairs if name.value == key), None)

    def key(self, key: str) -> Scalar | None:
        """The name itself."""
        return next((name for name, _ in self.pairs if name.value == key), None)


Node = Scalar | Sequence | Mapping


class _Refused(Exception):
    def __init__(self, place: Place, text: str) -> None:
        super().__init__(text)
        self.place, self.text = place, text


def parse(name: str, content: bytes, problems: Problems) -> list[Node]:
    """The documents of a file; what cannot be read is told, and is not there."""
    start = Place(name, 1, 1)
    if len(content) > LARGEST:
        problems.error(start, f"the file has {len(content)} bytes; a rule file has at most {LARGEST}")
        return []
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        column = error.start - content.rfind(b"\n", 0, error.start)
        problems.error(Place(name, line, column), "the file is no UTF-8 text")
        return []
    source = Source(name, text)
    try:
        return list(_documents(source))
    except _Refused as refused:
        problems.error(refused.place, refused.text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = Place(name, mark.line + 1, mark.column + 1) if mark else start
        problems.error(place, f"not YAML: {error.problem or error.context or 'unreadable'}")
    except yaml.reader.ReaderError as error:
        before = text[: error.position]
        place = Place(name, before.count("\n") + 1, len(before) - before.rfind("\n"))
        problems.error(place, f"not YAML: {error.reason}")
    return []


def _loader() -> type:
    # The wheel has libyaml; a build without it parses the same in Python, ten times slower.
    return getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def _documents(source: Source) -> Iterator[Node]:
    """Puts events together. Raises _Refused at the first thing beyond the bounds."""
    builder: _Builder | None = None
    count = 0
    events: Iterator[Any] = yaml.parse(source.text, Loader=_loader())
    for event in events:
        place = Place(source.name, event.start_mark.line + 1, event.start_mark.column + 1)
        if isinstance(event, yaml.DocumentStartEvent):
            builder = _Builder(source)
        elif isinstance(event, yaml.DocumentEndEvent):
            if builder is not None and builder.root is not None:
                yield builder.root
        elif isinstance(event, yaml.NodeEvent) and builder is not None:
            count += builder.node(event, place)
            if count > MOST_NODES:
                raise _Refused(
                    place, f"the file has more than {MOST_NODES} values, aliases counted as what they stand for"
                )
        elif isinstance(event, yaml.CollectionEndEvent) and builder is not None:
            builder.end()


class _Builder:
    """One document on its way."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._open: list[tuple[Sequence | Mapping, Scalar | None, str | None]] = []
        self._anchors: dict[str, Node] = {}
        self.root: Node | None = None
        self._key: Scalar | None = None
        self._unfit = 0

    def node(self, event: Any, place: Place) -> int:
        """Takes one; how many values it stands for."""
        if isinstance(event, yaml.AliasEvent):
            anchor = str(event.anchor)
            known = self._anchors.get(anchor)
            if known is None:
                raise _Refused(place, f"the alias {quoted('*' + anchor)} stands for nothing before it, or for itself")
            self._put(known, place)
            return 1 if isinstance(known, Scalar) else known.weight
        if isinstance(event, yaml.ScalarEvent):
            scalar = Scalar(self._source, place, event)
            if event.anchor:
                self._anchors[event.anchor] = scalar
            self._put(scalar, place)
            return 1
        if len(self._open) >= DEEPEST:
            raise _Refused(place, f"lists and mappings are nested deeper than {DEEPEST}")
        made: Sequence | Mapping = Sequence(place) if isinstance(event, yaml.SequenceStartEvent) else Mapping(place)
        self._open.append((made, self._key, event.anchor))
        self._key = None
        return 1

    def end(self) -> None:
        made, self._key, anchor = self._open.pop()
        if anchor:
            self._anchors[anchor] = made
        self._put(made, made.place)

    def _put(self, node: Node, place: Place) -> None:
        if not self._open:
            self.root = node
            return
        parent = self._open[-1][0]
        parent.weight += 1 if isinstance(node, Scalar) else node.weight
        if isinstance(parent, Sequence):
            parent.items.append(node)
        elif self._key is not None:
            parent.pairs.append((self._key, node))
            self._key = None
        elif isinstance(node, Scalar):
            self._key = node
        else:
            raise _Refused(place, "a key must be a name, not a list or mapping")


def _visible(text: str, scalar: Scalar) -> Iterator[int]:
    """Indices into the file of the scalar's visible characters."""
    position, end = scalar.start, min(scalar.end, len(text))
    if scalar.block:
        position = text.find("\n", position) + 1 or end
    elif scalar.style in {"'", '"'}:
        position += 1
        end -= 1
    while position < end:
        character = text[position]
        width = 1
        if scalar.style == "'" and text[position : position + 2] == "''":
            width = 2
        elif scalar.style == '"' and character == "\\":
            width, character = _escape(text, position)
        if not character.isspace():
            yield position
        position += width


def _escape(text: str, position: int) -> tuple[int, str]:
    """How long an escape is, and a character that is as visible as what it stands for."""
    letter = text[position + 1 : position + 2]
    digits = _HEX_ESCAPES.get(letter)
    if digits is not None:
        written = text[position + 2 : position + 2 + digits]
        return 2 + digits, chr(int(written, 16))
    return 2, " " if letter in _WHITE_ESCAPES or letter.isspace() else "x"
