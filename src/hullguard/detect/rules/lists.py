"""Lists put in where conditions name them, and in one another."""

from collections.abc import Callable, Sequence
from typing import Final

from hullguard.detect.rules.definitions import ListDefinition
from hullguard.detect.rules.parser import Misread, literal
from hullguard.detect.rules.problems import Place, Problems, quoted
from hullguard.detect.rules.syntax import Literal, Text

MOST: Final = 200_000
"""Values of one list, with those of the lists in it."""
_MOST_COMPARED: Final = 100
"""Values of a condition's own list that are looked at for slips."""


class Lists:
    """All lists, put in once each."""

    def __init__(self, definitions: dict[str, ListDefinition], problems: Problems) -> None:
        self._definitions, self._problems = definitions, problems
        self._known: dict[str, tuple[Literal, ...]] = {}
        for name in definitions:
            self._put_in(name)

    def expanded(self, literals: Sequence[Literal], warn: Callable[[Place, str], None]) -> tuple[Literal, ...]:
        """The values that a condition lists; a name without quotes is a list's, if there is one.

        A lone name that is no list, and a value that looks like a list's name with a slip, are told.
        """
        found: list[Literal] = []
        for one in literals:
            values = None if one.quoted else self._known.get(one.text)
            if values is not None:
                found.extend(values)
                continue
            found.append(one)
            if not one.quoted and "_" in one.text and len(literals) <= _MOST_COMPARED:
                near = self._problems.near(
                    one.text, (name for name in self._definitions if abs(len(name) - len(one.text)) < 3)
                )
                if near:
                    warn(one.at.place, f"{quoted(one.text)} is no list{near}")
        return tuple(found)

    def __contains__(self, name: str) -> bool:
        return name in self._definitions

    def _put_in(self, first: str) -> None:
        """Those first that others hold: no recursion."""
        path = [first]
        while path:
            name = path[-1]
            if name in self._known:
                path.pop()
                continue
            items = self._items(name)
            waiting = next((one for one in items if self._names_list(one, name) and one.text not in self._known), None)
            if waiting is None:
                self._known[name] = self._joined(name, items)
                path.pop()
            elif waiting.text in path:
                circle = " -> ".join([*path[path.index(waiting.text) :], waiting.text])
                self._problems.error(waiting.at.place, f"the list {waiting.text!r} holds itself: {circle}")
                self._known[waiting.text] = ()
            else:
                path.append(waiting.text)

    def _names_list(self, item: Literal, within: str) -> bool:
        """A list may hold a value of its own name: ``list: sshd`` with the item ``sshd``."""
        return not item.quoted and item.text != within and item.text in self._definitions

    def _items(self, name: str) -> list[Literal]:
        found = []
        for scalar in self._definitions[name].items:
            try:
                found.append(literal(Text(scalar)))
            except Misread as misread:
                self._problems.error(misread.at.place, misread.text)
        return found

    def _joined(self, name: str, items: list[Literal]) -> tuple[Literal, ...]:
        found: list[Literal] = []
        for item in items:
            if self._names_list(item, name):
                found.extend(self._known[item.text])
            else:
                found.append(item)
            if len(found) > MOST:
                place = self._definitions[name].place
                self._problems.error(place, f"with the lists in it, {quoted(name)} has more than {MOST} values")
                return ()
        return tuple(found)
