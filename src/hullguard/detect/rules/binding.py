"""Looks everything up that a condition names, and checks that operators fit: syntax becomes conditions.

A macro is bound once, however often it is used, and its problems are told by the rules that use it: a file may hold
macros with fields of the future, as Falco lets it, as long as no rule needs them.
"""

from collections.abc import Callable, Iterable
from typing import Final

from msgspec import Struct

from hullguard.detect.fields import lookup
from hullguard.detect.fields.arguments import NAMES
from hullguard.detect.fields.calls import KINDS, is_call
from hullguard.detect.fields.catalog import BY_NAME
from hullguard.detect.fields.field import Argument, Field, FieldType, Several
from hullguard.detect.rules import operators
from hullguard.detect.rules.conditions import Constant, Node, Operand, Pool
from hullguard.detect.rules.definitions import Definitions, RuleDefinition
from hullguard.detect.rules.exceptions import expressions
from hullguard.detect.rules.lists import Lists
from hullguard.detect.rules.parser import LISTING, VAL, Misread, parse
from hullguard.detect.rules.problems import Place, Problems, quoted
from hullguard.detect.rules.syntax import (
    And,
    Call,
    Check,
    Expression,
    FieldName,
    Left,
    Literal,
    MacroName,
    Not,
    Or,
    Spot,
)

_LIKE_FALCOS: Final = {
    "container": "in_container",
    "open_read": "opened_for_reading",
    "open_write": "opened_for_writing",
    "rename": "renamed",
    "spawned_process": "program_starts",
}
"""Macros of Falco's own rule file that everybody writes, and what the pack has in their place."""
TYPES: Final = frozenset({"evt.type", "syscall.type"})
MOST_VALUES: Final = 200_000
"""Values that one test may compare with."""
MOST_ISSUES: Final = 1000
"""Problems that a condition takes over from its macros."""
DEEPEST: Final = 150
"""Parts within one another, all macros put in; shared ones call one another when an event is judged."""


class Issue(Struct, frozen=True):
    """A problem of a condition. ``unknown``: of a field or event that is not known; a rule may be content with that."""

    place: Place
    text: str
    unknown: bool = False
    error: bool = True


class Bound(Struct, frozen=True):
    """A condition, and all its problems with those of its macros."""

    node: Node
    issues: dict[Issue, None]


class Unfit(Exception):
    """A check that cannot be; told at ``spot``."""

    def __init__(self, spot: Spot, text: str, *, unknown: bool = False) -> None:
        super().__init__(text)
        self.spot, self.text, self.unknown = spot, text, unknown


class Binder:
    """Binds the conditions of one set of definitions, in one pool."""

    def __init__(self, definitions: Definitions, pool: Pool, problems: Problems) -> None:
        self._definitions, self._pool, self._problems = definitions, pool, problems
        self._lists = Lists(definitions.lists, problems)
        self._macros: dict[str, Bound] = {}
        self._operands: dict[str, Operand] = {}
        self._bind_macros()

    def rule(self, rule: RuleDefinition) -> Bound:
        """A rule's condition and exceptions."""
        try:
            expression = parse(rule.condition)
            exceptions = expressions(rule)
        except Misread as misread:
            return Bound(self._pool.false, {Issue(misread.at.place, misread.text): None})
        return self.expression(And((expression, *map(Not, exceptions))) if exceptions else expression)

    def expression(self, expression: Expression) -> Bound:
        issues: dict[Issue, None] = {}
        node = self._node(expression, issues)
        if node.depth > DEEPEST:
            place = _first_spot(expression).place
            issues[Issue(place, f"with all macros put in, the condition is nested deeper than {DEEPEST}")] = None
            node = self._pool.false
        return Bound(node, issues)

    # Macros -----------------------------------------------------------------------------------------------------------

    def _bind_macros(self) -> None:
        """Those first that others need: no recursion, however long the chain."""
        parsed: dict[str, Expression] = {}
        for name, macro in self._definitions.macros.items():
            try:
                parsed[name] = parse(macro.condition)
            except Misread as misread:
                self._problems.error(misread.at.place, misread.text)
                self._macros[name] = Bound(self._pool.false, {})
        needs = {name: {one.name: one.at for one in _macro_names(expression)} for name, expression in parsed.items()}
        for name in parsed:
            self._bind_macro(name, parsed, needs)

    def _bind_macro(self, first: str, parsed: dict[str, Expression], needs: dict[str, dict[str, Spot]]) -> None:
        path = [first]
        while path:
            name = path[-1]
            if name in self._macros:
                path.pop()
                continue
            waiting = next((need for need in needs[name] if need in parsed and need not in self._macros), None)
            if waiting is None:
                self._macros[name] = self.expression(parsed[name])
                self._tell_missing(needs[name])
                path.pop()
            elif waiting in path:
                circle = " -> ".join([*path[path.index(waiting) :], waiting])
                self._problems.error(needs[name][waiting].place, f"the macro {waiting!r} contains itself: {circle}")
                self._macros[waiting] = Bound(self._pool.false, {})
            else:
                path.append(waiting)

    def _tell_missing(self, needs: dict[str, Spot]) -> None:
        """An unknown macro is an error even in a macro that nothing uses, as in Falco."""
        for name, spot in needs.items():
            if name not in self._definitions.macros:
                self._problems.error(spot.place, self._no_macro(name))

    def _no_macro(self, name: str) -> str:
        if name in self._definitions.lists:
            return f"{name!r} is a list, not a macro: write FIELD in ({name})"
        if (ours := _LIKE_FALCOS.get(name)) in self._definitions.macros:
            return (
                f"there is no macro {quoted(name)}; Falco's own rule file defines it, Hullguard's rules have {ours!r}"
            )
        return f"there is no macro {quoted(name)}{self._problems.near(name, self._definitions.macros)}"

    # Conditions -------------------------------------------------------------------------------------------------------

    def _node(self, expression: Expression, issues: dict[Issue, None]) -> Node:
        if isinstance(expression, And):
            return self._pool.all_of([self._node(part, issues) for part in expression.parts])
        if isinstance(expression, Or):
            return self._pool.any_of([self._node(part, issues) for part in expression.parts])
        if isinstance(expression, Not):
            return self._pool.opposite(self._node(expression.part, issues))
        if isinstance(expression, MacroName):
            bound = self._macros.get(expression.name)
            if bound is None:
                issues[Issue(expression.at.place, self._no_macro(expression.name))] = None
                return self._pool.false
            if len(issues) < MOST_ISSUES:
                issues.update(bound.issues)
            return bound.node
        try:
            return self.check(expression, issues)
        except Unfit as unfit:
            issues[Issue(unfit.spot.place, unfit.text, unfit.unknown)] = None
            return self._pool.false

    def check(self, check: Check, issues: dict[Issue, None]) -> Node:
        """Raises Unfit."""
        operand = self.operand(check.left)
        self._check_operator(operand, check)
        right = check.right
        if right is None:
            return self._pool.test(operand, "exists", None, None, ())
        operator = "=" if check.operator == "==" else check.operator
        if isinstance(right, FieldName | Call):
            return self._field_beside(operand, operator, right, check)
        literals = right if isinstance(right, tuple) else (right,)
        if operator in LISTING:
            literals = self._lists.expanded(literals, _warnings_into(issues))
            if len(literals) > MOST_VALUES:
                raise Unfit(check.at, f"the list has {len(literals)} values; a test may have {MOST_VALUES}")
        elif not literals[0].quoted and literals[0].text in BY_NAME:
            text = literals[0].text
            note = f"{text!r} is compared as a text; for the field's value write val({text})"
            issues[Issue(literals[0].at.place, note, error=False)] = None
        return self._test(operand, operator, literals)

    def _test(self, operand: Operand, operator: str, literals: tuple[Literal, ...]) -> Node:
        values: list[Constant] = []
        for literal in literals:
            if operand.text in TYPES and not is_call(literal.text) and operator in {"=", "!=", "in", "intersects"}:
                near = self._problems.near(literal.text, KINDS)
                raise Unfit(literal.at, f"there is no system call or event {quoted(literal.text)}{near}", unknown=True)
            try:
                values.append(operators.constant(operand.type, operator, literal.text))
                if operator in {"glob", "iglob", "pmatch", "regex"}:
                    operators.predicate(
                        operand.type, operator, (literal.text,) if operator == "pmatch" else literal.text
                    )
            except ValueError as error:
                raise Unfit(literal.at, f"{operand.text} {operator}: {error}") from None
        words = tuple(literal.text for literal in literals)
        if operator == "pmatch":
            return self._pool.test(operand, operator, tuple(dict.fromkeys(values)), None, words)
        if operator in LISTING:
            return self._pool.test(operand, operator, frozenset(values), None, words)
        return self._pool.test(operand, operator, values[0], None, words)

    def _field_beside(self, operand: Operand, operator: str, right: Left, check: Check) -> Node:
        """``proc.name = val(proc.pname)``."""
        other = self.operand(right.inner if isinstance(right, Call) and right.function == VAL else right)
        if operator in {"pmatch", "regex", "glob", "iglob"} or operand.type is FieldType.NETWORK:
            raise Unfit(check.operator_at, f"{operator!r} cannot compare with another field")
        for one, spot in ((operand, check.at), (other, right.at)):
            if one.several is not Several.ONE:
                raise Unfit(spot, f"{one.text} has several values, so it cannot be compared with another field")
        if operand.type is not other.type and {operand.type, other.type} != {FieldType.NUMBER, FieldType.PORT}:
            kinds = [operators.type_words(one.type, one.several) for one in (operand, other)]
            raise Unfit(right.at, f"{operand.text} is {kinds[0]}, but {other.text} {kinds[1]}")
        return self._pool.test(operand, "=" if operator in LISTING else operator, None, other, (other.text,))

    def _check_operator(self, operand: Operand, check: Check) -> None:
        fitting = operators.OF_LISTS if operand.several is Several.LIST else operators.BY_TYPE[operand.type]
        operator = "=" if check.operator == "==" else check.operator
        if operator not in fitting:
            kind = operators.type_words(operand.type, operand.several)
            known = ", ".join(sorted(fitting))
            raise Unfit(
                check.operator_at, f"{operand.text} is {kind}, which {check.operator!r} cannot test; it has {known}"
            )

    # Fields -----------------------------------------------------------------------------------------------------------

    def operand(self, left: Left) -> Operand:
        """Raises Unfit."""
        functions: list[str] = []
        spot = left.at
        while isinstance(left, Call):
            functions.append(left.function)
            left = left.inner
        functions.reverse()
        name, argument = left.name, left.argument
        text = f"{name}[{argument}]" if argument is not None else name
        for function in functions:
            text = f"{function}({text})"
        known = self._operands.get(text)
        if known is None:
            known = self._operands[text] = self._make(left, tuple(functions), text, spot)
        return known

    def _make(self, name: FieldName, functions: tuple[str, ...], text: str, spot: Spot) -> Operand:
        field, argument = self._field(name)
        try:
            read = field.reader(argument)
        except ValueError as error:
            raise Unfit(name.at, f"{field.name} {error}") from None
        kind, several = field.type, field.several_of(argument)
        if kind is FieldType.ADDRESS:
            read = operators.applied("canonical", read, several)
        for function in functions:
            made = operators.result_type(function, kind, several)
            if made is None:
                raise Unfit(spot, f"{function}() does not take {operators.type_words(kind, several)}")
            read = operators.applied(function, read, several)
            kind, several = made
        return Operand(field, argument, functions, kind, several, text, read)

    def _field(self, name: FieldName) -> tuple[Field, str | None]:
        found = lookup.find(name.name)
        if found is None:
            raise Unfit(
                name.at, f"there is no field {quoted(name.name)}{self._problems.near(name.name, BY_NAME)}", unknown=True
            )
        field, argument = found
        if argument is not None and name.argument is not None:
            raise Unfit(name.at, f"{name.name} has an argument already; it takes nothing in brackets")
        argument = name.argument if argument is None else argument
        if field.name in lookup.OF_ARGUMENTS and argument is not None and not lookup.is_argument(argument):
            near = self._problems.near(argument, NAMES)
            raise Unfit(name.at, f"no event has an argument {quoted(argument)}{near}", unknown=True)
        if argument is not None and field.argument is Argument.INDEX and argument != "*" and not argument.isdigit():
            raise Unfit(name.at, f"{field.name} takes a number from 0, or *, in its brackets, not {quoted(argument)}")
        return field, argument


def _warnings_into(issues: dict[Issue, None]) -> Callable[[Place, str], None]:
    def warn(place: Place, text: str) -> None:
        issues[Issue(place, text, error=False)] = None

    return warn


def _macro_names(expression: Expression) -> Iterable[MacroName]:
    waiting = [expression]
    while waiting:
        part = waiting.pop()
        if isinstance(part, MacroName):
            yield part
        elif isinstance(part, And | Or):
            waiting.extend(reversed(part.parts))
        elif isinstance(part, Not):
            waiting.append(part.part)


def _first_spot(expression: Expression) -> Spot:
    while True:
        if isinstance(expression, And | Or):
            expression = expression.parts[0]
        elif isinstance(expression, Not):
            expression = expression.part
        else:
            return expression.at
