"""The door: rule files in, judgements of events out."""

import re
from collections.abc import Iterable, Sequence
from typing import Final

from msgspec import Struct

from hullguard.detect.fields.calls import event_type
from hullguard.detect.fields.paths import by_other_names
from hullguard.detect.rules.binding import Binder, Issue, Unfit
from hullguard.detect.rules.compiler import Judge, Memo, Program
from hullguard.detect.rules.conditions import Node, Operand, Pool, operands, within
from hullguard.detect.rules.definitions import Priority, RuleAction, RuleDefinition, Words
from hullguard.detect.rules.doubts import doubts
from hullguard.detect.rules.filters import ALL_TYPES
from hullguard.detect.rules.output import Output, parse_output
from hullguard.detect.rules.prefilter import Prefilter, bounds
from hullguard.detect.rules.problems import InvalidRules, Place, Problem, Problems
from hullguard.detect.rules.reading import RuleFile, read
from hullguard.detect.rules.syntax import Left
from hullguard.model.event import Event
from hullguard.model.severity import Severity

_TECHNIQUE = re.compile(r"T\d{4}(?:\.\d{3})?")
_ENVIRONMENT: Final = frozenset({"proc.env", "proc.aenv"})


class Rule(Struct, frozen=True, kw_only=True):
    """A rule, ready to judge."""

    name: str
    place: Place
    desc: str
    priority: Priority
    tags: tuple[str, ...]
    enabled: bool
    action: RuleAction
    self_test: tuple[str, ...]
    self_test_image: str
    self_test_options: tuple[str, ...]
    self_test_needs: tuple[str, ...]
    words: Words
    output: Output
    condition: Node
    by_name: bool
    """Its condition asks for the file's path, so it is judged under each of the file's names."""

    @property
    def severity(self) -> Severity:
        return self.priority.severity

    @property
    def technique(self) -> str:
        """The first MITRE ATT&CK technique of its tags, or nothing."""
        return next((tag for tag in self.tags if _TECHNIQUE.fullmatch(tag)), "")


class Match(Struct, frozen=True):
    """A rule that holds for an event."""

    rule: Rule
    event: Event
    """Under the name of the file for which the rule holds."""

    @property
    def output(self) -> str:
        """The rule's sentence."""
        return self.rule.output.render(self.event)

    @property
    def fields(self) -> dict[str, str]:
        """The values in that sentence, by field."""
        return self.rule.output.values(self.event)

    @property
    def unknown(self) -> tuple[str, ...]:
        """Fields of the condition that the event did not have: what the rule could not look at."""
        asked = operands(within([self.rule.condition]))
        return tuple(sorted(operand.text for operand in asked if operand.read(self.event) is None))


class RuleSet:
    """Rules compiled together."""

    def __init__(self, rules: Sequence[Rule], problems: Sequence[Problem] = ()) -> None:
        self.rules = tuple(rules)
        self.problems = tuple(problems)
        """Warnings of the files."""
        active = [rule for rule in self.rules if rule.enabled]
        self._program = Program([rule.condition for rule in active])
        found = bounds(rule.condition for rule in active)
        self._prefilters = tuple(Prefilter.of(rule.name, found[rule.condition.number]) for rule in active)
        compiled = list(zip(active, self._program.judges, self._prefilters, strict=True))
        self._by_type: dict[str, tuple[tuple[Rule, Judge], ...]] = {
            call: tuple((rule, judge) for rule, judge, prefilter in compiled if call in prefilter.types)
            for call in ALL_TYPES
        }
        # A call that is in no table may be anything.
        self._all = tuple((rule, judge) for rule, judge, _ in compiled)

    @classmethod
    def load(cls, files: Sequence[RuleFile]) -> "RuleSet":
        """Raises InvalidRules, which holds every problem of all files, if there is an error in any."""
        rules, problems = check(files)
        if any(problem.error for problem in problems):
            raise InvalidRules(problems)
        return cls(rules, problems)

    def judge(self, event: Event) -> list[Match]:
        """The rules that hold for the event, in the files' order."""
        candidates = self._by_type.get(event_type(event), self._all)
        if not candidates:
            return []
        memo = Memo(self._program, event)
        found = [Match(rule, event) for rule, judge in candidates if judge(memo)]
        for other in by_other_names(event):
            held = {match.rule.name for match in found}
            memo = Memo(self._program, other)
            found += [
                Match(rule, other)
                for rule, judge in candidates
                if rule.by_name and rule.name not in held and judge(memo)
            ]
        return found

    def prefilters(self) -> tuple[Prefilter, ...]:
        """For each rule that is on, what the kernel can tell of the events for which it holds."""
        return self._prefilters

    def variables(self) -> frozenset[str] | None:
        """Names of the environment variables that rules ask for; None if one asks for all of them."""
        asked: set[str] = set()
        for operand in self._asked():
            if operand.field.name not in _ENVIRONMENT:
                continue
            if operand.argument is None or operand.argument == "*" or operand.argument.isdigit():
                return None
            asked.add(operand.argument)
        return frozenset(asked)

    def _asked(self) -> Iterable[Operand]:
        for rule in self.rules:
            if rule.enabled:
                yield from operands(within([rule.condition]))
                yield from rule.output.operands


def check(files: Sequence[RuleFile]) -> tuple[list[Rule], tuple[Problem, ...]]:
    """The rules that are sound, and every problem of the files."""
    problems = Problems()
    definitions = read(files, problems)
    pool = Pool()
    binder = Binder(definitions, pool, problems)
    rules = []
    for definition in definitions.rules.values():
        rule = _Maker(definition, binder, problems).make()
        if rule is not None:
            rules.append(rule)
    found = bounds(rule.condition for rule in rules)
    for rule, doubt in zip(rules, doubts([rule.condition for rule in rules], pool), strict=True):
        for text in doubt.sentences() if rule.enabled else ():
            problems.warn(rule.place, f"the rule {rule.name!r} {text}")
        types = Prefilter.of(rule.name, found[rule.condition.number]).types
        if rule.enabled and types == ALL_TYPES and definitions.rules[rule.name].warn_types:
            problems.warn(rule.place, f"the rule {rule.name!r} is asked of every event: it names no evt.type")
    return rules, tuple(problems)


class _Maker:
    """Makes one rule of its definition."""

    def __init__(self, definition: RuleDefinition, binder: Binder, problems: Problems) -> None:
        self._definition, self._binder, self._problems = definition, binder, problems

    def make(self) -> Rule | None:
        """None where it cannot be used."""
        definition = self._definition
        bound = self._binder.rule(definition)
        output, output_issues = self._output()
        issues = [*bound.issues, *output_issues]
        skipped = definition.skip_unknown and any(issue.unknown for issue in issues)
        sound = True
        for issue in issues:
            if issue.error and not (skipped and issue.unknown):
                sound = False
                self._problems.error(issue.place, issue.text)
            else:
                self._problems.warn(issue.place, issue.text)
        if skipped:
            reason = "it asks to be left out where a field is unknown"
            self._problems.warn(definition.place, f"the rule {definition.name!r} is left out: {reason}")
        if skipped or not sound:
            return None
        return Rule(
            name=definition.name,
            place=definition.place,
            desc=definition.desc,
            priority=definition.priority,
            tags=tuple(definition.tags),
            enabled=definition.enabled,
            action=definition.action,
            self_test=definition.self_test,
            self_test_image=definition.self_test_image,
            self_test_options=definition.self_test_options,
            self_test_needs=definition.self_test_needs,
            words=definition.words,
            output=output,
            condition=bound.node,
            by_name=any(operand.field.by_name for operand in operands(within([bound.node]))),
        )

    def _output(self) -> tuple[Output, list[Issue]]:
        issues: list[Issue] = []

        def operand(left: Left) -> Operand | None:
            try:
                return self._binder.operand(left)
            except Unfit as unfit:
                issues.append(Issue(unfit.spot.place, unfit.text, unfit.unknown))
                return None

        return parse_output(self._definition.output, operand), issues
