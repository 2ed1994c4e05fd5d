"""Compiled conditions judge as a plain reading of them does."""

import pytest
from hypothesis import example, given, settings
from tests.support.events import event, process
from tests.support.rule_conditions import conditions, holds
from tests.support.rule_events import events
from tests.support.rules import errors, rules, with_condition

from hullguard.detect.fields.paths import by_other_names
from hullguard.detect.rules.compiler import Memo, Program
from hullguard.detect.rules.conditions import Operand
from hullguard.detect.rules.document import parse as parse_yaml
from hullguard.detect.rules.parser import parse
from hullguard.detect.rules.problems import Problems
from hullguard.detect.rules.ruleset import RuleSet
from hullguard.detect.rules.syntax import Text
from hullguard.model.event import Event, EventKind


def syntax_of(condition: str) -> Text:
    (scalar,) = parse_yaml("x", ("|\n  " + condition).encode(), Problems())
    return Text(scalar)


@settings(max_examples=400)
@given(conditions(), events())
@example("not (proc.name = sh)", event(lineage=(process(comm=""),)))
@example("fd.name = /bin/su", event(EventKind.FILE_OPEN, path="/usr/bin/su", raw_path="/bin/su"))
def test_as_the_plain_reading_has_it(condition: str, happened: Event) -> None:
    expression = parse(syntax_of(condition))
    expected = any(holds(expression, one) for one in (happened, *by_other_names(happened)))

    assert bool(rules(with_condition(condition)).judge(happened)) is expected


def chain(length: int, condition: str) -> str:
    """Macros that each use the one before twice: put in as text, the last would be 2**length long."""
    items = ["- macro: m0\n  condition: proc.name = sh"]
    items += [f"- macro: m{n}\n  condition: {condition.format(f'm{n - 1}', n + 5)}" for n in range(1, length)]
    return "\n".join(items) + "\n" + with_condition(f"evt.type = execve and m{length - 1}")


@pytest.mark.parametrize(
    "condition", ["not {0} or ({0} and {0})", "(evt.num > {1} and {0}) or proc.pid = {1} and not {0}"]
)
def test_macros_that_grow_without_end_do_not(condition: str) -> None:
    loaded = rules(chain(40, condition))

    assert isinstance(loaded.judge(event()), list)


def test_no_depth_that_is_let_in_is_too_deep_to_judge() -> None:
    loaded = rules(chain(70, "proc.pid > {1} or not {0}"))

    # 69 times the opposite of ``proc.name = sh``.
    assert loaded.judge(event(lineage=(process(pid=0, comm="sh"),))) == []
    assert loaded.judge(event(lineage=(process(pid=0, comm="ps"),)))


@pytest.mark.parametrize("length", [200, 5000])
def test_a_chain_of_macros_that_is_too_long_is_an_error(length: int) -> None:
    (first, *_) = errors(chain(length, "(evt.num >= {1} or {0})"))

    assert "nested deeper than 150" in first


def test_what_is_shared_is_read_once() -> None:
    loaded = rules(
        with_condition("proc.cmdline contains a and proc.cmdline contains b"),
        with_condition("proc.cmdline contains c or proc.cmdline contains sh").replace("rule: r", "rule: s"),
    )
    reads = []
    program = loaded._program
    slot = 0
    read = program.slots[slot]
    program.slots[slot] = lambda happened: (reads.append(1), read(happened))[1]
    memo = Memo(program, event())

    assert [judge(memo) for judge in program.judges] == [False, True]
    assert len(reads) == 1


def test_texts_of_rules_are_never_code() -> None:
    loaded = rules(
        with_condition("""proc.name = "__import__('os').abort()" or proc.args contains "\\" or m[0] or \\"" """)
    )

    assert loaded.judge(event()) == []


def test_an_empty_program_judges_nothing() -> None:
    assert Program([]).judges == []
    assert RuleSet([]).judge(event()) == []


def test_operands_are_told_apart_by_their_text() -> None:
    loaded = rules(with_condition("proc.aname[1] = runc and proc.aname[2] exists"))
    texts = {operand.text for operand in loaded._asked() if isinstance(operand, Operand)}

    assert texts == {"proc.aname[1]", "proc.aname[2]"}
