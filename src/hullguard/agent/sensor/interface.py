"""What a sensor is, and what it tells about itself."""

from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from msgspec import Struct

from hullguard.detect.plan import KernelPlan
from hullguard.model.event import Event, Gap
from hullguard.model.node import SensorHealth

Handler = Callable[[Event | Gap], None]
"""Takes what happened, and what is known to be missing."""


class HookInfo(Struct, frozen=True):
    """One place in the kernel that the sensor uses, for ``hullguard agent doctor``."""

    name: str
    backend: str
    attached: bool
    why: str = ""
    """Why it is not attached, or what it cannot see."""
    cost: str = ""
    """What it costs those whom it does not concern, while it is attached."""
    needless: bool = False
    """No policy needs it, or the kernel has no such call: there is nothing to miss."""


class Tamper(Struct, frozen=True):
    """Something of the sensor that is not as it was left, and nobody but the agent has any business with."""

    name: str
    repaired: bool
    since: datetime
    """When it was last seen to be as it was left."""


class Sensor(Protocol):
    """A source of container events. One thread owns it; any may call ``health``, ``hooks`` and ``wake``."""

    def apply(self, plan: KernelPlan) -> None:
        """Compiles the plan into the filters, and begins to attach the hooks that it needs."""
        ...

    def settled(self) -> bool:
        """Whether every hook is where the last plan needs it, or was refused."""
        ...

    def poll(self, handler: Handler, timeout_ms: int) -> int:
        """Hands over the events that the plan asks for, waiting for the first; answers how many.

        An event is consumed when the handler has returned. What the handler raises passes through, and its event comes
        again with the next call. Raises what kept hooks from being attached, too.
        """
        ...

    def wake(self) -> None:
        """Ends the wait of ``poll``, this one or the next; any thread may call it until the sensor is closed."""
        ...

    def health(self) -> SensorHealth:
        """Whether it sees everything it should, and what was lost."""
        ...

    def tampered(self) -> tuple[Tamper, ...]:
        """What somebody changed since the last call, put back where that is possible.

        It looks at a part each time. Raises Unavailable where so much is gone that only starting anew helps.
        """
        ...

    def hooks(self) -> tuple[HookInfo, ...]:
        """Every hook, attached or not."""
        ...

    def close(self, unpin: bool) -> None:
        """Lets go. Without ``unpin`` the kernel goes on collecting for the next one to open."""
        ...
