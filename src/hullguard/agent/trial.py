"""Whether containers fail since a policy or a profile came into force here; if so it is only simulated from then on.

A failure is a container that ended by itself with a code other than 0: not one that somebody stopped or killed through
the runtime. They are counted for as long after a version came into force as its rollout says, and compared with as long
a time before. Where the agent has not watched for so long, the level before is what it saw.
"""

import time
from collections import deque
from collections.abc import Callable
from datetime import datetime, timedelta

import msgspec
import structlog
from msgspec import Struct

from hullguard.agent.identity import now
from hullguard.agent.policies import Wanted
from hullguard.agent.respond.incidents import of_agent
from hullguard.agent.runtime.docker import Change
from hullguard.agent.state import StateDir, read_json, write_json
from hullguard.detect import PROFILE_ROLLED_BACK, ROLLED_BACK, acts, answers, simulated
from hullguard.detect.choice import choose
from hullguard.detect.profiles import profile_of
from hullguard.model.errors import Invalid
from hullguard.model.event import ContainerRef, ImageRef
from hullguard.model.ids import derived_id
from hullguard.model.incident import Observation, PolicyRef
from hullguard.model.node import Reason
from hullguard.model.policy import Policy
from hullguard.model.profile import Profile
from hullguard.model.rollout import Rollout
from hullguard.model.severity import Severity

_MOST_FAILURES = 2000
"""Kept; in a storm of more the older ones are forgotten, and the level before with them."""
_MOST_ASKED = 4096
_ENDING = frozenset({2, 3, 9, 15})
"""Signals by which somebody ends a container: not its own failure."""
_MOST_NAMES = 5

_log = structlog.get_logger()


class Failure(Struct, frozen=True):
    """A container that ended by itself, and badly."""

    at: datetime
    image: str
    container: str
    name: str
    code: int


class Tried(Struct, frozen=True):
    """A policy or a profile at one version, as far as its trial goes."""

    id: str
    version: int
    name: str
    rollout: Rollout
    profile: bool


class Begun(Struct, frozen=True):
    """Since when a version of a policy or a profile has been in force here."""

    version: int
    at: datetime


class _Kept(Struct):
    begun: dict[str, Begun] = {}
    failures: list[Failure] = []


class Trial:
    """Everything here runs in the agent's loop."""

    def __init__(self, state: StateDir, node: str, clock: Callable[[], datetime] = now) -> None:
        self._place, self._node, self._now = state.trial, node, clock
        kept = _read(state)
        self._begun = kept.begun
        self._failures = deque(kept.failures, maxlen=_MOST_FAILURES)
        self._asked: dict[str, None] = {}
        """Containers that somebody has told to end."""
        self._wanted: Wanted | None = None
        self._written = 0.0

    def carried(self, wanted: Wanted) -> Wanted:
        """The same with what this node took back before, as long as it is at that version still."""
        before = {} if self._wanted is None else self._wanted.rolled_back
        at = {each.id: each.version for each in _every(wanted)}
        kept = {each: version for each, version in {**before, **wanted.rolled_back}.items() if at.get(each) == version}
        return msgspec.structs.replace(wanted, rolled_back=kept)

    def take(self, wanted: Wanted) -> None:
        """These are in force from now on."""
        self._wanted = wanted
        begun = {
            each.id: known
            if (known := self._begun.get(each.id)) is not None and known.version == each.version
            else Begun(each.version, self._now())
            for each in self._acting(wanted)
        }
        if begun != self._begun:
            self._begun = begun
            self._write()

    def happened(self, change: Change) -> tuple[Tried, Observation] | None:
        """What the runtime says of a container; what must not be in force any longer, with its incident."""
        if change.action == "kill" and change.code in _ENDING:
            self._asked[change.id] = None
            while len(self._asked) > _MOST_ASKED:
                self._asked.pop(next(iter(self._asked)))
        if change.action != "die":
            return None
        asked = self._asked.pop(change.id, False) is None
        if asked or not change.code:
            return None
        failure = Failure(self._now(), change.image, change.id, change.name, change.code)
        self._failures.append(failure)
        # A storm of failures must not become one of writing; the last ones are worth least.
        if time.monotonic() - self._written >= 1.0:
            self._write()
        return self._judged(failure)

    def without(self, tried: Tried) -> Wanted | None:
        """What is to be in force with this version only simulated; None if there is another version meanwhile."""
        if self._wanted is None or tried not in _every(self._wanted):
            return None
        back = {**self._wanted.rolled_back, tried.id: tried.version}
        return msgspec.structs.replace(self._wanted, rolled_back=back)

    def reasons(self) -> list[Reason]:
        """Which policies and profiles are not in force here though they should be."""
        if self._wanted is None:
            return []
        back = self._wanted.rolled_back
        found = [each for each in _every(self._wanted) if back.get(each.id) == each.version]
        policies = ", ".join(sorted(each.name for each in found if not each.profile))[:500]
        profiles = ", ".join(sorted(each.name for each in found if each.profile))[:500]
        reasons = []
        if policies:
            said = f"Containers failed under these policies, so they are only simulated here: {policies}."
            reasons.append(Reason(ROLLED_BACK, said, {"policies": policies}))
        if profiles:
            said = f"Containers failed under the profiles of these images, so they only monitor here: {profiles}."
            reasons.append(Reason(PROFILE_ROLLED_BACK, said, {"profiles": profiles}))
        return reasons

    def _acting(self, wanted: Wanted) -> list[Tried]:
        if not wanted.protection:
            return []
        off = simulated(wanted.policies, self._node, wanted.rolled_back)
        acting = [each for each in wanted.policies.policies if acts(each)]
        profiles = wanted.policies.profiles if any(answers(policy) for policy in acting) else ()
        here: list[Policy | Profile] = [*acting, *profiles]
        return [_tried(each) for each in here if each.id not in off]

    def _judged(self, failure: Failure) -> tuple[Tried, Observation] | None:
        """The profile first: it is of fewer containers."""
        for tried in self._under(failure):
            judged = self._failed(tried, failure)
            if judged is not None:
                return judged
        return None

    def _failed(self, policy: Tried, failure: Failure) -> tuple[Tried, Observation] | None:
        begun = self._begun.get(policy.id)
        if begun is None or not policy.rollout.automatic:
            return None
        window = timedelta(minutes=policy.rollout.watch_minutes)
        mine = [each for each in self._failures if policy in self._under(each)]
        before = [each for each in mine if begun.at - window < each.at <= begun.at]
        after = [each for each in mine if begun.at < each.at]
        if failure.at - begun.at > window or len(after) <= len(before) + policy.rollout.tolerated_exits:
            return None
        _log.warning(
            "rolled back", of=policy.name, id=policy.id, version=policy.version, before=len(before), after=len(after)
        )
        return policy, self._incident(policy, begun, len(before), after)

    def _under(self, failure: Failure) -> list[Tried]:
        """Under which profile and policy the container was."""
        if self._wanted is None:
            return []
        given = self._wanted.policies
        profile = profile_of(given.profiles, failure.image)
        policy = choose(given.policies, ImageRef("", failure.image), self._node)
        return [_tried(each) for each in (profile, policy) if each is not None]

    def _incident(self, policy: Tried, begun: Begun, before: int, after: list[Failure]) -> Observation:
        last = after[-1]
        names = list(dict.fromkeys(each.name or each.container[:12] for each in after))
        more = f" +{len(names) - _MOST_NAMES}" if len(names) > _MOST_NAMES else ""
        rule = PROFILE_ROLLED_BACK if policy.profile else ROLLED_BACK
        which = {"profile": policy.name, "profile_id": policy.id, "version": str(policy.version)}
        which = which if policy.profile else {"policy": policy.name}
        made = of_agent(
            rule,
            self._node,
            "",
            {
                **which,
                "exits": str(len(after)),
                "before": str(before),
                "tolerated": str(policy.rollout.tolerated_exits),
                "minutes": str(policy.rollout.watch_minutes),
                "begun": begun.at.isoformat(timespec="seconds"),
                "code": str(last.code),
                "containers": (", ".join(names[:_MOST_NAMES]) + more)[:500],
            },
        )
        return msgspec.structs.replace(
            made,
            # One for each version and time that it came into force, whatever the agent has forgotten meanwhile.
            id=derived_id(self._node, rule, policy.id, policy.version, begun.at.isoformat()),
            severity=Severity.MEDIUM,
            technique="",
            container=ContainerRef(last.container, last.name),
            policy=None if policy.profile else PolicyRef(policy.id, policy.version),
        )

    def _write(self) -> None:
        self._written = time.monotonic()
        try:
            write_json(self._place, _Kept(self._begun, list(self._failures)))
        except OSError as full:
            _log.warning("the trial of policies not kept on the disk", why=str(full))


def _every(wanted: Wanted) -> list[Tried]:
    every: list[Policy | Profile] = [*wanted.policies.policies, *wanted.policies.profiles]
    return [_tried(each) for each in every]


def _tried(of: Policy | Profile) -> Tried:
    if isinstance(of, Profile):
        return Tried(of.id, of.version, of.repository, of.rollout, profile=True)
    return Tried(of.id, of.version, of.spec.name, of.spec.rollout, profile=False)


def _read(state: StateDir) -> _Kept:
    try:
        return read_json(state.trial, _Kept) or _Kept()
    except (Invalid, OSError) as bad:
        # It would begin anew without; that is safer than an agent that does not start.
        _log.warning("the trial of policies begins anew", why=str(bad))
        return _Kept()
