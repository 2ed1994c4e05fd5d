"""The pack as a table of ``docs/howto/rule-pack.md`` and ``.zh.md``; ``scripts/pack-tables`` puts it there."""

from typing import Final

from hullguard.detect.fields.reference import LANGUAGES, with_tables
from hullguard.detect.pack import load_pack
from hullguard.detect.rules.ruleset import Rule
from hullguard.model.severity import Severity

_HEADS: Final = (
    "| rule | fires when | severity | ATT&CK | without an attack |",
    "| 规则 | 何时触发 | 级别 | ATT&CK | 误报情形 |",
)
_SEVERITIES: Final = {
    Severity.CRITICAL: ("critical", "严重"),
    Severity.HIGH: ("high", "高"),
    Severity.MEDIUM: ("medium", "中"),
    Severity.LOW: ("low", "低"),
    Severity.NEGLIGIBLE: ("negligible", "可忽略"),
}


def put_into(page: str, language: str) -> str:
    """A page with its table as it must be."""
    index = LANGUAGES.index(language)
    rows = [_HEADS[index], "|---|---|---|---|---|", *(_row(rule, index) for rule in load_pack().rules)]
    return with_tables(page, {"rules": "\n".join(rows)}, "scripts/pack-tables")


def _row(rule: Rule, index: int) -> str:
    words = rule.words
    title, without = (words.title_zh, words.false_positives_zh) if index else (words.title, words.false_positives)
    severity = _SEVERITIES[rule.severity][index]
    return f"| `{rule.name}` | {title} | {severity} | {rule.technique} | {' '.join(without.split())} |"
