"""Files become definitions: later ones replace, append to and override earlier ones, as in Falco."""

import re
from collections.abc import Callable, Sequence
from typing import Final

from msgspec import Struct

from hullguard.detect.rules import document
from hullguard.detect.rules.definitions import Definitions, ListDefinition, MacroDefinition
from hullguard.detect.rules.document import Mapping, Node, Scalar
from hullguard.detect.rules.problems import Problems, quoted
from hullguard.detect.rules.rule_reading import read_rule
from hullguard.detect.rules.values import Item, kind_of, overrides, tell_missing, warn_again

ENGINE: Final = (0, 57, 0)
"""The version of Falco's engine whose language this is."""
PLUGINS: Final = frozenset({"container"})
"""Falco's plug-ins whose fields are built in here."""
MOST_RULES: Final = 10_000
"""Rules, macros and lists of one file, each."""

_MACRO_NAME = re.compile(r"[a-zA-Z]+[a-zA-Z0-9_]*")
_LIST_NAME = re.compile(r"[^()\"'\s=,]+")


class RuleFile(Struct, frozen=True):
    """One rule file: ``name`` is what messages call it."""

    name: str
    content: bytes


def read(files: Sequence[RuleFile], problems: Problems) -> Definitions:
    """All definitions; what is wrong is told, and left out."""
    found = Definitions()
    for file in files:
        _Reader(found, problems).read(file)
    return found


class _Reader:
    """Reads one file into what the files before it have defined."""

    def __init__(self, found: Definitions, problems: Problems) -> None:
        self._found, self._problems = found, problems
        self._count = 0
        self._kinds: dict[str, Callable[[Mapping], None]] = {
            "required_engine_version": self._engine,
            "required_plugin_versions": self._plugins,
            "list": self._list,
            "macro": self._macro,
            "rule": lambda mapping: read_rule(mapping, self._found, self._problems),
        }

    def read(self, file: RuleFile) -> None:
        for root in document.parse(file.name, file.content, self._problems):
            if isinstance(root, Scalar) and root.empty:
                continue
            if not isinstance(root, document.Sequence):
                self._problems.error(
                    root.place, f"a rule file is a list of rules, macros and lists, not {kind_of(root)}"
                )
                continue
            for item in root.items:
                self._item(item)

    def _item(self, node: Node) -> None:
        if isinstance(node, Scalar) and node.empty:
            return
        if not isinstance(node, Mapping):
            self._problems.error(node.place, f"expected a rule, macro or list, not {kind_of(node)}")
            return
        self._count += 1
        if self._count > MOST_RULES:
            if self._count == MOST_RULES + 1:
                self._problems.error(node.place, f"the file has more than {MOST_RULES} rules, macros and lists")
            return
        kind = next((kind for kind in self._kinds if node.get(kind) is not None), None)
        if kind is not None:
            self._kinds[kind](node)
            return
        keys = [key.value for key, _ in node.pairs]
        near = next((found for key in keys if (found := self._problems.near(key, self._kinds))), "")
        known = ", ".join(self._kinds)
        self._problems.warn(node.place, f"none of {known} is here{near}; the entry is ignored")

    # Requirements -----------------------------------------------------------------------------------------------------

    def _engine(self, mapping: Mapping) -> None:
        item = Item(mapping, "an entry for the engine's version", self._problems)
        item.check_keys(("required_engine_version",))
        scalar = item.scalar("required_engine_version", required=True)
        if scalar is None:
            return
        version = _version(scalar.value)
        if version is None:
            item.complain(scalar.place, f"a version is a number or X.Y.Z, not {quoted(scalar.value)}")
        elif version > ENGINE:
            ours = ".".join(map(str, ENGINE))
            self._problems.warn(
                scalar.place, f"written for engine {scalar.value}; what came after {ours} may not be understood here"
            )

    def _plugins(self, mapping: Mapping) -> None:
        item = Item(mapping, "an entry for plug-ins", self._problems)
        item.check_keys(("required_plugin_versions",))
        for plugin in item.mappings("required_plugin_versions"):
            entry = Item(plugin, "a plug-in", self._problems)
            entry.check_keys(("name", "version", "alternatives"))
            name = entry.scalar("name", required=True)
            version = entry.scalar("version", required=True)
            if version is not None and _version(version.value) is None:
                entry.complain(version.place, f"a version is X.Y.Z, not {quoted(version.value)}")
            others = [Item(other, "a plug-in", self._problems).text("name") for other in entry.mappings("alternatives")]
            if name is not None and not PLUGINS & {name.value, *others}:
                self._problems.warn(
                    name.place, f"there is no plug-in {quoted(name.value)} here: rules that need its fields are errors"
                )

    # Lists and macros -------------------------------------------------------------------------------------------------

    def _list(self, mapping: Mapping) -> None:
        item = Item(mapping, "a list", self._problems)
        item.check_keys(("list", "items", "append", "override"))
        name = self._name(item, "list", _LIST_NAME, "must not have blanks, quotes, brackets, commas or '='")
        items = item.scalars("items", required=True)
        append = self._appends(item, "items")
        if name is None or not item.sound:
            return
        before = self._found.lists.get(name.value)
        if not append:
            warn_again(self._problems, "list", name, before.place if before else None)
            self._found.lists[name.value] = ListDefinition(name.value, name.place, items)
        elif before is None:
            tell_missing(item, "list", name, self._found.lists)
        else:
            before.items.extend(items)

    def _macro(self, mapping: Mapping) -> None:
        item = Item(mapping, "a macro", self._problems)
        item.check_keys(("macro", "condition", "append", "override"))
        name = self._name(item, "macro", _MACRO_NAME, "must begin with a letter and have letters, digits and '_' only")
        condition = item.condition("condition", required=True)
        append = self._appends(item, "condition")
        if name is None or condition is None or not item.sound:
            return
        before = self._found.macros.get(name.value)
        if not append:
            warn_again(self._problems, "macro", name, before.place if before else None)
            self._found.macros[name.value] = MacroDefinition(name.value, name.place, condition)
        elif before is None:
            tell_missing(item, "macro", name, self._found.macros)
        else:
            before.condition = before.condition.extended(condition)

    def _appends(self, item: Item, key: str) -> bool:
        """Whether the only thing that can be appended to is."""
        override = overrides(item, (key,), (key,))
        append = item.flag("append", False)
        if append and override:
            item.complain(item.key_place("append"), "'append' and 'override' exclude one another; use 'override'")
        return append or override.get(key) == "append"

    def _name(self, item: Item, key: str, pattern: re.Pattern[str], rule: str) -> Scalar | None:
        name = item.scalar(key, required=True)
        if name is not None and not pattern.fullmatch(name.value):
            item.complain(name.place, f"the name {quoted(name.value)} {rule}")
            return None
        return name


def _version(text: str) -> tuple[int, int, int] | None:
    """``17`` is 0.17.0."""
    found = re.fullmatch(r"(\d{1,9})(?:\.(\d{1,9})\.(\d{1,9})(?:[-+][\w.+-]*)?)?", text.strip(), re.ASCII)
    if not found:
        return None
    if found[2] is None:
        return 0, int(found[1]), 0
    return int(found[1]), int(found[2]), int(found[3])
