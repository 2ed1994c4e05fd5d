"""Platforms: ``OS/ARCH[/VARIANT]`` as people write them, and the machine's own."""

import os

from hullguard.model.image import Platform

_MACHINES = {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "arm", "i686": "386", "ppc64le": "ppc64le"}


def own_platform() -> str:
    """Images are Linux images wherever this runs; the architecture is the machine's."""
    machine = os.uname().machine
    return f"linux/{_MACHINES.get(machine, machine)}"


def fits(offered: Platform, wanted: str) -> bool:
    """Whether an image's platform is the one asked for; a variant counts only when it was asked for."""
    parts = wanted.lower().split("/")
    if parts[:2] != [offered.os.lower(), offered.architecture.lower()]:
        return False
    return len(parts) < 3 or parts[2] == (offered.variant or "").lower()
