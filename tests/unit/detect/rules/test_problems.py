"""Every mistake is told with its place, and what was probably meant."""

import pytest
from tests.support.rules import errors, problems, with_condition

RULE = "- rule: r\n  desc: d\n  condition: proc.pid = 1\n  output: o\n  priority: INFO\n"
MACRO = "- macro: m\n  condition: proc.name = a\n"
LIST = "- list: l\n  items: [a]\n"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        # The file
        ("a: b", "1.yaml:1:1: error: a rule file is a list of rules, macros and lists, not a mapping"),
        ("- a", "1.yaml:1:3: error: expected a rule, macro or list, not the text 'a'"),
        ("- rul: x", ("1.yaml:1:3: warning: none of required_engine_version, required_plugin_versions, list, macro, rule is here; "
         "did you mean 'rule'?; the entry is ignored")),
        ("- required_engine_version: x", "1.yaml:1:28: error: a version is a number or X.Y.Z, not 'x'"),
        ("- required_engine_version: 0.99.0", ("1.yaml:1:28: warning: written for engine 0.99.0; what came after 0.57.0 may not "
         "be understood here")),
        ("- required_engine_version: 17", None),
        ("- required_plugin_versions:\n    - name: json\n      version: 0.7.0", ("1.yaml:2:13: warning: there is no plug-in 'json' "
         "here: rules that need its fields are errors")),
        ("- required_plugin_versions:\n    - name: container\n      version: new", "1.yaml:3:16: error: a version is X.Y.Z, not 'new'"),
        # Lists
        ("- list: l", "1.yaml:1:3: error: a list needs 'items'"),
        ("- list: 'a b'\n  items: []", "1.yaml:1:9: error: the name 'a b' must not have blanks, quotes, brackets, commas or '='"),
        ("- list: l\n  items: a", "1.yaml:2:10: error: 'items' must be a list, not the text 'a'"),
        ("- list: l\n  items: [[a]]", "1.yaml:2:11: error: 'items' holds texts, not a list"),
        ("- list: l\n  items: [a]\n  itms: [b]", "1.yaml:3:3: warning: a list has no key 'itms'; did you mean 'items'?; it is ignored"),
        ("- list: l\n  items: [a]\n  append: true", "1.yaml:1:9: error: there is no list 'l' in an earlier file, or above in this one"),
        (LIST + LIST, "1.yaml:3:9: warning: the list 'l' is defined again; that on line 1 is lost"),
        ("- list: a\n  items: [b]\n- list: b\n  items: [a]", "1.yaml:4:11: error: the list 'a' holds itself: a -> b -> a"),
        ("- list: l\n  items: ['\"a\\x\"']", "1.yaml:2:14: error: there is no escape '\\\\x'"),
        # Macros
        ("- macro: m", "1.yaml:1:3: error: a macro needs 'condition'"),
        ("- macro: 1m\n  condition: a", "1.yaml:1:10: error: the name '1m' must begin with a letter and have letters, digits and '_' only"),
        ("- macro: m\n  condition: [a]", "1.yaml:2:14: error: 'condition' must be a text, not a list"),
        ("- macro: m\n  condition: n", "1.yaml:2:14: error: there is no macro 'n'"),
        (MACRO + "- macro: mm\n  condition: not mn", "1.yaml:4:18: error: there is no macro 'mn'; did you mean"),
        (LIST + "- macro: m\n  condition: l", "1.yaml:4:14: error: 'l' is a list, not a macro: write FIELD in (l)"),
        ("- macro: m\n  condition: m", "1.yaml:2:14: error: the macro 'm' contains itself: m -> m"),
        ("- macro: a\n  condition: b\n- macro: b\n  condition: x.y = 1 and a", "1.yaml:4:26: error: the macro 'a' contains itself: a -> b -> a"),
        ("- macro: m\n  condition: a.b >", "1.yaml:2:19: error: expected a number after '>', not the end of the condition"),
        ("- macro: m\n  condition: a.b = c\n", None),
        # Rules
        ("- rule: r", "1.yaml:1:9: error: a rule needs 'condition', 'output', 'desc', 'priority', or 'enabled' to switch an earlier one"),
        ("- rule: r\n  enabled: false", "1.yaml:1:9: error: there is no rule 'r' in an earlier file, or above in this one"),
        ("- rule: r\n  desc: d\n  output: o\n  priority: INFO", "1.yaml:1:3: error: a rule needs 'condition'"),
        (RULE.replace("desc: d", "desc:"), "1.yaml:2:3: error: a rule needs 'desc'"),
        (RULE.replace("INFO", "HUGE"), "1.yaml:5:13: error: there is no priority 'HUGE'; there are Emergency, Alert"),
        (RULE.replace("INFO", "WARNNIG"), "did you mean 'Warning'?"),
        (RULE + "  enabled: maybe", "1.yaml:6:12: error: 'enabled' must be true or false, not 'maybe'"),
        (RULE + "  tags: {a: b}", "1.yaml:6:9: error: 'tags' must be a list, not a mapping"),
        (RULE + "  action: kil", "1.yaml:6:11: error: there is no action 'kil'; did you mean 'kill'?; there are alert, kill, block, pause"),
        (RULE + "  tgas: []", "1.yaml:6:3: warning: a rule has no key 'tgas'; did you mean 'tags'?; it is ignored"),
        (RULE + "  output: p", "1.yaml:6:3: warning: 'output' is given twice; the one on line 4 counts"),
        (RULE + "  capture: true", "1.yaml:6:3: warning: 'capture' does nothing here"),
        (RULE + RULE, "1.yaml:6:9: warning: the rule 'r' is defined again; that on line 1 is lost"),
        (RULE + "- rule: q\n  condition: and a\n  append: true", "1.yaml:6:9: error: there is no rule 'q' in an earlier file"),
        (RULE + "- rule: r\n  append: true\n  desc: x\n  override: {desc: append}", "1.yaml:7:3: error: 'append' and 'override' exclude"),
        (RULE + "- rule: r\n  override: {priority: append}\n  priority: INFO", "1.yaml:7:14: error: one cannot append 'priority'"),
        (RULE + "- rule: r\n  override: {desc: prepend}\n  desc: x", "1.yaml:7:20: error: a key is overridden by append or replace, not the text 'prepend'"),
        (RULE + "- rule: r\n  override: [desc]\n  desc: x", "1.yaml:7:13: error: 'override' must name keys, each with append or replace, not a list"),
        (RULE + "- rule: r\n  override: {desc: append}", "1.yaml:7:3: error: 'override' names 'desc', but there is no 'desc'"),
        (RULE + "- rule: r\n  override: {desc: append}\n  desc: x\n  output: y", "1.yaml:9:3: error: 'output' is not named under 'override'"),
        # Exceptions
        (RULE + "  exceptions: a", "1.yaml:6:15: error: 'exceptions' must be a list, not the text 'a'"),
        (RULE + "  exceptions: [{name: e}]", "1.yaml:6:16: error: an exception needs 'fields'"),
        (RULE + "  exceptions: [{fields: [proc.name]}]", "1.yaml:6:16: error: an exception needs 'name'"),
        (RULE + "  exceptions:\n  - {name: e, fields: [proc.name]}\n  - {name: e, fields: [proc.name]}", "1.yaml:8:12: error: the exception 'e' is there twice"),
        (RULE + "  exceptions: [{name: e, fields: [proc.name], comps: [like]}]", "1.yaml:6:55: error: there is no operator 'like'"),
        (RULE + "  exceptions: [{name: e, fields: [proc.name], comps: [=, in]}]", "1.yaml:6:47: error: there are 1 fields, but 2 operators in 'comps'"),
        (RULE + "  exceptions: [{name: e, fields: proc.name, comps: =}]", "error: beside one field, 'comps' is one of intersects, in, pmatch"),
        (RULE + "  exceptions: [{name: e, fields: [proc.name, proc.pid], values: [[a]]}]", "1.yaml:6:66: error: there are 2 fields, but 1 values here"),
        (RULE + "  exceptions: [{name: e, fields: proc.name, values: [[a, b]]}]", "1.yaml:6:54: error: beside one field, each of 'values' is one text"),
        (RULE + "  exceptions: [{name: e, fields: [proc.name], values: a}]", "1.yaml:6:55: error: 'values' must be a list, not the text 'a'"),
        (RULE + "  exceptions: [{name: e, fields: [proc.name], values: [{a: b}]}]", "a value is a text or a list of texts, not a mapping"),
        (RULE + "  exceptions: [{name: e, fields: [proc.nam], values: [[a]]}]", "1.yaml:6:35: error: there is no field 'proc.nam'; did you mean 'proc.name'?"),
        (RULE + "  exceptions: [{name: e, fields: [proc], values: [[a]]}]", "1.yaml:6:35: error: expected a field such as proc.name, not 'proc'"),
        (RULE + "  exceptions: [{name: e, fields: [proc.name], values: [[[a, b]]]}]", "'=' takes one value, not a list; a list goes with"),
        (RULE + "  exceptions: [{name: e, fields: [proc.pid], values: [[abc]]}]", "'abc' is not a whole number"),
        (RULE + "- rule: r\n  exceptions: [{name: e, values: [[a]]}]\n  append: true", "the rule has no exception 'e'; a new one needs 'fields'"),
        (RULE + "  exceptions: [{name: e, fields: [proc.name]}]\n- rule: r\n  exceptions: [{name: e, fields: [proc.pid]}]\n  append: true",
         "the exception 'e' exists: only 'values' can be appended to it"),
        (RULE + "  exceptions: [{name: e, fields: [proc.name]}]\n- rule: r\n  exceptions: [{name: e, values: [[a, b]]}]\n  append: true",
         "there are 1 fields, but 2 values here"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_files(text: str, line: str | None) -> None:
    found = problems(text)

    if line is None:
        assert found == []
    else:
        assert any(line in one for one in found), found


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        ("proc.nam = a", "4:5: error: there is no field 'proc.nam'; did you mean 'proc.name'?"),
        ("proc = a", "4:10: error: expected 'and', 'or' or the end, not '='"),
        ("evt.type = opennat", "4:16: error: there is no system call or event 'opennat'; did you mean 'openat'?"),
        ("evt.type in (open, opne)", "4:24: error: there is no system call or event 'opne'; did you mean 'open'?"),
        ("evt.arg.flgas contains x", "4:5: error: no event has an argument 'flgas'; did you mean 'flags'?"),
        ("evt.arg = x", "4:5: error: evt.arg needs an argument"),
        ("evt.arg.flags[1] = x", "4:5: error: evt.arg.flags has an argument already; it takes nothing in brackets"),
        ("proc.name[1] = x", "4:5: error: proc.name takes nothing in brackets"),
        ("proc.aname[x] = y", "4:5: error: proc.aname takes a number from 0, or *, in its brackets, not 'x'"),
        ("container.mount = x", "4:5: error: container.mount needs an argument"),
        ("shel_procs", "4:5: error: there is no macro 'shel_procs'"),
        ("proc.pid = 1\nand proc.nam = a", "5:9: error: there is no field 'proc.nam'"),
        ("proc.name in (a, b) and proc.name in names", None),
    ],
)
def test_what_is_wrong_with_conditions(condition: str, said: str | None) -> None:
    found = errors(with_condition(condition))

    assert found == [] if said is None else any(f"1.yaml:{said}" in one for one in found)


def test_a_fold_does_not_move_places() -> None:
    text = (
        "- rule: r\n  desc: d\n  output: o\n  priority: INFO\n  condition: >\n    proc.pid = 1\n      and\n\n"
        "    (proc.nam = a\n     or proc.pi = 2)\n"
    )

    assert [line.split(" error")[0] for line in errors(text)] == ["1.yaml:9:6:", "1.yaml:10:9:"]


def test_all_mistakes_are_told_at_once() -> None:
    text = with_condition("proc.nam = a and proc.pi = 1 and nothing", "%proc.nam and %fd.nam")

    assert len(errors(text)) == 5


def test_an_appended_condition_is_wrong_where_it_stands() -> None:
    found = errors(with_condition("proc.pid = 1"), "- rule: r\n  condition: and proc.nam = a\n  append: true\n")

    assert found == ["2.yaml:2:18: error: there is no field 'proc.nam'; did you mean 'proc.name'?"]


def test_a_mistake_in_a_macro_is_told_once_and_where_it_is() -> None:
    macro = "- macro: m\n  condition: proc.nam = a\n"

    assert errors(macro) == []
    assert errors(macro + with_condition("m and m") + with_condition("not m").replace("rule: r", "rule: s")) == [
        "1.yaml:2:14: error: there is no field 'proc.nam'; did you mean 'proc.name'?"
    ]


def test_a_slip_in_a_lists_name() -> None:
    text = "- list: shell_binaries\n  items: [sh]\n" + with_condition("proc.name in (shell_binareis, a_b)")

    assert "1.yaml:6:19: warning: 'shell_binareis' is no list; did you mean 'shell_binaries'?" in problems(text)
    assert len([line for line in problems(text) if "is no list" in line]) == 1


def test_a_field_that_is_compared_as_a_text() -> None:
    (line, *_) = problems(with_condition("evt.type = open and proc.name = proc.pname"))

    assert line == (
        "1.yaml:4:37: warning: 'proc.pname' is compared as a text; for the field's value write val(proc.pname)"
    )


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        ("evt.type = execve and container.healthcheck = x", "can never fire here (container.healthcheck: "),
        ("evt.type = ioctl", "can never fire here (no event here is an ioctl)"),
        ("evt.type in (open, ioctl)", "holds here in part: no event here is an ioctl"),
        (
            "evt.type = execve and (proc.name = a or k8s.ns.id = b)",
            "may miss events: k8s.ns.id = b cannot be told here (k8s.ns.id: ",
        ),
        (
            "evt.type = execve and not k8s.ns.id in (a, b)",
            "may fire too often: its exception k8s.ns.id in (a, b) cannot be told here (k8s.ns.id: ",
        ),
        ("proc.name = a", "is asked of every event: it names no evt.type"),
    ],
)
def test_what_cannot_be_known_here_is_told(condition: str, said: str) -> None:
    assert any(f"1.yaml:1:9: warning: the rule 'r' {said}" in line for line in problems(with_condition(condition)))
    assert problems(with_condition(condition) + "  enabled: false\n") == []


def test_what_is_known_needs_no_word() -> None:
    assert problems(with_condition("evt.type = execve and proc.name = a and not user.name = root")) == []
    assert problems(with_condition("proc.name = a") + "  warn_evttypes: false\n") == []
