"""Small rule files for tests."""

from hullguard.detect.rules.problems import Problem
from hullguard.detect.rules.reading import RuleFile
from hullguard.detect.rules.ruleset import RuleSet, check
from hullguard.model.event import Event


def file(text: str, name: str = "rules.yaml") -> RuleFile:
    return RuleFile(name, text.encode())


def with_condition(condition: str, output: str = "fired") -> str:
    """A file with one rule ``r``."""
    indented = condition.replace("\n", "\n    ")
    return f"- rule: r\n  desc: d\n  condition: |\n    {indented}\n  output: '{output}'\n  priority: WARNING\n"


def rules(*texts: str) -> RuleSet:
    """Files that are right."""
    return RuleSet.load([file(text, f"{number}.yaml") for number, text in enumerate(texts, 1)])


def holds(condition: str, event: Event) -> bool:
    """Whether a rule with that condition fires."""
    return bool(rules(with_condition(condition)).judge(event))


def problems(*texts: str) -> list[str]:
    """Every problem as its line."""
    return [str(problem) for problem in found(*texts)]


def found(*texts: str) -> tuple[Problem, ...]:
    return check([file(text, f"{number}.yaml") for number, text in enumerate(texts, 1)])[1]


def errors(*texts: str) -> list[str]:
    """Only the errors."""
    return [str(problem) for problem in found(*texts) if problem.error]
