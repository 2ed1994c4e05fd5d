"""A registry is asked once, before anybody relies on it: by a process of its own, as for every scan."""

from typing import Final

from msgspec import Struct, field

from hullguard.access.registries.access import access_of
from hullguard.inventory import apart
from hullguard.model.errors import HullguardError, LimitReached
from hullguard.model.registry import RegistryAttempt, RegistrySpec, Trouble

SECONDS: Final = 15.0
"""People wait for it, and the console for no answer longer than 20 s."""


class TryJob(Struct, frozen=True):
    """Which registry; it holds the password, and is told on standard input alone."""

    spec: RegistrySpec
    password: str | None = field(default=None)

    def __repr__(self) -> str:
        return f"TryJob({self.spec.address})"


async def tried(spec: RegistrySpec, password: str | None, seconds: float = SECONDS) -> RegistryAttempt:
    """What it says, or why nothing was heard of it."""
    what = f"the registry {spec.address}"
    try:
        return await apart.ask(__name__, TryJob(spec, password), RegistryAttempt, seconds, what)
    except LimitReached:
        why = f"the registry {spec.address} cannot be reached: it gave no whole answer within {seconds:.0f} s"
        return RegistryAttempt(reachable=False, trouble=Trouble("registry.unreachable", why))
    except HullguardError as broken:
        return RegistryAttempt(reachable=False, trouble=Trouble(broken.code, str(broken)))


def _work(job: TryJob) -> RegistryAttempt:
    from hullguard.inventory.source.registry.listing import try_registry

    return try_registry(job.spec, access_of(job.spec, job.password, once=True))


if __name__ == "__main__":
    apart.answer(TryJob, _work)
