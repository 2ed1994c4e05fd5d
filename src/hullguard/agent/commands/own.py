"""Commands that the agent gives itself, because a policy wants more than an alert."""

import time
from collections import OrderedDict
from datetime import UTC, timedelta

import msgspec

from hullguard.agent.identity import now
from hullguard.model.command import ANSWER, Command, CommandKind, CommandState
from hullguard.model.ids import derived_id
from hullguard.model.incident import Observation
from hullguard.model.policy import Parameter

DEADLINE = timedelta(seconds=60)
_AGAIN_SECONDS = 30.0
_MOST = 4096


def own_command(node: str, observation: Observation) -> Command | None:
    """What the policy asks for; None where it asks for nothing more than what has been done already.

    The same observation always makes the same command, so that one which is read twice is answered once.
    """
    kind = ANSWER.get(observation.action)
    if kind is None or observation.stopped or observation.policy is None:
        return None
    parameters: dict[str, Parameter] = {"container": observation.container.id}
    if kind is CommandKind.KILL_PROCESS:
        process = observation.lineage[-1]
        if process.started is None:
            return None
        parameters |= {"pid": process.pid, "started": process.started.astimezone(UTC).isoformat()}
    at = now()
    return Command(
        id=derived_id(observation.id, kind.value),
        node=node,
        kind=kind,
        parameters=parameters,
        state=CommandState.ACKNOWLEDGED,
        created=at,
        created_by=f"policy:{observation.policy.id}",
        deadline=at + DEADLINE,
        container=observation.container.id,
        incident=observation.id,
        reason=observation.rule,
    )


def ended(command: Command, state: CommandState, result: dict[str, str | int]) -> Command:
    """The same with its outcome."""
    progress = 100 if state is CommandState.DONE else 0
    return msgspec.structs.replace(command, state=state, progress=progress, result=result, finished=now())


class Answered:
    """A thousand incidents of one container are no reason to pause it a thousand times."""

    def __init__(self) -> None:
        self._at: OrderedDict[tuple[CommandKind, str, Parameter], float] = OrderedDict()

    def first(self, command: Command) -> bool:
        """Whether nothing like it was begun in the last half minute; then this is what was."""
        key = (command.kind, command.container or "", command.parameters.get("pid", 0))
        at = time.monotonic()
        if at - self._at.get(key, float("-inf")) < _AGAIN_SECONDS:
            return False
        self._at[key] = at
        self._at.move_to_end(key)
        if len(self._at) > _MOST:
            self._at.popitem(last=False)
        return True
