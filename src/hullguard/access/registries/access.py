"""How a registry that somebody wrote down is reached."""

from hullguard.inventory.source.opened import RegistryAccess
from hullguard.model.registry import RegistrySpec


def access_of(
    spec: RegistrySpec, password: str | None, *, admitted: bool = False, once: bool = False
) -> RegistryAccess:
    """As a server asks for others; ``admitted`` and ``once`` as ``RegistryAccess`` has them."""
    return RegistryAccess(
        username=spec.username or None,
        password=password if spec.username else None,
        insecure=spec.insecure,
        ca=spec.ca or None,
        for_others=True,
        admitted=admitted,
        once=once,
    )
