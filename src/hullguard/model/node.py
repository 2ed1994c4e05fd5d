"""A node, its agent, its containers."""

import enum
from datetime import datetime

from msgspec import Struct

from hullguard.model.event import ImageRef
from hullguard.model.policy import Action, AppliedPolicies


class NodeState(enum.StrEnum):
    """What a person wants to know first about a node."""

    PROTECTED = "protected"
    DEGRADED = "degraded"
    UNPROTECTED = "unprotected"
    OFFLINE = "offline"


class Reason(Struct, frozen=True):
    """Why a node is not simply protected: a stable code, parameters for the translated sentence, and English."""

    code: str
    message: str
    params: dict[str, str | int] = {}


class SensorState(enum.StrEnum):
    """Whether the kernel is being watched."""

    ACTIVE = "active"
    DEGRADED = "degraded"
    OFF = "off"


class SensorHealth(Struct, frozen=True):
    """The sensor's own word. ``lost`` counts events per class since the sensor was loaded."""

    state: SensorState
    reasons: tuple[Reason, ...] = ()
    lost: dict[str, int] = {}


class HostFacts(Struct, frozen=True):
    """What the agent says about its host; it changes rarely."""

    hostname: str
    os: str
    kernel: str
    architecture: str
    cpus: int
    memory_bytes: int
    addresses: tuple[str, ...] = ()
    container_runtime: str | None = None
    boot_id: str = ""


class Heartbeat(Struct, frozen=True):
    """The agent's state, sent every few seconds and when it changes."""

    agent_version: str
    sensor: SensorHealth
    runtime_reachable: bool
    applied: AppliedPolicies | None
    spool_records: int = 0
    spool_dropped: dict[str, int] = {}
    """Records dropped for want of disk space, per priority; empty again a day after the last drop."""
    reasons: tuple[Reason, ...] = ()


class Container(Struct, frozen=True):
    """A container as its runtime describes it."""

    id: str
    name: str
    image: ImageRef
    state: str
    created: datetime | None = None
    started: datetime | None = None
    privileged: bool = False
    host_network: bool = False
    """It has the host's network, so it cannot be cut off without cutting off the host."""
    held: tuple[Action, ...] = ()
    """What Hullguard did to it and can undo: ``pause``, ``stop``, ``isolate``."""
    engine: str = "docker"
    """Who runs it: ``docker``, ``podman`` or ``containerd``. Only Docker's are paused, stopped and isolated."""


class PlacedContainer(Container, frozen=True, kw_only=True):
    """A container with the node it runs on."""

    node: str
    node_name: str
    open_incidents: int = 0
    actions: tuple[str, ...] = ()
    """The kinds of commands that may be given for it now; the console offers no others."""


class Node(Struct, frozen=True, kw_only=True):
    """A node as the platform knows it."""

    id: str
    name: str
    cluster: str
    facts: HostFacts
    protection: bool
    state: NodeState
    online: bool
    reasons: tuple[Reason, ...]
    agent_version: str
    sensor: SensorHealth | None
    enrolled: datetime
    last_seen: datetime | None
    wanted: AppliedPolicies | None
    applied: AppliedPolicies | None
    drift: bool
    """The agent does not confirm the policies that it should run."""
    containers: int = 0
    images: int = 0
    open_incidents: int = 0
    spool_dropped: int = 0
