"""Which container an event belongs to: from its specification first, from its engine for what that does not say."""

import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import TypeVar

import msgspec

from hullguard.agent.sensor import specs
from hullguard.agent.sensor.builds import ended_step
from hullguard.agent.sensor.containers import DockerIdentities, Identity, container_id, full_name
from hullguard.agent.sensor.specs import Description
from hullguard.agent.sensor.storage_list import stored
from hullguard.model.event import ContainerDetails, ContainerRef, ImageRef

T = TypeVar("T")

_PAUSE = 5.0
_MOST = 2048
_MAYBE_DOCKER = frozenset({"", "docker"})
Describe = Callable[[str, Iterable[int]], Description | None]


class Identities:
    """Knows containers of Docker, containerd, CRI-O and podman. Not asked twice for what is known."""

    def __init__(self, docker_host: str | None, describe: Describe = specs.describe) -> None:
        self._docker = DockerIdentities(docker_host)
        self._describe = describe
        self._known: OrderedDict[str, Identity] = OrderedDict()
        self._found: OrderedDict[str, Description] = OrderedDict()
        self._retry: dict[str, float] = {}

    def identify(self, cgroup_name: str, ancestors: Iterable[int] = ()) -> Identity:
        """The container's identity, as far as it can be told now.

        ``ancestors`` are the processes of its runtime above the one that acted: they know where the specification is.
        """
        identifier = container_id(cgroup_name)
        known = self._known.get(identifier)
        if known is not None:
            return known
        found = self._description(identifier, cgroup_name, ancestors)
        engine = (found.details.engine if found else "") or specs.engine_of(cgroup_name)
        identity = Identity(ContainerRef(identifier))
        if engine in _MAYBE_DOCKER:
            identity = self._docker.identify(cgroup_name)
        if found is None:
            return identity
        identity = _with(identity, found)
        if identity.image is not None:
            _keep(self._known, identifier, identity)
        return identity

    def forget(self, cgroup_name: str) -> None:
        """The container is started anew: what it may do is read again."""
        identifier = container_id(cgroup_name)
        for table in (self._known, self._found, self._retry):
            table.pop(identifier, None)

    def _description(self, identifier: str, cgroup_name: str, ancestors: Iterable[int]) -> Description | None:
        found = self._found.get(identifier)
        now = time.monotonic()
        if found is not None or now < self._retry.get(identifier, 0.0):
            return found
        found = self._describe(identifier, ancestors)
        if found is None and specs.engine_of(cgroup_name) in _MAYBE_DOCKER and ended_step(identifier):
            found = Description(ContainerDetails(engine="docker", builds_image=True))
        if found is not None:
            _keep(self._found, identifier, found)
            return found
        if len(self._retry) >= _MOST:
            self._retry.clear()
        self._retry[identifier] = now + _PAUSE
        return None


def _with(asked: Identity, found: Description) -> Identity:
    """What the engine said, completed by the specification."""
    name, image = asked.container.name or found.name, asked.image
    if image is None:
        entry = stored(found.bundle, asked.container.id)
        if entry is not None:
            name, image = found.name or entry.name, entry.image
        elif found.image:
            image = ImageRef("", full_name(found.image))
    details = found.details
    if asked.details is not None:
        labels = asked.details.labels
        details = msgspec.structs.replace(details, labels=labels, pod=details.pod or specs.pod(labels))
    return Identity(ContainerRef(asked.container.id, name), image, details)


def _keep(table: OrderedDict[str, T], key: str, value: T) -> None:
    table[key] = value
    if len(table) > _MOST:
        table.popitem(last=False)
