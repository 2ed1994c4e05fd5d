"""Ignore files: plain lines (``CVE-2024-1 until:2026-12-31  # why``), or YAML when the name ends so."""

import re
from datetime import date
from typing import TYPE_CHECKING, NoReturn

from hullguard.imagescan.suppress import purl
from hullguard.imagescan.suppress.rule import Product, Rule
from hullguard.model.errors import Invalid
from hullguard.model.report import SuppressedBy

if TYPE_CHECKING:
    import yaml

_MAX_RULES = 100_000
_MAX_TEXT = 1000
_MAX_DEPTH = 4
_KEYS = frozenset({"id", "reason", "until", "package", "purl", "path"})
_UNTIL = ("until:", "exp:")
_ODD_ENDS = re.compile(r"\r(?!\n)|[\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
"""What ends a line in Python, in YAML or in some editor: behind it a comment could hide an entry."""


def read(content: bytes, name: str) -> list[Rule]:
    """The rules of a file; raises Invalid with the line of what is wrong."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as cause:
        raise Invalid(f"{name}: not UTF-8 text", "suppress.not-text") from cause
    for odd in _ODD_ENDS.finditer(text):
        at = text.count("\n", 0, odd.start()) + 1
        _refuse(name, at, f"the character U+{ord(odd[0]):04X}, which ends a line for some programs and not for others")
    rules = _yaml(text, name) if name.endswith((".yaml", ".yml")) else _lines(text, name)
    if len(rules) > _MAX_RULES:
        raise Invalid(f"{name}: more than {_MAX_RULES} entries", "suppress.too-many")
    return rules


def _lines(text: str, name: str) -> list[Rule]:
    rules = []
    for number, line in enumerate(text.split("\n"), 1):
        said, _, comment = line.partition("#")
        words = said.split()
        if not words:
            continue
        until = None
        for word in words[1:]:
            mark = next((mark for mark in _UNTIL if word.startswith(mark)), None)
            if mark is None:
                _refuse(
                    name,
                    number,
                    f"{word[:80]!r} is neither until:YYYY-MM-DD nor a # with the reason",
                )
            if until is not None:
                _refuse(name, number, "until is given twice")
            until = _date(word.removeprefix(mark), name, number)
        reason = comment.strip()[:_MAX_TEXT] or f"listed in {name}"
        rules.append(_rule(words[0], reason, f"{name}, line {number}", until=until))
    return rules


def _yaml(text: str, name: str) -> list[Rule]:
    import yaml

    try:
        _check_shape(text, name)
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as cause:
        line = cause.problem_mark.line + 1 if cause.problem_mark else 1
        _refuse(name, line, f"no YAML: {cause.problem}", cause)
    except (yaml.YAMLError, ValueError, OverflowError) as cause:  # the last: an escape beyond Unicode
        _refuse(name, 1, f"no YAML: {cause}", cause)
    if root is None:
        return []
    if isinstance(root, yaml.MappingNode):
        keys = [key.value for key, _ in root.value]
        if keys != ["ignore"]:
            _refuse(name, root.start_mark.line + 1, "expected a list of entries, or one key `ignore` with it")
        root = root.value[0][1]
    if not isinstance(root, yaml.SequenceNode):
        _refuse(name, root.start_mark.line + 1, "expected a list of entries")
    return [_entry(node, name) for node in root.value]


def _check_shape(text: str, name: str) -> None:
    """Aliases and deep nesting have no use here, and could make a small file large."""
    import yaml

    depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        line = event.start_mark.line + 1 if event.start_mark else 1
        if isinstance(event, yaml.AliasEvent):
            _refuse(name, line, "aliases are not allowed")
        if isinstance(event, yaml.ScalarEvent) and any("\ud800" <= character <= "\udfff" for character in event.value):
            _refuse(name, line, "an escape that is no character")
        if depth > _MAX_DEPTH:
            _refuse(name, line, "nested too deeply")


def _entry(node: "yaml.Node", name: str) -> Rule:
    import yaml

    line = node.start_mark.line + 1
    if not isinstance(node, yaml.MappingNode):
        _refuse(name, line, "expected an entry with id and reason")
    fields: dict[str, str] = {}
    for key, value in node.value:
        at = key.start_mark.line + 1
        if not isinstance(key, yaml.ScalarNode) or key.value not in _KEYS:
            known = ", ".join(sorted(_KEYS))
            _refuse(name, at, f"unknown key {str(key.value)[:80]!r}; known are {known}")
        if not isinstance(value, yaml.ScalarNode) or not value.value.strip() or len(value.value) > _MAX_TEXT:
            _refuse(name, at, f"{key.value} must be a short text")
        if key.value in fields:
            _refuse(name, at, f"{key.value} is given twice")
        fields[key.value] = value.value.strip()
    for needed in ("id", "reason"):
        if needed not in fields:
            _refuse(name, line, f"{needed} is missing")
    if "purl" in fields and (fault := purl.fault(fields["purl"])) is not None:
        _refuse(name, line, fault)
    product = purl.read(fields["purl"]) if "purl" in fields else None
    return Rule(
        SuppressedBy.IGNORE_FILE,
        frozenset({fields["id"]}),
        fields["reason"],
        f"{name}, line {line}",
        products=(Product(product),) if product else (),
        package=fields.get("package"),
        path=fields.get("path"),
        until=_date(fields["until"], name, line) if "until" in fields else None,
    )


def _rule(identity: str, reason: str, where: str, *, until: date | None) -> Rule:
    return Rule(SuppressedBy.IGNORE_FILE, frozenset({identity}), reason, where, until=until)


def _date(text: str, name: str, line: int) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as cause:
        _refuse(name, line, f"{text[:80]!r} is no date; write YYYY-MM-DD", cause)


def _refuse(name: str, line: int, why: str, cause: BaseException | None = None) -> NoReturn:
    raise Invalid(f"{name}, line {line}: {why}", "suppress.invalid") from cause
