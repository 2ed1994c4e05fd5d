"""Events in, observations out."""

from collections.abc import Mapping

from msgspec import Struct

from hullguard.detect.choice import choose
from hullguard.detect.default import default_policies
from hullguard.detect.detectors.catalog import BY_ID
from hullguard.detect.detectors.departure import DEPARTURE, ProfiledSettings, unrefused
from hullguard.detect.detectors.interface import Detector
from hullguard.detect.floods import Flood
from hullguard.detect.plan import KernelPlan, plan
from hullguard.detect.profiles import profile_of
from hullguard.detect.rollout import in_force, simulated
from hullguard.detect.rulebook import Rulebook, rulebook
from hullguard.detect.rules.output import MISSING
from hullguard.detect.rules.ruleset import Match
from hullguard.model.event import Event, EventKind, Gap, ImageRef
from hullguard.model.ids import derived_id
from hullguard.model.incident import Deed, Observation, PolicyRef
from hullguard.model.policy import Action, DetectorSettings, NodePolicies, Policy
from hullguard.model.severity import Severity

MISSED = "sensor.coverage-gap"
"""The rule of incidents about events that were lost."""
LIMITED = "agent.rule-limited"
"""The rule of incidents about incidents that were held back."""
OF_NO_PROCESS = frozenset({MISSED, LIMITED})
"""Rules whose incidents name no process: nobody knows whose deeds were not seen, or not told."""
OUTPUT = "output"
"""The detail that holds a rule's sentence; the other details are the fields in it."""
_STOPPABLE = frozenset({EventKind.EXEC, EventKind.CONNECT, EventKind.SEND})
_MOST_CHOICES = 4096
_LONGEST_VALUE, _LONGEST_OUTPUT, _LONGEST_TITLE = 1024, 4096, 256


class _About(Struct, frozen=True):
    """What objected to an event, a detector or a rule, and what is to follow."""

    rule: str
    severity: Severity
    technique: str
    action: Action
    title: str = ""
    title_zh: str = ""
    simulated: bool = False
    """Nothing follows here; the incident says what would have."""
    once: str | None = None
    """What makes it one incident with others of its container within the hour."""


class _Watching(Struct, frozen=True):
    """A detector under a policy's settings."""

    detector: Detector
    settings: DetectorSettings
    kinds: frozenset[EventKind]
    """What it judges."""


class _Choice(Struct, frozen=True):
    """The policy of a container, and what its events are judged by."""

    policy: Policy
    detectors: tuple[_Watching, ...]
    rules: Rulebook


class Engine:
    """Judges events under a node's policies; until some are loaded, under the default one.

    It keeps no memory of events: the same event gives the same observations with the same ids, on every run.
    """

    def __init__(self, node_id: str, boot_id: str) -> None:
        self._node, self._boot = node_id, boot_id
        self._policies = default_policies()
        self._simulated: frozenset[str] = frozenset()
        self._choices: dict[str | None, _Choice | None] = {}

    def load(self, policies: NodePolicies, rolled_back: Mapping[str, int] | None = None) -> None:
        """Replaces all policies at once; ``rolled_back`` are versions by id that are only simulated here."""
        self._policies = policies
        self._simulated = simulated(policies, self._node, rolled_back or {})
        self._choices = {}

    def plan(self) -> KernelPlan:
        """The kernel's part of what is loaded."""
        return plan(in_force(self._policies, self._simulated), self._node)

    def judge(self, event: Event) -> list[Observation]:
        """One observation for each detector that objects and each rule that holds; nothing is merged or left out."""
        choice = self._choice(event.image)
        if choice is None:
            return []
        policy, rules = choice.policy, choice.rules
        objections = [
            observation
            for watching in choice.detectors
            if event.kind in watching.kinds and (observation := self._observe(event, policy, watching)) is not None
        ]
        return objections + [self._tell(match, choice) for match in rules.judge(event)]

    def miss(self, gap: Gap) -> Observation:
        """What nobody saw is told as an incident of its container: who floods the sensor may have a reason to."""
        details = {
            "events": gap.what,
            "count": str(gap.count),
            "since": gap.since.isoformat(timespec="milliseconds"),
            "until": gap.until.isoformat(timespec="milliseconds"),
            "why": gap.why,
        }
        return self._of_no_process(MISSED, Severity.MEDIUM, gap, (gap.what, gap.why, gap.until.isoformat()), details)

    def held_back(self, flood: Flood) -> Observation:
        """That one rule objected more often than is told is an incident of its own, as grave as the rule's are."""
        since, until = (moment.isoformat(timespec="milliseconds") for moment in (flood.since, flood.until))
        details = {"rule": flood.rule, "count": str(flood.count), "since": since, "until": until}
        return self._of_no_process(LIMITED, flood.severity, flood, (flood.rule, since), details)

    def _of_no_process(
        self, rule: str, severity: Severity, of: Gap | Flood, which: tuple[str, ...], details: dict[str, str]
    ) -> Observation:
        return Observation(
            id=derived_id(self._node, self._boot, rule, of.container.id, *which),
            at=of.until,
            rule=rule,
            severity=severity,
            technique="T1562.006",
            action=Action.ALERT,
            stopped=False,
            container=of.container,
            image=of.image,
            lineage=(),
            details=details,
        )

    def _choice(self, image: ImageRef | None) -> _Choice | None:
        name = image.name if image else None
        if name not in self._choices:
            if len(self._choices) >= _MOST_CHOICES:
                self._choices.clear()
            policy = choose(self._policies.policies, image, self._node)
            self._choices[name] = None if policy is None else self._chosen(policy, name)
        return self._choices[name]

    def _chosen(self, policy: Policy, image: str | None) -> _Choice:
        detectors = tuple(
            _Watching(detector, settings, detector.wants(settings).kinds)
            for name, settings in self._detectors(policy, image).items()
            # A server may be younger than its agent and know detectors that this one has not.
            if settings.enabled and (detector := BY_ID.get(name)) is not None
        )
        return _Choice(policy, detectors, rulebook(policy.spec.rules))

    def _detectors(self, policy: Policy, image: str | None) -> Mapping[str, DetectorSettings]:
        """Those of the policy, and the image's profile if it has one: a policy can switch that off, not forget it."""
        profile = profile_of(self._policies.profiles, image)
        if profile is None:
            return policy.spec.detectors
        given = policy.spec.detectors.get(DEPARTURE, DetectorSettings())
        return {**policy.spec.detectors, DEPARTURE: ProfiledSettings.of(given, profile)}

    def unrefused(self) -> dict[str, str]:
        """Rules that are to deny, but what they hold for is only seen in part or in all, with the reason."""
        found: dict[str, str] = {}
        for policy in self._policies.policies:
            if policy.spec.enabled and policy.id not in self._simulated:
                found |= rulebook(policy.spec.rules).seen
        return found

    def _tell(self, match: Match, choice: _Choice) -> Observation:
        rule, policy = match.rule, choice.policy
        said = {name: value[:_LONGEST_VALUE] for name, value in match.fields.items() if value != MISSING}
        details = {**said, OUTPUT: match.output[:_LONGEST_OUTPUT]}
        words = rule.words
        title, title_zh = words.title[:_LONGEST_TITLE], (words.title_zh or words.title)[:_LONGEST_TITLE]
        simulated = policy.id in self._simulated
        action, event = choice.rules.action(rule), match.event
        once = None
        if action is Action.DENY and event.stopped:
            # Who is refused may try for ever: one incident an hour tells of it.
            once = f"{event.at:%Y%m%d%H} {event.kind} {event.process.comm} {_remote(event)}"
        elif action is Action.DENY and not (simulated and choice.rules.refuses(match)):
            action = Action.KILL
        about = _About(rule.name, rule.severity, rule.technique, action, title, title_zh, simulated, once)
        return self._observation(event, policy, about, details)

    def _observe(self, event: Event, policy: Policy, watching: _Watching) -> Observation | None:
        settings = watching.settings
        details = watching.detector.judge(event, settings)
        if details is None:
            return None
        info = watching.detector.info
        simulated = policy.id in self._simulated
        if isinstance(settings, ProfiledSettings) and settings.profile is not None:
            simulated = simulated or settings.profile.id in self._simulated
        action = settings.action
        refused = event.stopped and event.kind is EventKind.CONNECT
        if info.id == DEPARTURE and action is Action.DENY and not refused:
            action = unrefused(in_force=not simulated)
        # A service that departs does so a thousand times; each is stopped, but one incident an hour tells of it.
        repeats = info.id == DEPARTURE and (simulated or refused or action is Action.ALERT)
        once = f"{event.at:%Y%m%d%H} {details['deed']} {details['pattern']}" if repeats else None
        about = _About(info.id, info.severity, info.technique, action, simulated=simulated, once=once)
        return self._observation(event, policy, about, details)

    def _observation(self, event: Event, policy: Policy, about: _About, details: dict[str, str]) -> Observation:
        which = event.sequence if about.once is None else f"{event.container.id} {about.once}"
        return Observation(
            id=derived_id(self._node, self._boot, which, about.rule),
            at=event.at,
            rule=about.rule,
            severity=about.severity,
            technique=about.technique,
            action=Action.ALERT if about.simulated else about.action,
            stopped=event.stopped and event.kind in _STOPPABLE,
            container=event.container,
            image=event.image,
            lineage=event.lineage,
            details=details,
            policy=PolicyRef(policy.id, policy.version),
            would=about.action if about.simulated and about.action is not Action.ALERT else None,
            deed=_deed(event),
            title=about.title,
            title_zh=about.title_zh,
        )


def _remote(event: Event) -> str:
    remote = event.socket.remote if event.socket is not None else None
    return "" if remote is None else f"{remote.address} {remote.port}"


def _deed(event: Event) -> Deed:
    """The event as a story tells it."""
    socket = event.socket
    return Deed(
        event.kind,
        path=event.path,
        target=event.target,
        remote=None if socket is None else socket.remote,
        inbound=socket is not None and socket.inbound,
        reads=event.reads,
        writes=event.writes,
        new_file=event.new_file,
    )
