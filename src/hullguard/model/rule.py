"""How a rule describes itself, and what it would have said: what the policy editor and an incident show."""

from datetime import datetime

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


class ReplayedEvent(Struct, frozen=True):
    """An event that a rule would have told of."""

    at: datetime
    container: str
    container_name: str
    image_name: str
    program: str
    output: str
    observation: str
    """What the event made when it happened; leads to its incident."""


class ReplayedRule(Struct, frozen=True):
    """What one rule would have said."""

    rule: str
    title: str
    title_zh: str
    severity: Severity
    fired: int
    containers: int
    samples: tuple[ReplayedEvent, ...]
    """The latest, at most five."""


class Replay(Struct, frozen=True):
    """What rules would have said of the recorded events of a span.

    Recorded are events on which a detector or rule objected when they happened, and no others: what rules would have
    said of events that nothing objected to is not known.
    """

    since: datetime
    until: datetime
    """The span that was asked for."""
    events: int
    """Those that were judged; the latest ones, where there are more than fit."""
    first: datetime | None
    last: datetime | None
    """When the first and the last of them happened."""
    left_out: int
    """Events of the span that were not judged."""
    fired: int
    """Events that some rule would have told of."""
    kept_days: int
    """For how long events are recorded at most."""
    rules: tuple[ReplayedRule, ...]
    """Those that would have fired, the most frequent first."""
    silent: int
    """Rules that are on and would have said nothing."""
