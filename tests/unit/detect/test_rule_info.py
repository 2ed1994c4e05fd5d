"""What people are told of rules and of what is wrong with them."""

from hullguard import detect
from hullguard.model.policy import RulesSpec, RuleText

WRONG = """\
- rule: Ours
  desc: ours
  condition: proc.nam = restic
  output: restic
  priority: WARNING
"""


def test_what_is_wrong_has_its_place_and_both_languages() -> None:
    checked = detect.checked(RulesSpec(pack=False, files=[RuleText("own.yaml", WRONG)]))
    (problem,) = checked.problems
    assert (problem.file, problem.line, problem.column, problem.error) == ("own.yaml", 3, 14, True)
    assert problem.text == "there is no field 'proc.nam'; did you mean 'proc.name'?"
    assert problem.text_zh == "没有字段 'proc.nam'；是否想写 'proc.name'？"
    assert checked.rules == ()


def test_every_rule_of_the_pack_speaks_both_languages() -> None:
    for rule in detect.pack_info():
        english = (rule.title, rule.why, rule.advice, rule.false_positives)
        chinese = (rule.title_zh, rule.why_zh, rule.advice_zh, rule.false_positives_zh)
        assert all((*english, *chinese)), rule.name
        assert not set(english) & set(chinese), rule.name
