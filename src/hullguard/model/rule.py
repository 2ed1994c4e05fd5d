"""How a rule describes itself: what the policy editor and an incident show."""

from msgspec import Struct

from hullguard.model.event import EventKind
from hullguard.model.severity import Severity


class RuleInfo(Struct, frozen=True, kw_only=True):
    """One rule. Texts are in the language that the name of the field ends with, English without; empty if unsaid."""

    name: str
    """Its id, in policies and incidents."""
    file: str
    title: str
    title_zh: str
    desc: str
    severity: Severity
    technique: str
    tags: tuple[str, ...]
    enabled: bool
    """By its file."""
    kinds: tuple[EventKind, ...]
    cost: str
    """``negligible``, ``low``, ``medium`` or ``high``: how many events it brings, roughly."""
    why: str
    why_zh: str
    advice: str
    advice_zh: str
    false_positives: str
    false_positives_zh: str


class RuleProblem(Struct, frozen=True):
    """What is wrong with a rule file, and where; lines and columns count from 1."""

    file: str
    line: int
    column: int
    text: str
    text_zh: str
    """English where there is no Chinese of it."""
    error: bool
    """Files with an error are not used; the others are warnings."""


class CheckedRules(Struct, frozen=True):
    """What rule files come to."""

    rules: tuple[RuleInfo, ...]
    """Those that are sound."""
    problems: tuple[RuleProblem, ...]
