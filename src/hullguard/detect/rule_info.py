"""What people are told of rules."""

from collections.abc import Sequence
from functools import cache

from hullguard.detect.pack import load_pack
from hullguard.detect.rulebook import examine
from hullguard.detect.rules.explain import explain
from hullguard.detect.rules.problems import Problem
from hullguard.detect.rules.ruleset import Rule
from hullguard.model.policy import RulesSpec
from hullguard.model.rule import CheckedRules, RuleInfo, RuleProblem
from hullguard.words import chinese


@cache
def pack_info() -> tuple[RuleInfo, ...]:
    """The rules that come with the product."""
    return _info(load_pack().rules)


def checked(spec: RulesSpec) -> CheckedRules:
    """All rules of a policy, and every problem of its files; raises Invalid where the files are too many or large."""
    rules, problems = examine(spec)
    return CheckedRules(_info(rules), tuple(map(_told, problems)))


def _told(problem: Problem) -> RuleProblem:
    place = problem.place
    return RuleProblem(
        place.file, place.line, place.column, problem.text, chinese().of(problem.text), error=problem.error
    )


def _info(rules: Sequence[Rule]) -> tuple[RuleInfo, ...]:
    return tuple(
        RuleInfo(
            name=rule.name,
            file=rule.place.file,
            title=rule.words.title or rule.name,
            title_zh=rule.words.title_zh or rule.words.title or rule.name,
            desc=rule.desc,
            severity=rule.severity,
            technique=rule.technique,
            tags=rule.tags,
            enabled=rule.enabled,
            kinds=explained.kinds,
            cost=str(explained.cost),
            why=rule.words.why,
            why_zh=rule.words.why_zh,
            advice=rule.words.advice,
            advice_zh=rule.words.advice_zh,
            false_positives=rule.words.false_positives,
            false_positives_zh=rule.words.false_positives_zh,
        )
        for rule, explained in zip(rules, explain(rules), strict=True)
    )
