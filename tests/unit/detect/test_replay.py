"""What rules would have said of events that were recorded."""

import pytest
from tests.support.attack import web_server
from tests.support.database import START
from tests.support.events import event

from hullguard.detect import Past, replay
from hullguard.model.errors import Invalid
from hullguard.model.event import EventKind, Process
from hullguard.model.policy import RuleSettings, RulesSpec, RuleText

OWN = """
- rule: Any restic
  title: Backup begun by hand
  title_zh: 手动备份
  desc: x
  condition: evt.type = execve and proc.name = restic
  output: restic started | command=%proc.cmdline
  priority: WARNING
"""
EXCEPT = OWN.replace("proc.name = restic", "proc.name = restic and not proc.pname = cron")


def spec(content: str, **settings: RuleSettings) -> RulesSpec:
    return RulesSpec(pack=False, files=[RuleText("own.yaml", content)], settings=settings)


def started(number: int, name: str, parent: str) -> Past:
    above = Process(20, 1000, parent, started=START)
    actor = Process(30 + number, 20, name, f"/usr/bin/{name}", (name, str(number)), uid=0, started=START)
    lineage = (web_server(), above, actor)
    made = event(EventKind.EXEC, lineage=lineage, path=f"/usr/bin/{name}", call="execve", result=0, at=START)
    return Past(f"observation-{number}", made)


PAST = [started(number, "restic", "cron" if number % 2 else "sh") for number in range(12)] + [started(99, "ls", "sh")]


def test_a_rule_and_what_it_would_have_said() -> None:
    answer = replay(spec(OWN), PAST)
    (rule,) = answer.rules
    assert (rule.rule, rule.title, rule.title_zh, rule.fired) == ("Any restic", "Backup begun by hand", "手动备份", 12)
    assert [each.observation for each in rule.samples] == [f"observation-{number}" for number in (11, 10, 9, 8, 7)]
    assert rule.samples[0].output == "restic started | command=restic 11"
    assert (answer.fired, answer.silent) == (12, 0)


def test_own_rules_come_before_those_of_the_pack() -> None:
    """However much louder those are."""
    quiet = "- rule: Z\n  desc: x\n  condition: evt.type = execve and proc.name = ls\n  output: x\n  priority: INFO\n"
    attacks = [started(number, "debugfs", "sh") for number in range(3)]
    answer = replay(RulesSpec(files=[RuleText("own.yaml", OWN), RuleText("z.yaml", quiet)]), [*attacks, *PAST])
    assert [(rule.rule, rule.fired) for rule in answer.rules] == [
        ("Any restic", 12),
        ("Z", 1),
        ("escape.file-system-debugger", 3),
    ]


def test_a_changed_rule_says_less() -> None:
    (rule,) = replay(spec(EXCEPT), PAST).rules
    assert rule.fired == 6


def test_a_rule_that_is_off_says_nothing_and_is_not_silent() -> None:
    answer = replay(spec(OWN, **{"Any restic": RuleSettings(enabled=False)}), PAST)
    assert (answer.rules, answer.fired, answer.silent) == ((), 0, 0)


def test_no_events_are_no_answer_and_no_error() -> None:
    answer = replay(spec(OWN), [])
    assert (answer.rules, answer.fired, answer.silent) == ((), 0, 1)


def test_rules_that_could_not_run_are_refused_with_their_place() -> None:
    with pytest.raises(Invalid) as refused:
        replay(spec(OWN.replace("proc.name =", "proc.nam =")), PAST)
    assert refused.value.field == "$.rules.files[0].content"
