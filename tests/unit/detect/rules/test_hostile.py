"""No file hangs, exhausts or breaks what reads it."""

import re
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.events import event, process
from tests.support.rules import errors, holds, problems, rules, with_condition

from hullguard.detect.rules.document import LARGEST
from hullguard.detect.rules.problems import MOST
from hullguard.detect.rules.reading import MOST_RULES, RuleFile
from hullguard.detect.rules.ruleset import check

LINE = re.compile(r"1\.yaml:\d+:\d+: (error|warning): [^\n]+")


def test_a_file_of_10_mb_is_refused() -> None:
    (problem,) = check([RuleFile("big", b"- list: l\n  items: []\n" * 500_000)])[1]

    assert f"a rule file has at most {LARGEST}" in problem.text


def test_a_list_of_100_000_values() -> None:
    items = ",".join(f"program-{number}" for number in range(100_000))
    loaded = rules(f"- list: l\n  items: [{items}]\n" + with_condition("proc.name in (l) and not proc.pname in (l)"))

    assert loaded.judge(event(lineage=(process(comm="program-77777"),)))
    assert not loaded.judge(event())


def test_lists_that_hold_one_another_ten_times_over() -> None:
    items = ["- list: l0\n  items: [a, b, c, d, e, f, g, h, i, j]"]
    items += [f"- list: l{n}\n  items: [{', '.join([f'l{n - 1}'] * 10)}]" for n in range(1, 30)]

    assert "has more than 200000 values" in errors("\n".join(items))[0]


def test_a_chain_of_10_000_lists_is_no_recursion() -> None:
    items = [f"- list: l{n}\n  items: [l{n - 1}]" for n in range(MOST_RULES - 2, 0, -1)]
    text = "\n".join(items) + "\n- list: l0\n  items: [sh]\n" + with_condition(f"proc.name in (l{MOST_RULES - 2})")

    assert rules(text).judge(event())


def test_too_many_rules() -> None:
    assert errors("- {list: l, items: []}\n" * (MOST_RULES + 5)) == [
        f"1.yaml:{MOST_RULES + 1}:3: error: the file has more than {MOST_RULES} rules, macros and lists"
    ]


def test_so_many_mistakes_that_not_all_are_kept() -> None:
    text = "".join(with_condition(f"proc.n{n} = a").replace("rule: r", f"rule: r{n}") for n in range(MOST + 500))
    found = problems(text)

    assert len(found) == MOST
    assert all(LINE.fullmatch(line) for line in found)


def test_warnings_never_crowd_out_an_error() -> None:
    text = "- nothing: 1\n" * (MOST + 5) + with_condition("proc.nam = a")

    assert len(errors(text)) == 1


def test_a_condition_with_10_000_alternatives() -> None:
    many = " or ".join(f"(proc.pid = {n} and proc.name = p{n})" for n in range(5000))

    assert holds(f"evt.type = execve and ({many} or proc.name = sh)", event())


def test_memory_stays_bounded() -> None:
    # Almost the largest file, almost all values.
    content = b"- list: l\n  items: [" + b"a," * 290_000 + b"b]\n"
    tracemalloc.start()
    rules_found, found = check([RuleFile("wide", content)])
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert (rules_found, len(found)) == ([], 1)
    assert peak < 400 << 20


_WORDS = st.sampled_from(
    ["rule", "macro", "list", "condition", "items", "output", "desc", "priority", "append", "override", "exceptions",
     "fields", "values", "comps", "name", "enabled", "true", "INFO", "proc.name", "=", "in", "(a)", "%proc.name", "r", "m",
     "and", "m or m", "l", "*", "&a", "tags"]
)  # fmt: skip
_YAML = st.recursive(
    _WORDS | st.none() | st.integers(0, 9).map(str),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_WORDS, inner, max_size=5),
    max_leaves=25,
)


@settings(max_examples=300)
@given(st.lists(_YAML, max_size=6))
def test_any_structure_gives_rules_or_located_problems(structure: list[object]) -> None:
    import yaml

    found, told = check([RuleFile("1.yaml", yaml.safe_dump(structure).encode())])

    assert all(LINE.fullmatch(str(problem)) for problem in told)
    assert isinstance(found, list)


@given(st.binary(max_size=300) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "replace")))
def test_any_bytes_give_rules_or_located_problems(content: bytes) -> None:
    _, told = check([RuleFile("1.yaml", content)])

    assert all(LINE.fullmatch(str(problem)) for problem in told)


@settings(max_examples=300)
@given(st.text(max_size=80))
def test_any_condition_gives_a_rule_or_located_problems(condition: str) -> None:
    import yaml

    rule = {"rule": "r", "desc": "d", "condition": condition, "output": condition, "priority": "INFO"}
    found, told = check([RuleFile("1.yaml", yaml.safe_dump([rule]).encode())])

    assert all(LINE.fullmatch(str(problem)) for problem in told)
    assert found or told


@pytest.mark.parametrize("text", ["", "---\n---\n", "# nothing\n", "[]", "- \n- ~\n"])
def test_nothing_is_nothing(text: str) -> None:
    assert problems(text) == []
    assert rules(text).judge(event()) == []
