"""Every action that the code records can be chosen in the console's audit, and has words there in both languages."""

import ast
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from hullguard.model.advisory_update import RunKind, RunState

ROOT = Path(__file__).parents[2]
SOURCES = sorted((ROOT / "src" / "hullguard").rglob("*.py"))
CONSOLE = ROOT / "console" / "src"
LISTED = json.loads((CONSOLE / "components" / "audit" / "actions.json").read_text(encoding="utf-8"))
POSITIONS = {"audit.record": 2, "call.record": 1, "denials.record": 3}
"""Which argument of those that write records is the action."""
MADE = {
    "advisories.{run.kind.value}.end": {f"advisories.{kind.value}.end" for kind in RunKind},
    # Of an agent: the two ends of a command that it can tell.
    "command.{state}": {"command.done", "command.failed"},
    "command.{own.state}": {"command.done", "command.failed"},
    # A person can only move a profile on to these.
    "profile.{data.state}": {"profile.monitor", "profile.protect"},
}
"""Actions that are put together, and what they come to."""
BOUNDLESS = {"{method(connection).lower()} {connection.scope.get('path_template', '')}"}
"""A request that was denied bears its own name."""


def actions(tree: ast.Module) -> Iterator[str]:
    """What one module records, as literals and as ``{…}`` of what is put together."""
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    wrappers = {
        function.name: [one.arg for one in function.args.args].index("action")
        for function in functions
        if any(one.arg == "action" for one in function.args.args)
    }
    for function in functions:
        for call in (node for node in ast.walk(function) if isinstance(node, ast.Call)):
            position = {**POSITIONS, **wrappers}.get(ast.unparse(call.func))
            if position is not None:
                yield from values(call.args[position], function)


def values(argument: ast.expr, function: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[str]:
    """What an argument can be; nothing where the function was given it, whose callers are asked then."""
    if isinstance(argument, ast.Constant):
        yield str(argument.value)
    elif isinstance(argument, ast.JoinedStr):
        yield "".join(
            str(part.value) if isinstance(part, ast.Constant) else f"{{{ast.unparse(part.value)}}}"  # type: ignore[attr-defined]
            for part in argument.values
        )
    elif isinstance(argument, ast.IfExp):
        yield from (each for branch in (argument.body, argument.orelse) for each in values(branch, function))
    elif isinstance(argument, ast.Name) and argument.id not in {one.arg for one in function.args.args}:
        found = [
            node.value
            for node in ast.walk(function)
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == argument.id
        ]
        assert found, f"what {argument.id} is in {function.name} cannot be told"
        yield from (each for value in found for each in values(value, function))


def recorded() -> set[str]:
    """Every action of every module."""
    found: set[str] = set()
    for path in SOURCES:
        for action in actions(ast.parse(path.read_text(encoding="utf-8"))):
            if action not in BOUNDLESS:
                found |= MADE[action] if "{" in action else {action}
    return found


def test_every_recorded_action_can_be_chosen_and_no_other() -> None:
    found = recorded()
    listed = [action for group in LISTED.values() for action in group]

    assert {"node.unprotect", "policy.roll-back", "profile.protect", "registry.scan", "session.create"} <= found
    assert set(listed) == found
    assert len(listed) == len(set(listed))


@pytest.mark.parametrize("language", ["en", "zh-CN"])
def test_every_recorded_action_and_outcome_has_words(language: str) -> None:
    words = json.loads((CONSOLE / "i18n" / language / "admin.json").read_text(encoding="utf-8"))

    missing = {action for action in recorded() if action.replace(".", "_") not in words["auditAction"]}

    assert missing == set()
    ends = {RunState.DONE, RunState.PARTIAL, RunState.FAILED}
    assert {*(state.value for state in ends), "denied"} <= set(words["outcome"])
