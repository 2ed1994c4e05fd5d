"""Whether containers fail since a policy came into force here; if so it is only simulated on this node from then on.

A failure is a container that ended by itself with a code other than 0: not one that somebody stopped or killed through
the runtime. They are counted for as long after a version came into force as its policy says, and compared with as long
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
from hullguard.detect import ROLLED_BACK, acts, simulated
from hullguard.detect.choice import choose
from hullguard.model.errors import Invalid
from hullguard.model.event import ContainerRef, ImageRef
from hullguard.model.ids import derived_id
from hullguard.model.incident import Observation, PolicyRef
from hullguard.model.node import Reason
from hullguard.model.policy import Policy
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


class Begun(Struct, frozen=True):
    """Since when a version of a policy has been in force here."""

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
        """The same with what this node took back before, as long as the policy is at that version still."""
        before = {} if self._wanted is None else self._wanted.rolled_back
        at = {policy.id: policy.version for policy in wanted.policies.policies}
        kept = {each: version for each, version in {**before, **wanted.rolled_back}.items() if at.get(each) == version}
        return msgspec.structs.replace(wanted, rolled_back=kept)

    def take(self, wanted: Wanted) -> None:
        """These are in force from now on."""
        self._wanted = wanted
        begun = {
            policy.id: known
            if (known := self._begun.get(policy.id)) is not None and known.version == policy.version
            else Begun(policy.version, self._now())
            for policy in self._acting(wanted)
        }
        if begun != self._begun:
            self._begun = begun
            self._write()

    def happened(self, change: Change) -> tuple[Policy, Observation] | None:
        """What the runtime says of a container; a policy with its incident if it must not be in force any longer."""
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

    def without(self, policy: Policy) -> Wanted | None:
        """What is to be in force with this version only simulated; None if there is another version meanwhile."""
        if self._wanted is None or policy not in self._wanted.policies.policies:
            return None
        back = {**self._wanted.rolled_back, policy.id: policy.version}
        return msgspec.structs.replace(self._wanted, rolled_back=back)

    def reasons(self) -> list[Reason]:
        """Which policies are not in force here though they should be."""
        if self._wanted is None:
            return []
        back = self._wanted.rolled_back
        names = sorted(each.spec.name for each in self._wanted.policies.policies if back.get(each.id) == each.version)
        if not names:
            return []
        text = ", ".join(names)[:500]
        said = f"Containers failed under these policies, so they are only simulated here: {text}."
        return [Reason("policy.rolled-back", said, {"policies": text})]

    def _acting(self, wanted: Wanted) -> list[Policy]:
        off = simulated(wanted.policies, self._node, wanted.rolled_back)
        return [each for each in wanted.policies.policies if wanted.protection and acts(each) and each.id not in off]

    def _judged(self, failure: Failure) -> tuple[Policy, Observation] | None:
        if self._wanted is None:
            return None
        policy = self._policy(failure, self._wanted)
        begun = None if policy is None else self._begun.get(policy.id)
        if policy is None or begun is None or not policy.spec.rollout.automatic:
            return None
        window = timedelta(minutes=policy.spec.rollout.watch_minutes)
        mine = [each for each in self._failures if self._policy(each, self._wanted) is policy]
        before = [each for each in mine if begun.at - window < each.at <= begun.at]
        after = [each for each in mine if begun.at < each.at]
        if failure.at - begun.at > window or len(after) <= len(before) + policy.spec.rollout.tolerated_exits:
            return None
        _log.warning(
            "policy rolled back", policy=policy.id, version=policy.version, before=len(before), after=len(after)
        )
        return policy, self._incident(policy, begun, len(before), after)

    def _policy(self, failure: Failure, wanted: Wanted) -> Policy | None:
        return choose(wanted.policies.policies, ImageRef("", failure.image), self._node)

    def _incident(self, policy: Policy, begun: Begun, before: int, after: list[Failure]) -> Observation:
        last = after[-1]
        names = list(dict.fromkeys(each.name or each.container[:12] for each in after))
        more = f" +{len(names) - _MOST_NAMES}" if len(names) > _MOST_NAMES else ""
        made = of_agent(
            ROLLED_BACK,
            self._node,
            "",
            {
                "policy": policy.spec.name,
                "exits": str(len(after)),
                "before": str(before),
                "tolerated": str(policy.spec.rollout.tolerated_exits),
                "minutes": str(policy.spec.rollout.watch_minutes),
                "begun": begun.at.isoformat(timespec="seconds"),
                "code": str(last.code),
                "containers": (", ".join(names[:_MOST_NAMES]) + more)[:500],
            },
        )
        return msgspec.structs.replace(
            made,
            # One for each version and time that it came into force, whatever the agent has forgotten meanwhile.
            id=derived_id(self._node, ROLLED_BACK, policy.id, policy.version, begun.at.isoformat()),
            severity=Severity.MEDIUM,
            technique="",
            container=ContainerRef(last.container, last.name),
            policy=PolicyRef(policy.id, policy.version),
        )

    def _write(self) -> None:
        self._written = time.monotonic()
        try:
            write_json(self._place, _Kept(self._begun, list(self._failures)))
        except OSError as full:
            _log.warning("the trial of policies not kept on the disk", why=str(full))


def _read(state: StateDir) -> _Kept:
    try:
        return read_json(state.trial, _Kept) or _Kept()
    except (Invalid, OSError) as bad:
        # It would begin anew without; that is safer than an agent that does not start.
        _log.warning("the trial of policies begins anew", why=str(bad))
        return _Kept()
