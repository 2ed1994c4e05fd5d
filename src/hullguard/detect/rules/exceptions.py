"""``exceptions`` of a rule: when it must not fire, as lists of values beside lists of fields."""

from typing import Final

from hullguard.detect.rules.definitions import ExceptionValues, RuleDefinition, RuleException, ValueEntry
from hullguard.detect.rules.document import Mapping, Node, Scalar, Sequence
from hullguard.detect.rules.parser import LISTING, OPERATORS, Misread, literal, parse_left, parse_values
from hullguard.detect.rules.problems import Problems, quoted
from hullguard.detect.rules.syntax import And, Check, Expression, Literal, Or, Spot, Text
from hullguard.detect.rules.values import Item, kind_of

_COMPARISONS: Final = tuple(operator for operator in OPERATORS if operator != "exists")


def read_exceptions(rule: Item, problems: Problems, *, append: bool) -> list[RuleException]:
    """``append``: fields and operators may be left out, where the exception exists."""
    found: list[RuleException] = []
    for mapping in rule.mappings("exceptions"):
        item = Item(mapping, "an exception", problems)
        exception = _exception(item, append=append)
        rule.sound = rule.sound and item.sound
        if exception is None:
            continue
        if any(other.name == exception.name for other in found):
            rule.complain(exception.place, f"the exception {quoted(exception.name)} is there twice")
        found.append(exception)
    return found


def append_exceptions(rule: RuleDefinition, more: list[RuleException], item: Item) -> None:
    """Values go to the exception of the same name; a new exception is added."""
    for exception in more:
        before = next((one for one in rule.exceptions if one.name == exception.name), None)
        if before is not None:
            if exception.fields is not None or exception.comparisons is not None:
                item.complain(
                    exception.place,
                    f"the exception {quoted(exception.name)} exists: only 'values' can be appended to it",
                )
                continue
            wanted = len(before.fields or ())
            for values in exception.values:
                _check_count(item, values, wanted, single=before.single)
            if item.sound:
                before.values += exception.values
        elif exception.fields is None:
            names = [one.name for one in rule.exceptions]
            near = item.near(exception.name, names)
            item.complain(
                exception.place, f"the rule has no exception {quoted(exception.name)}{near}; a new one needs 'fields'"
            )
        else:
            rule.exceptions.append(exception)


def expressions(rule: RuleDefinition) -> list[Expression]:
    """Conditions for which the rule must not fire. Raises Misread for a field or value that cannot be read."""
    return [found for exception in rule.exceptions if (found := _expression(exception)) is not None]


def _expression(exception: RuleException) -> Expression | None:
    """None where the exception has no values (yet): later files may bring some."""
    fields = [(parse_left(text), Spot(text, 0)) for text in exception.fields or ()]
    default = "in" if exception.single else "="
    named = [scalar.value for scalar in exception.comparisons or ()]
    operators = named or [default] * len(fields)
    if not exception.values:
        return None
    if exception.single:
        left, spot = fields[0]
        scalars = [entry.scalar for values in exception.values for entry in values.entries]
        listed = tuple(value for scalar in scalars if scalar is not None for value in _listed(scalar))
        return Check(left, operators[0], listed, spot, spot)
    alternatives: list[Expression] = []
    for values in exception.values:
        checks: list[Expression] = [
            Check(left, operator, _right(operator, entry, spot), spot, spot)
            for (left, spot), operator, entry in zip(fields, operators, values.entries, strict=True)
        ]
        alternatives.append(checks[0] if len(checks) == 1 else And(tuple(checks)))
    return alternatives[0] if len(alternatives) == 1 else Or(tuple(alternatives))


def _right(operator: str, entry: ValueEntry, spot: Spot) -> Literal | tuple[Literal, ...]:
    if operator in LISTING:
        return _listed(entry.scalar) if entry.scalar else tuple(literal(Text(one)) for one in entry.items)
    if entry.scalar is None:
        place = Spot(Text(entry.items[0]), 0) if entry.items else spot
        raise Misread(f"{operator!r} takes one value, not a list; a list goes with {', '.join(LISTING)}", place)
    return literal(Text(entry.scalar))


def _listed(scalar: Scalar) -> tuple[Literal, ...]:
    """``(a, b)`` is a list in a text, as Falco has it."""
    text = Text(scalar)
    return parse_values(text) if scalar.value.startswith("(") else (literal(text),)


def _exception(item: Item, *, append: bool) -> RuleException | None:
    item.check_keys(("name", "fields", "comps", "values"))
    name = item.scalar("name", required=True)
    single = isinstance(item.node("fields"), Scalar)
    fields = _scalars(item, "fields")
    comparisons = _scalars(item, "comps")
    if fields is None and not append:
        item.complain(item.place, "an exception needs 'fields'")
    values = _values(item)
    if name is None or not item.sound:
        return None
    exception = RuleException(
        name=name.value,
        place=name.place,
        fields=None if fields is None else tuple(map(Text, fields)),
        single=single,
        comparisons=None if comparisons is None else tuple(comparisons),
        values=[],
    )
    _check_comparisons(item, exception)
    for entries in values:
        if fields is not None:
            _check_count(item, entries, len(fields), single=single)
        exception.values.append(entries)
    return exception


def _scalars(item: Item, key: str) -> list[Scalar] | None:
    """A text, or a list of them; None where there is none."""
    node = item.node(key)
    if node is None or (isinstance(node, Scalar) and node.empty):
        return None
    return [node] if isinstance(node, Scalar) else item.scalars(key)


def _check_comparisons(item: Item, exception: RuleException) -> None:
    comparisons = exception.comparisons
    if comparisons is None:
        return
    for scalar in comparisons:
        if scalar.value not in _COMPARISONS:
            near = item.near(scalar.value, _COMPARISONS)
            item.complain(scalar.place, f"there is no operator {quoted(scalar.value)}{near}")
    if exception.fields is None:
        return
    if len(comparisons) != len(exception.fields):
        item.complain(
            item.key_place("comps"),
            f"there are {len(exception.fields)} fields, but {len(comparisons)} operators in 'comps'",
        )
    if exception.single and comparisons and comparisons[0].value not in LISTING:
        known = ", ".join(LISTING)
        item.complain(comparisons[0].place, f"beside one field, 'comps' is one of {known}; write 'fields' as a list")


def _values(item: Item) -> list[ExceptionValues]:
    node = item.node("values")
    if node is None or (isinstance(node, Scalar) and node.empty):
        return []
    if not isinstance(node, Sequence):
        item.complain(node.place, f"'values' must be a list, not {kind_of(node)}")
        return []
    found = []
    for entry in node.items:
        if isinstance(entry, Sequence):
            entries = [_entry(item, one) for one in entry.items]
            found.append(ExceptionValues(tuple(one for one in entries if one is not None), entry.place))
        elif (single := _entry(item, entry)) is not None:
            found.append(ExceptionValues((single,), entry.place))
    return found


def _entry(item: Item, node: Node) -> ValueEntry | None:
    if isinstance(node, Scalar):
        return ValueEntry(node)
    if isinstance(node, Mapping):
        item.complain(node.place, "a value is a text or a list of texts, not a mapping")
        return None
    items = []
    for one in node.items:
        if isinstance(one, Scalar):
            items.append(one)
        else:
            item.complain(one.place, f"a list of values holds texts, not {kind_of(one)}")
    return ValueEntry(None, tuple(items))


def _check_count(item: Item, values: ExceptionValues, wanted: int, *, single: bool) -> None:
    if single and (len(values.entries) != 1 or values.entries[0].scalar is None):
        item.complain(values.place, "beside one field, each of 'values' is one text")
    elif len(values.entries) != wanted:
        item.complain(values.place, f"there are {wanted} fields, but {len(values.entries)} values here")
