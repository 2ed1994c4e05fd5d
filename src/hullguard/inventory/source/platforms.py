"""Platforms: ``OS/ARCH[/VARIANT]`` as people write them, the machine's own, and which of several an engine takes.

Names and preferences are those of containerd's package ``platforms`` (database.go, compare.go), by which Docker goes.
"""

import os
import re
from typing import Final

from hullguard.model.image import Platform

_MACHINES = {
    **dict.fromkeys(("x86_64", "x86-64"), "amd64"),
    **dict.fromkeys(("i386", "i686"), "386"),
    **dict.fromkeys(("armv7l", "armhf", "armel"), "arm"),
    "aarch64": "arm64",
}
"""Other names of architectures, in small letters; engines take them for the same."""
_VARIANTS = {"amd64": "v1", "arm64": "v8", "arm": "v7", "armel": "v6"}
"""What is meant where none is named."""
_GENERATION = re.compile(r"v?(\d{1,3})(?:\.(\d{1,3}))?", re.ASCII)

Rank = tuple[int, int, int]
UNRANKED: Final[Rank] = (2, 0, 0)
"""Of a variant that no engine would run where another was asked for."""


def own_platform() -> str:
    """Images are Linux images wherever this runs; the architecture is the machine's."""
    machine = os.uname().machine
    return f"linux/{_known(machine)}"


def fits(offered: Platform, wanted: str) -> bool:
    """Whether an image's platform is the one asked for; a variant counts only when it was asked for."""
    system, architecture, variant = _parts(wanted)
    if (system, _known(architecture)) != (offered.os.lower() or "linux", _known(offered.architecture.lower())):
        return False
    return not variant or _variant(architecture, variant) == _variant_of(offered)


def preference(offered: Platform, wanted: str) -> Rank:
    """The place among those that fit; of several an engine takes the lowest.

    That is the variant asked for or meant, then older ones from the newest down, then newer ones from the oldest up:
    for ``linux/arm`` v7, v6, v5, v8, and for ``linux/amd64`` v1, v2, v3.
    """
    _, architecture, variant = _parts(wanted)
    meant, found = _generation(_variant(architecture, variant)), _generation(_variant_of(offered))
    if meant is None or found is None:
        return (0, 0, 0) if _variant(architecture, variant) == _variant_of(offered) else UNRANKED
    if found <= meant:
        return 0, meant[0] - found[0], meant[1] - found[1]
    return 1, *found


def _parts(wanted: str) -> tuple[str, str, str]:
    system, _, rest = wanted.lower().partition("/")
    architecture, _, variant = rest.partition("/")
    return system, architecture, variant


def _variant_of(offered: Platform) -> str:
    return _variant(offered.architecture.lower(), (offered.variant or "").lower())


def _variant(architecture: str, variant: str) -> str:
    """As engines write it: ``v7`` for ``7``, and what is meant by none."""
    if not variant:
        return _VARIANTS.get(architecture) or _VARIANTS.get(_known(architecture), "")
    return f"v{variant}" if variant.isdigit() else variant


def _generation(variant: str) -> tuple[int, int] | None:
    found = _GENERATION.fullmatch(variant)
    return (int(found[1]), int(found[2] or 0)) if found is not None else None


def _known(architecture: str) -> str:
    return _MACHINES.get(architecture, architecture)
