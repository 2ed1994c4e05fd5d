"""Values of a rule file's keys, with a problem told for each that is not what the key takes."""

from collections.abc import Collection, Iterable
from typing import Final

from hullguard.detect.rules.definitions import Priority
from hullguard.detect.rules.document import Mapping, Node, Scalar, Sequence
from hullguard.detect.rules.problems import Place, Problems, quoted
from hullguard.detect.rules.syntax import Text

_TRUE: Final = frozenset({"true", "yes", "on", "y"})
_FALSE: Final = frozenset({"false", "no", "off", "n"})


class Item:
    """One entry of a file's list, read key by key. What is wrong is told; ``sound`` says whether anything was."""

    def __init__(self, mapping: Mapping, what: str, problems: Problems) -> None:
        self._mapping, self._what, self._problems = mapping, what, problems
        self.sound = True

    @property
    def place(self) -> Place:
        return self._mapping.place

    def has(self, key: str) -> bool:
        """Whether the key is there, and not empty."""
        node = self._mapping.get(key)
        return node is not None and not (isinstance(node, Scalar) and node.empty)

    def key_place(self, key: str) -> Place:
        """Of the key's name, else of the item."""
        scalar = self._mapping.key(key)
        return self.place if scalar is None else scalar.place

    def near(self, word: str, known: Iterable[str]) -> str:
        return self._problems.near(word, known)

    def complain(self, place: Place, text: str) -> None:
        self.sound = False
        self._problems.error(place, text)

    def check_keys(self, known: Iterable[str]) -> None:
        """Warns of keys that nothing reads, and of one that is given twice (the first counts, as in Falco)."""
        known = list(known)
        seen: dict[str, Scalar] = {}
        for key, _ in self._mapping.pairs:
            if key.value in seen:
                first = seen[key.value].place
                self._problems.warn(key.place, f"{key.value!r} is given twice; the one on line {first.line} counts")
            elif key.value not in known:
                near = self.near(key.value, known)
                self._problems.warn(key.place, f"{self._what} has no key {quoted(key.value)}{near}; it is ignored")
            seen.setdefault(key.value, key)

    def scalar(self, key: str, *, required: bool = False) -> Scalar | None:
        """The value as it stands; None where there is none, or another kind of value (told)."""
        node = self._mapping.get(key)
        if node is None or (isinstance(node, Scalar) and (node.empty or not node.value.strip())):
            if required:
                self.complain(self.key_place(key), f"{self._what} needs {key!r}")
            return None
        if not isinstance(node, Scalar):
            self.complain(node.place, f"{key!r} must be a text, not {kind_of(node)}")
            return None
        return node

    def text(self, key: str) -> str:
        scalar = self.scalar(key)
        return "" if scalar is None else scalar.value.strip()

    def condition(self, key: str, *, required: bool = False) -> Text | None:
        """A condition or output; lines that begin with ``#`` inside a block are comments."""
        scalar = self.scalar(key, required=required)
        if scalar is None:
            return None
        value = scalar.value
        for start, end in scalar.comments():
            value = value[:start] + " " * (end - start) + value[end:]
        return Text(scalar, value)

    def flag(self, key: str, default: bool) -> bool:
        scalar = self.scalar(key)
        if scalar is None:
            return default
        word = scalar.value.strip().lower()
        if word not in _TRUE | _FALSE:
            self.complain(scalar.place, f"{key!r} must be true or false, not {quoted(scalar.value)}")
        return word in _TRUE if word in _TRUE | _FALSE else default

    def scalars(self, key: str, *, required: bool = False) -> list[Scalar]:
        """A list of texts."""
        node = self._mapping.get(key)
        if node is None or (isinstance(node, Scalar) and node.empty):
            if required:
                self.complain(self.key_place(key), f"{self._what} needs {key!r}")
            return []
        if not isinstance(node, Sequence):
            self.complain(node.place, f"{key!r} must be a list, not {kind_of(node)}")
            return []
        found = []
        for item in node.items:
            if isinstance(item, Scalar):
                found.append(item)
            else:
                self.complain(item.place, f"{key!r} holds texts, not {kind_of(item)}")
        return found

    def texts(self, key: str) -> list[str]:
        """A text, or a list of them."""
        node = self._mapping.get(key)
        if isinstance(node, Scalar):
            return [] if node.empty else [node.value.strip()]
        return [scalar.value.strip() for scalar in self.scalars(key)]

    def mappings(self, key: str) -> list[Mapping]:
        """A list of mappings; empty where there is none."""
        node = self._mapping.get(key)
        if node is None or (isinstance(node, Scalar) and node.empty):
            return []
        if not isinstance(node, Sequence):
            self.complain(node.place, f"{key!r} must be a list, not {kind_of(node)}")
            return []
        found = []
        for item in node.items:
            if isinstance(item, Mapping):
                found.append(item)
            else:
                self.complain(item.place, f"{key!r} holds mappings, not {kind_of(item)}")
        return found

    def node(self, key: str) -> Node | None:
        return self._mapping.get(key)

    def priority(self) -> Priority | None:
        """In any case, and short: ``warn`` is Warning, as in Falco."""
        scalar = self.scalar("priority", required=True)
        if scalar is None:
            return None
        word = scalar.value.strip().lower()
        for priority in Priority:
            if priority.lower().startswith(word):
                return priority
        known = ", ".join(Priority)
        near = self.near(scalar.value.capitalize(), Priority)
        self.complain(scalar.place, f"there is no priority {quoted(scalar.value)}{near}; there are {known}")
        return None


def kind_of(node: Node) -> str:
    """For messages."""
    if isinstance(node, Scalar):
        return "nothing" if node.empty else f"the text {quoted(node.value, 30)}"
    return "a list" if isinstance(node, Sequence) else "a mapping"


def overrides(item: Item, appendable: Collection[str], replaceable: Collection[str]) -> dict[str, str]:
    """``override``: key -> ``append`` or ``replace``."""
    node = item.node("override")
    if node is None:
        return {}
    if not isinstance(node, Mapping):
        item.complain(node.place, f"'override' must name keys, each with append or replace, not {kind_of(node)}")
        return {}
    found = {}
    for key, value in node.pairs:
        operation = value.value if isinstance(value, Scalar) else ""
        possible = {"append": appendable, "replace": replaceable}.get(operation)
        if possible is None:
            item.complain(value.place, f"a key is overridden by append or replace, not {kind_of(value)}")
        elif key.value not in possible:
            item.complain(key.place, f"one cannot {operation} {quoted(key.value)}{item.near(key.value, possible)}")
        else:
            found[key.value] = operation
    return found


def tell_missing(item: Item, what: str, name: Scalar, known: Iterable[str]) -> None:
    """Of something that is to be changed, but was never defined."""
    near = item.near(name.value, known)
    item.complain(name.place, f"there is no {what} {quoted(name.value)} in an earlier file, or above in this one{near}")


def warn_again(problems: Problems, what: str, name: Scalar, before: Place | None) -> None:
    """In one file a second definition is a slip; across files it is how rules are adapted."""
    if before is not None and before.file == name.source.name:
        problems.warn(
            name.place, f"the {what} {quoted(name.value)} is defined again; that on line {before.line} is lost"
        )
