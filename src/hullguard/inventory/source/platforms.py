"""Platforms: ``OS/ARCH[/VARIANT]`` as people write them, and the machine's own."""

import os

from hullguard.model.image import Platform

_MACHINES = {
    **dict.fromkeys(("x86_64", "x86-64"), "amd64"),
    **dict.fromkeys(("i386", "i686"), "386"),
    **dict.fromkeys(("armv7l", "armhf", "armel"), "arm"),
    "aarch64": "arm64",
}
"""Other names of architectures, in small letters; engines take them for the same (containerd's ``platforms``)."""


def own_platform() -> str:
    """Images are Linux images wherever this runs; the architecture is the machine's."""
    machine = os.uname().machine
    return f"linux/{_known(machine)}"


def fits(offered: Platform, wanted: str) -> bool:
    """Whether an image's platform is the one asked for; a variant counts only when it was asked for."""
    system, _, rest = wanted.lower().partition("/")
    architecture, _, variant = rest.partition("/")
    if (system, _known(architecture)) != (offered.os.lower() or "linux", _known(offered.architecture.lower())):
        return False
    return not variant or variant == (offered.variant or "").lower()


def _known(architecture: str) -> str:
    return _MACHINES.get(architecture, architecture)
