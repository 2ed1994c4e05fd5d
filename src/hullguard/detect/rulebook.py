"""The rules of a policy: the pack and the team's own files, with what the policy says of single rules."""

from collections.abc import Iterable
from functools import lru_cache
from typing import Final

import msgspec

from hullguard.detect.detectors.interface import EVERY_VARIABLE, RESPONSES, Wants, merged
from hullguard.detect.pack import pack_files
from hullguard.detect.rule_wants import wants
from hullguard.detect.rules.problems import InvalidRules, Problem, nearest
from hullguard.detect.rules.reading import RuleFile
from hullguard.detect.rules.refusal import MOST_WANTS, TOO_MANY, Refusal, concerns_connections, refusal
from hullguard.detect.rules.ruleset import Match, Rule, RuleSet, check
from hullguard.model.errors import Invalid
from hullguard.model.event import Event
from hullguard.model.policy import Action, RuleSettings, RulesSpec

ACTIONS: Final = (Action.ALERT, Action.KILL, *RESPONSES)
"""What can follow any rule; ``DENY`` one that is about connections."""
LONGEST_NAME: Final = 128
"""Characters of a rule's name: incidents are stored and searched under it."""
LARGEST: Final = 256 << 10
"""Bytes of all files of one policy: agents get all their policies in one message."""
_KEPT: Final = 16


class Rulebook:
    """Compiled once, asked for every event."""

    def __init__(self, rules: Iterable[Rule], spec: RulesSpec) -> None:
        self._spec = spec
        self.rules = RuleSet([_switched(rule, spec.settings.get(rule.name)) for rule in rules])
        self._refusals: dict[str, Refusal] = {}
        self._refused: list[Wants] = []
        self.seen: dict[str, str] = {}
        """Rules that deny, but not all that they hold for can be refused, with the reason."""
        for rule in self.rules.rules:
            if rule.enabled and self.action(rule) is Action.DENY:
                self._refuse(rule)

    def judge(self, event: Event) -> list[Match]:
        """The rules that hold for the event."""
        return self.rules.judge(event)

    def action(self, rule: Rule) -> Action:
        """What follows is for the policy to say; a file can only ask."""
        settings = self._spec.settings.get(rule.name)
        return settings.action if settings is not None else Action.ALERT

    def refuses(self, match: Match) -> bool:
        """Whether the kernel refuses this for the rule, where the policy is in force and the agent is there."""
        refusal = self._refusals.get(match.rule.name)
        return refusal is not None and refusal.covers(match.event)

    def _refuse(self, rule: Rule) -> None:
        found = refusal(rule)
        together = merged([*self._refused, *found.wants])
        if len(together) > MOST_WANTS:
            self.seen[rule.name] = TOO_MANY
            return
        self._refused, self._refusals[rule.name] = together, found
        if found.doubts:
            self.seen[rule.name] = ", ".join(found.doubts)

    def wants(self) -> list[Wants]:
        """What the kernel must send, then what it must refuse."""
        variables = self.rules.variables()
        filters = [one for prefilter in self.rules.prefilters() for one in prefilter.alternatives]
        sent = wants(filters, frozenset({EVERY_VARIABLE}) if variables is None else variables, host=self._spec.host)
        return [*sent, *self._refused]


def rulebook(spec: RulesSpec) -> Rulebook:
    """Raises InvalidRules where a file has an error."""
    return _rulebook(msgspec.msgpack.encode(spec, order="deterministic"))


@lru_cache(maxsize=_KEPT)
def _rulebook(encoded: bytes) -> Rulebook:
    # By the bytes: what a policy holds can be compared, but not hashed.
    spec = msgspec.msgpack.decode(encoded, type=RulesSpec)
    rules, problems = _read(spec)
    if any(problem.error for problem in problems):
        raise InvalidRules(problems)
    return Rulebook(rules, spec)


def _read(spec: RulesSpec) -> tuple[tuple[Rule, ...], tuple[Problem, ...]]:
    return _read_files(spec.pack, tuple(RuleFile(file.name, file.content.encode()) for file in spec.files))


@lru_cache(maxsize=_KEPT)
def _read_files(pack: bool, own: tuple[RuleFile, ...]) -> tuple[tuple[Rule, ...], tuple[Problem, ...]]:
    rules, problems = check([*(pack_files() if pack else ()), *own])
    return tuple(rules), problems


def _switched(rule: Rule, settings: RuleSettings | None) -> Rule:
    if settings is None or settings.enabled is None:
        return rule
    return msgspec.structs.replace(rule, enabled=settings.enabled)


def examine(spec: RulesSpec, field: str = "$.rules") -> tuple[tuple[Rule, ...], tuple[Problem, ...]]:
    """The sound rules and every problem; raises Invalid where the files are too large to be looked at."""
    _check_files(spec, f"{field}.files")
    return _read(spec)


def check_rules(spec: RulesSpec, field: str = "$.rules") -> None:
    """Raises Invalid, with the place inside the policy, for the first thing that no agent could run."""
    rules, problems = examine(spec, field)
    if any(problem.error for problem in problems):
        raise _invalid(InvalidRules(problems), spec, field)
    for rule in rules:
        if len(rule.name) > LONGEST_NAME or not rule.name.isprintable():
            raise Invalid(
                f"{rule.place}: a rule's name has at most {LONGEST_NAME} characters and no control characters.",
                "policy.rule-name",
                field=f"{field}.files",
            )
    known = {rule.name: rule for rule in rules}
    for name, settings in spec.settings.items():
        place = f"{field}.settings['{name}']"
        if name not in known:
            raise Invalid(
                f"There is no rule {name[:LONGEST_NAME]!r}{nearest(name, known)}.",
                "policy.rule-unknown",
                field=place,
                rule=name[:LONGEST_NAME],
            )
        actions = (*ACTIONS, Action.DENY) if concerns_connections(known[name]) else ACTIONS
        if settings.action not in actions:
            raise Invalid(
                f"What follows the rule {name[:LONGEST_NAME]!r} can be: {', '.join(actions)}; not "
                f"{settings.action.value}.",
                "policy.action-unsupported",
                field=f"{place}.action",
                detector=name[:LONGEST_NAME],
                action=settings.action.value,
            )


def _check_files(spec: RulesSpec, field: str) -> None:
    names = [file.name for file in spec.files]
    for position, file in enumerate(spec.files):
        if names.index(file.name) != position:
            raise Invalid(
                f"Two files are called {file.name!r}.", "policy.rule-file-twice", field=f"{field}[{position}].name"
            )
    size = sum(len(file.content.encode()) for file in spec.files)
    if size > LARGEST:
        raise Invalid(
            f"The rule files have {size} bytes; a policy takes {LARGEST}.",
            "policy.rule-files-large",
            field=field,
            size=size,
            limit=LARGEST,
        )


def _invalid(bad: InvalidRules, spec: RulesSpec, field: str) -> Invalid:
    first = next(problem for problem in bad.problems if problem.error)
    positions = {file.name: position for position, file in enumerate(spec.files)}
    position = positions.get(first.place.file)
    place = f"{field}.files" if position is None else f"{field}.files[{position}].content"
    return Invalid(str(bad), "policy.rules-invalid", field=place, line=first.place.line, column=first.place.column)


def known_settings(spec: RulesSpec) -> RulesSpec:
    """Without what is said of rules that are not here: a server may know a younger pack than its agent."""
    if not spec.settings:
        return spec
    rules, _ = _read(spec)
    known = {rule.name for rule in rules}
    return msgspec.structs.replace(
        spec, settings={name: settings for name, settings in spec.settings.items() if name in known}
    )
