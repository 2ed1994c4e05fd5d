"""What rules would have said of events that were recorded."""

from collections.abc import Iterable, Sequence
from typing import Final

from msgspec import Struct

from hullguard.detect.rulebook import check_rules, rulebook
from hullguard.detect.rules.ruleset import Match
from hullguard.model.event import Event
from hullguard.model.policy import RulesSpec
from hullguard.model.rule import ReplayedEvent, ReplayedRule

SAMPLES: Final = 5
_LONGEST: Final = 1000


class Past(Struct, frozen=True):
    """An event, and the observation that it made."""

    observation: str
    event: Event


class Answer(Struct, frozen=True):
    """What the rules would have said."""

    rules: tuple[ReplayedRule, ...]
    fired: int
    silent: int


def replay(spec: RulesSpec, past: Sequence[Past]) -> Answer:
    """Judge each event as a policy with these rules would; raises Invalid where the rules could not be run."""
    check_rules(spec)
    book = rulebook(spec)
    found: dict[str, list[tuple[Past, Match]]] = {}
    fired = 0
    for each in past:
        matches = book.judge(each.event)
        fired += bool(matches)
        for match in matches:
            found.setdefault(match.rule.name, []).append((each, match))
    own = {file.name for file in spec.files}

    def order(said: Sequence[tuple[Past, Match]]) -> tuple[bool, int, str]:
        """Whoever tries rules has just written some: those come before the pack's, the loudest first."""
        rule = said[0][1].rule
        return rule.place.file not in own, -len(said), rule.name

    rules = tuple(map(_told, sorted(found.values(), key=order)))
    silent = sum(rule.enabled and rule.name not in found for rule in book.rules.rules)
    return Answer(rules, fired, silent)


def _told(said: Sequence[tuple[Past, Match]]) -> ReplayedRule:
    rule = said[0][1].rule
    return ReplayedRule(
        rule=rule.name,
        title=rule.words.title or rule.name,
        title_zh=rule.words.title_zh or rule.words.title or rule.name,
        severity=rule.severity,
        fired=len(said),
        containers=len({past.event.container.id for past, _ in said}),
        samples=tuple(_samples(said)),
    )


def _samples(said: Sequence[tuple[Past, Match]]) -> Iterable[ReplayedEvent]:
    for past, match in reversed(said[-SAMPLES:]):
        event = past.event
        yield ReplayedEvent(
            at=event.at,
            container=event.container.id,
            container_name=event.container.name,
            image_name=event.image.name if event.image else "",
            program=event.process.comm or event.process.exe or "",
            output=match.output[:_LONGEST],
            observation=past.observation,
        )
