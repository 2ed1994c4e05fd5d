"""A file's ``rule`` entries: a new rule, or a change of an earlier one."""

from collections.abc import Callable
from typing import Final

import msgspec

from hullguard.detect.fields import linux
from hullguard.detect.rules.definitions import Definitions, RuleAction, RuleDefinition, SelfTestOption, Words
from hullguard.detect.rules.document import Mapping, Scalar
from hullguard.detect.rules.exceptions import append_exceptions, read_exceptions
from hullguard.detect.rules.problems import Problems, quoted
from hullguard.detect.rules.values import Item, overrides, tell_missing, warn_again

SOURCE: Final = "syscall"
"""The only source of events here; Falco has plug-ins for others."""
_APPENDABLE: Final = ("condition", "output", "desc", "tags", "exceptions")
_SELF_TEST: Final = ("self_test", "self_test_image", "self_test_options", "self_test_needs")
_OWN: Final = ("action", *_SELF_TEST, *Words.__struct_fields__)
"""Hullguard's keys."""
_REPLACEABLE: Final = (*_APPENDABLE, "priority", "enabled", "warn_evttypes", "skip-if-unknown-filter", *_OWN)
_KEYS: Final = ("rule", *_REPLACEABLE, "source", "append", "override", "capture", "capture_duration", "examples")
_OPTIONS: Final = (*SelfTestOption, *linux.CAPABILITY_NAMES)
_NEEDED: Final = ("condition", "output", "desc", "priority")


def read_rule(mapping: Mapping, found: Definitions, problems: Problems) -> None:
    """Adds the rule to ``found``, or changes the one that is there."""
    item = Item(mapping, "a rule", problems)
    item.check_keys(_KEYS)
    name = item.scalar("rule", required=True)
    for key in ("capture", "capture_duration"):
        if item.has(key):
            problems.warn(item.key_place(key), f"{key!r} does nothing here")
    override = overrides(item, _APPENDABLE, _REPLACEABLE)
    append = item.flag("append", False)
    if append and override:
        item.complain(item.key_place("append"), "'append' and 'override' exclude one another; use 'override'")
    if name is None or not item.sound:
        return
    reader = _RuleReader(item, name, found, problems)
    if override:
        reader.override(override)
    elif append:
        reader.override({key: "append" for key in ("condition", "exceptions") if item.has(key)})
    elif any(item.has(key) for key in _NEEDED):
        reader.define()
    else:
        reader.switch()


class _RuleReader:
    def __init__(self, item: Item, name: Scalar, found: Definitions, problems: Problems) -> None:
        self._item, self._name, self._found, self._problems = item, name, found, problems
        self._setters: dict[str, Callable[[RuleDefinition], None]] = {
            "condition": self._set_condition,
            "output": self._set_output,
            "desc": self._set_desc,
            "priority": self._set_priority,
            "tags": self._set_tags,
            "exceptions": self._set_exceptions,
            "enabled": self._set_enabled,
            "warn_evttypes": self._set_warn_types,
            "skip-if-unknown-filter": self._set_skip_unknown,
            "action": self._set_action,
            "self_test": self._set_self_test,
            "self_test_image": self._set_self_test_image,
            "self_test_options": self._set_self_test_options,
            "self_test_needs": self._set_self_test_needs,
        }

    def define(self) -> None:
        item = self._item
        source = item.text("source") or SOURCE
        if source != SOURCE:
            place = item.key_place("source")
            self._problems.warn(place, f"there are no events from {quoted(source)} here; the rule is left out")
            self._found.left_out.add(self._name.value.strip())
            return
        condition = item.condition("condition", required=True)
        output = item.condition("output", required=True)
        item.scalar("desc", required=True)
        priority = item.priority()
        if condition is None or output is None or priority is None:
            return
        name = self._name.value.strip()
        rule = RuleDefinition(name, self._name.place, condition, output, priority)
        for key in ("desc", "tags", "exceptions", "enabled", "warn_evttypes", "skip-if-unknown-filter", *_OWN):
            if item.has(key):
                self._set(rule, key)
        if item.sound:
            before = self._found.rules.get(name)
            warn_again(self._problems, "rule", self._name, before.place if before else None)
            self._found.rules[name] = rule

    def switch(self) -> None:
        """``enabled`` alone switches an earlier rule."""
        if not self._item.has("enabled"):
            needed = ", ".join(map(repr, _NEEDED))
            self._item.complain(self._name.place, f"a rule needs {needed}, or 'enabled' to switch an earlier one")
        elif (rule := self._earlier()) is not None:
            self._set_enabled(rule)

    def override(self, operations: dict[str, str]) -> None:
        rule = self._earlier()
        if rule is None:
            return
        for key in _REPLACEABLE:
            if self._item.has(key) and key not in operations:
                place = self._item.key_place(key)
                self._item.complain(place, f"{key!r} is not named under 'override', so what it does is not clear")
        for key, operation in operations.items():
            if not self._item.has(key):
                place = self._item.key_place("override")
                self._item.complain(place, f"'override' names {key!r}, but there is no {key!r}")
            elif operation == "append":
                self._append(rule, key)
            else:
                self._set(rule, key)

    def _earlier(self) -> RuleDefinition | None:
        rule = self._found.rules.get(self._name.value.strip())
        if rule is None and self._name.value.strip() not in self._found.left_out:
            tell_missing(self._item, "rule", self._name, self._found.rules)
        return rule

    def _append(self, rule: RuleDefinition, key: str) -> None:
        if key == "desc":
            rule.desc = f"{rule.desc} {self._item.text(key)}"
        elif key == "tags":
            rule.tags = list(dict.fromkeys((*rule.tags, *self._item.texts(key))))
        elif key == "exceptions":
            append_exceptions(rule, read_exceptions(self._item, self._problems, append=True), self._item)
        elif (more := self._item.condition(key)) is not None:
            if key == "condition":
                rule.condition = rule.condition.extended(more)
            else:
                rule.output = rule.output.extended(more)

    def _set(self, rule: RuleDefinition, key: str) -> None:
        """One key's value becomes the rule's."""
        if key in self._setters:
            self._setters[key](rule)
        else:
            rule.words = msgspec.structs.replace(rule.words, **{key: "\n".join(self._item.texts(key))})

    def _set_condition(self, rule: RuleDefinition) -> None:
        rule.condition = self._item.condition("condition") or rule.condition

    def _set_output(self, rule: RuleDefinition) -> None:
        rule.output = self._item.condition("output") or rule.output

    def _set_desc(self, rule: RuleDefinition) -> None:
        rule.desc = self._item.text("desc")

    def _set_priority(self, rule: RuleDefinition) -> None:
        rule.priority = self._item.priority() or rule.priority

    def _set_tags(self, rule: RuleDefinition) -> None:
        rule.tags = list(dict.fromkeys(self._item.texts("tags")))

    def _set_exceptions(self, rule: RuleDefinition) -> None:
        rule.exceptions = read_exceptions(self._item, self._problems, append=False)

    def _set_enabled(self, rule: RuleDefinition) -> None:
        rule.enabled = self._item.flag("enabled", rule.enabled)

    def _set_warn_types(self, rule: RuleDefinition) -> None:
        rule.warn_types = self._item.flag("warn_evttypes", True)

    def _set_skip_unknown(self, rule: RuleDefinition) -> None:
        rule.skip_unknown = self._item.flag("skip-if-unknown-filter", False)

    def _set_self_test(self, rule: RuleDefinition) -> None:
        rule.self_test = tuple(self._item.texts("self_test"))

    def _set_self_test_image(self, rule: RuleDefinition) -> None:
        rule.self_test_image = self._item.text("self_test_image")

    def _set_self_test_options(self, rule: RuleDefinition) -> None:
        given = self._item.texts("self_test_options")
        place = self._item.key_place("self_test_options")
        for word in given:
            if word not in _OPTIONS:
                near, known = self._item.near(word, _OPTIONS), ", ".join(SelfTestOption)
                self._item.complain(
                    place, f"no self-test can ask for {quoted(word)}{near}; there are {known} and capabilities"
                )
        rule.self_test_options = tuple(given)

    def _set_self_test_needs(self, rule: RuleDefinition) -> None:
        rule.self_test_needs = tuple(self._item.texts("self_test_needs"))

    def _set_action(self, rule: RuleDefinition) -> None:
        scalar = self._item.scalar("action")
        if scalar is None:
            return
        word = scalar.value.strip().lower()
        if word in {*RuleAction}:
            rule.action = RuleAction(word)
        else:
            near, known = self._item.near(word, RuleAction), ", ".join(RuleAction)
            self._item.complain(scalar.place, f"there is no action {quoted(scalar.value)}{near}; there are {known}")
