"""Bounds on what one agent may store, checked before anything is queued.

The codec bounds a whole message; here is what one thing in it may weigh. The weight of the encoded thing bounds its
texts, its lists and its nesting all at once, so no field can be forgotten.
"""

import re
from collections.abc import Iterable
from typing import Any

import msgspec

from hullguard.detect import OF_NO_PROCESS
from hullguard.model.command import RESPONSES, Command
from hullguard.model.incident import Observation
from hullguard.model.node import Heartbeat, HostFacts
from hullguard.wire import limits
from hullguard.wire.messages import (
    AgentMessage,
    Beat,
    CommandUpdate,
    Containers,
    Facts,
    Incidents,
    Learned,
    OwnCommand,
    Used,
)
from hullguard.wire.violation import Code, Violation

OBSERVATION_BYTES = 64 << 10
EVENT_BYTES = 32 << 10
CONTAINER_BYTES = 4 << 10
FACTS_BYTES = 16 << 10
HEARTBEAT_BYTES = 32 << 10
RESULT_BYTES = 16 << 10
LEARNED_BYTES = 160 << 10

_LONGEST_RULE = 128
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,127}", re.ASCII)
_HOSTNAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,251}[A-Za-z0-9])?", re.ASCII)
_ENCODER = msgspec.msgpack.Encoder()


def check(message: AgentMessage) -> None:
    """Raises ``Violation`` for a message that says more than any honest agent would."""
    match message:
        case Incidents():
            _check_incidents(message)
        case Containers(containers=containers):
            for container in containers:
                _weigh(container, CONTAINER_BYTES, "a container")
                _require_ids((container.id, container.image.id))
        case CommandUpdate():
            _weigh(message, RESULT_BYTES, "a command's result")
        case OwnCommand(command=command):
            _check_own(command)
        case Learned():
            _check_learned(message)
        case _:
            _check_state(message)


def _check_state(message: AgentMessage) -> None:
    match message:
        case Facts(facts=facts):
            check_facts(facts)
        case Beat(heartbeat=heartbeat):
            _check_heartbeat(heartbeat)
        case Used(files=files):
            _weigh(message, limits.USED_BYTES, "what is used of an image")
            if not all(map(str.isprintable, files)):
                raise Violation(Code.MESSAGE_MALFORMED, "a file in use has characters that nobody can read")
        case _:
            pass


def _check_incidents(message: Incidents) -> None:
    for each in message.observations:
        _weigh(each, OBSERVATION_BYTES, "an observation")
        _require_ids((each.id, each.container.id))
        _require_rule(each)
        if not each.lineage and each.rule not in OF_NO_PROCESS:
            raise Violation(Code.MESSAGE_MALFORMED, f"observation {each.id} names no process")
    known = {each.id for each in message.observations}
    for recorded in message.events:
        _weigh(recorded, EVENT_BYTES, "a recorded event")
        if recorded.observation not in known or not recorded.event.lineage:
            raise Violation(Code.MESSAGE_MALFORMED, "a recorded event is of no observation, or of no process")


def _check_learned(learned: Learned) -> None:
    _weigh(learned, LEARNED_BYTES, "what was learned")
    if not all(tally.what.isprintable() for tally in learned.tallies):
        raise Violation(Code.MESSAGE_MALFORMED, "what was learned has characters that nobody can read")


def _require_rule(observation: Observation) -> None:
    """Rules of a team's own have names for people, as long as they can be stored and searched."""
    if not 0 < len(observation.rule) <= _LONGEST_RULE or not observation.rule.isprintable():
        raise Violation(Code.MESSAGE_MALFORMED, f"observation {observation.id} names no rule")


def _check_own(command: Command) -> None:
    _weigh(command, RESULT_BYTES, "a command's result")
    _require_ids((command.id, command.container or "", command.incident or ""))
    if command.kind not in RESPONSES or not command.state.final or not command.created_by.startswith("policy:"):
        raise Violation(Code.MESSAGE_MALFORMED, f"command {command.id} is no response that a policy asked for")


def check_facts(facts: HostFacts) -> None:
    """The host name becomes the node's name: it is shown, searched and written into logs."""
    _weigh(facts, FACTS_BYTES, "the host's facts")
    if _HOSTNAME.fullmatch(facts.hostname) is None:
        raise Violation(Code.REQUEST_INVALID, f"{facts.hostname[:64]!r} is not a host name")


def _check_heartbeat(heartbeat: Heartbeat) -> None:
    _weigh(heartbeat, HEARTBEAT_BYTES, "a heartbeat")
    counts = (heartbeat.spool_records, *heartbeat.spool_dropped.values(), *heartbeat.sensor.lost.values())
    if any(count < 0 or count >= 1 << 63 for count in counts):
        raise Violation(Code.MESSAGE_MALFORMED, "a heartbeat counts below zero or beyond 63 bits")


def _weigh(thing: Any, bound: int, name: str) -> None:
    size = len(_ENCODER.encode(thing))
    if size > bound:
        raise Violation(Code.MESSAGE_TOO_LARGE, f"{name} of {size} bytes is over the bound of {bound}")


def _require_ids(ids: Iterable[str]) -> None:
    for each in ids:
        if _ID.fullmatch(each) is None:
            raise Violation(Code.MESSAGE_MALFORMED, f"{each[:64]!r} is not an identifier")
