"""Conditions become functions of Python: one per rule, shared parts computed once an event.

A function takes a ``Memo``, which is a dictionary that computes what is asked of it the first time: the values of
fields, and parts that several rules share. So a condition is one expression over ``m[3]`` and constants. The code is
built as a tree of ``ast``; texts of rules get into it as constants only, never as code.
"""

import ast
import types
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from hullguard.detect.fields.field import FieldType, Several
from hullguard.detect.rules import operators
from hullguard.detect.rules.conditions import Fixed, Joined, Node, Operand, Opposite, Test, within
from hullguard.model.event import Event

DEEPEST: Final = 12
"""Levels of a condition in one function; what is deeper is a function of its own, since Python's compiler recurses."""
_COMPARISONS: Final[dict[str, type[ast.cmpop]]] = {
    "=": ast.Eq, "!=": ast.NotEq, "<": ast.Lt, "<=": ast.LtE, ">": ast.Gt, ">=": ast.GtE,
}  # fmt: skip
_COSTS: Final = {"=": 1, "!=": 2, "in": 1, "startswith": 2, "endswith": 2, "contains": 3, "glob": 6, "pmatch": 9}
"""What a test takes, roughly; others 5, ``regex`` 30."""

Judge = Callable[["Memo"], bool]


class Memo(dict[int, Any]):
    """What is known of one event."""

    __slots__ = ("event", "program")

    def __init__(self, program: "Program", event: Event) -> None:
        self.program, self.event = program, event

    def __missing__(self, slot: int) -> Any:
        compute = self.program.slots[slot]
        value = self[slot] = compute(self.event) if slot < self.program.first_part else compute(self)
        return value


class Program:
    """The functions of some conditions."""

    def __init__(self, roots: Sequence[Node]) -> None:
        nodes = within(roots)
        self.slots: list[Callable[[Any], Any]] = []
        self._operands: dict[str, int] = {}
        self._constants: dict[str, object] = {}
        for operand in _operands(nodes):
            self._operands[operand.text] = len(self.slots)
            self.slots.append(operand.read)
        self.first_part = len(self.slots)
        self._parts = self._choose_parts(nodes, roots)
        self._costs = _costs(nodes)
        bodies = {f"part{number}": self._body(node) for number, node in self._own_parts(nodes)}
        bodies |= {f"rule{index}": self._use(root) for index, root in enumerate(roots)}
        functions = _functions(bodies, self._constants)
        self.slots += [functions[f"part{number}"] for number, _ in self._own_parts(nodes)]
        self.judges: list[Judge] = [functions[f"rule{index}"] for index in range(len(roots))]

    def _choose_parts(self, nodes: list[Node], roots: Sequence[Node]) -> dict[int, int]:
        """The parts that get a slot: those that are used more than once and cost something, and those too deep."""
        uses = Counter(part.number for node in nodes for part in node.parts)
        uses.update(root.number for root in roots)
        chosen: dict[int, int] = {}
        heights: dict[int, int] = {}
        for node in nodes:
            height = 1 + max((heights[part.number] for part in node.parts), default=0)
            shared = uses[node.number] > 1 and (isinstance(node, Joined) or _test_cost(node) > 4)
            if shared or height >= DEEPEST:
                chosen[node.number] = self.first_part + len(chosen)
                height = 0
            heights[node.number] = height
        return chosen

    def _own_parts(self, nodes: list[Node]) -> list[tuple[int, Node]]:
        return [(node.number, node) for node in nodes if node.number in self._parts]

    # Expressions ------------------------------------------------------------------------------------------------------

    def _use(self, node: Node) -> ast.expr:
        slot = self._parts.get(node.number)
        return self._body(node) if slot is None else _slot(slot)

    def _body(self, node: Node) -> ast.expr:
        if isinstance(node, Fixed):
            return ast.Constant(node.value)
        if isinstance(node, Opposite):
            return ast.UnaryOp(ast.Not(), self._use(node.part))
        if isinstance(node, Joined):
            # Tests have no effects, so the cheap ones may go first.
            parts = sorted(node.parts, key=lambda part: self._costs[part.number])
            return ast.BoolOp(ast.And() if node.all_of else ast.Or(), [self._use(part) for part in parts])
        assert isinstance(node, Test)  # noqa: S101 - there are no other nodes
        return self._test(node)

    def _test(self, test: Test) -> ast.expr:
        value = _slot(self._operands[test.operand.text])
        if test.other is not None:
            return self._beside(test, value, _slot(self._operands[test.other.text]))
        if test.operand.several is not Several.ONE:
            return self._of_several(test, value)
        if test.operator == "exists":
            return ast.Compare(value, [ast.IsNot()], [ast.Constant(None)])
        kind, constant = test.operand.type, test.value
        if kind is not FieldType.NETWORK and test.operator in {"=", "in", "intersects"}:
            comparison: ast.cmpop = ast.Eq() if test.operator == "=" else ast.In()
            return ast.Compare(value, [comparison], [self._constant(constant)])
        if test.operand.field.always and test.operand.plain:
            return self._check(test, value)
        there = ast.Compare(ast.NamedExpr(_name("v", ast.Store()), value), [ast.IsNot()], [ast.Constant(None)])
        return ast.BoolOp(ast.And(), [there, self._check(test, _name("v"))])

    def _check(self, test: Test, value: ast.expr) -> ast.expr:
        """The test of a value that is there."""
        operator = test.operator
        if test.operand.type is not FieldType.NETWORK:
            if operator in _COMPARISONS:
                return ast.Compare(value, [_COMPARISONS[operator]()], [self._constant(test.value)])
            if operator in {"contains", "bcontains"}:
                return ast.Compare(self._constant(test.value), [ast.In()], [value])
            if operator in {"startswith", "bstartswith", "endswith"}:
                method = "endswith" if operator == "endswith" else "startswith"
                return _call(ast.Attribute(value, method, ast.Load()), self._constant(test.value))
            if operator == "icontains":
                lower = _call(ast.Attribute(value, "lower", ast.Load()))
                return ast.Compare(ast.Constant(str(test.value).lower()), [ast.In()], [lower])
        return _call(self._global(operators.predicate(test.operand.type, operator, test.value)), value)

    def _beside(self, test: Test, value: ast.expr, other: ast.expr) -> ast.expr:
        """Two fields; one that is not there compares with nothing."""
        make = operators.predicate
        kind, operator = test.operand.type, test.operator
        compare = self._global(lambda one, two: one is not None and two is not None and make(kind, operator, two)(one))
        return _call(compare, value, other)

    def _of_several(self, test: Test, value: ast.expr) -> ast.expr:
        return _call(self._global(of_several(test)), value)

    def _constant(self, value: Any) -> ast.expr:
        return ast.Constant(value)

    def _global(self, value: object) -> ast.expr:
        name = f"k{len(self._constants)}"
        self._constants[name] = value
        return _name(name)


def of_several(test: Test) -> Callable[[tuple[Any, ...] | None], bool]:
    """The test of a field with several values."""
    operand, operator, value = test.operand, test.operator, test.value
    if operator == "exists":
        return bool
    check = operators.predicate(operand.type, operator, value)
    if operand.several is Several.LIST and operator == "in":
        return lambda values: bool(values) and all(map(check, values or ()))
    if operand.several is Several.EITHER and operator == "!=":
        return lambda values: bool(values) and all(map(check, values or ()))
    return lambda values: any(map(check, values or ()))


def _operands(nodes: Iterable[Node]) -> Iterable[Operand]:
    found: dict[str, Operand] = {}
    for node in nodes:
        if isinstance(node, Test):
            for operand in (node.operand, node.other):
                if operand is not None:
                    found.setdefault(operand.text, operand)
    return found.values()


def _test_cost(node: Node) -> int:
    if not isinstance(node, Test):
        return 0
    several = 5 if node.operand.several is not Several.ONE or node.operand.type is FieldType.NETWORK else 0
    return several + (30 if node.operator == "regex" else _COSTS.get(node.operator, 5))


def _costs(nodes: list[Node]) -> dict[int, float]:
    """Of each part: an ``and`` mostly ends at its first, an ``or`` does not."""
    costs: dict[int, float] = {}
    for node in nodes:
        parts = sorted(costs[part.number] for part in node.parts)
        if isinstance(node, Joined) and node.all_of:
            costs[node.number] = parts[0] + sum(parts[1:]) / 4
        else:
            costs[node.number] = sum(parts) + _test_cost(node)
    return costs


def _name(name: str, context: ast.expr_context | None = None) -> ast.Name:
    return ast.Name(name, context or ast.Load())


def _slot(number: int) -> ast.expr:
    return ast.Subscript(_name("m"), ast.Constant(number), ast.Load())


def _call(function: ast.expr, *arguments: ast.expr) -> ast.expr:
    return ast.Call(function, list(arguments), [])


def _functions(bodies: dict[str, ast.expr], constants: dict[str, object]) -> dict[str, Judge]:
    """One function of ``m`` for each expression."""
    parameters = ast.arguments(posonlyargs=[], args=[ast.arg("m")], kwonlyargs=[], kw_defaults=[], defaults=[])
    definitions: list[ast.stmt] = [
        ast.FunctionDef(name, parameters, [ast.Return(body)], decorator_list=[], returns=None)
        for name, body in bodies.items()
    ]
    tree = ast.fix_missing_locations(ast.Module(definitions, type_ignores=[]))
    code = compile(tree, "<rules>", "exec")
    made = (constant for constant in code.co_consts if isinstance(constant, types.CodeType))
    return {one.co_name: types.FunctionType(one, constants) for one in made}
