"""Package managers: what they start, and what the scripts of their packages start, is no attack but an installation."""

from typing import Final

from hullguard.detect.parameters import strings
from hullguard.detect.paths import matches
from hullguard.model.detector import DetectorInfo, ParameterInfo, ParameterKind
from hullguard.model.event import Event
from hullguard.model.policy import DetectorSettings

PARAMETER: Final = ParameterInfo(
    "installers",
    ParameterKind.PATHS,
    [
        *("/sbin/apk", "/usr/sbin/apk", "/usr/bin/apt", "/usr/bin/apt-get", "/usr/bin/aptitude", "/usr/bin/dpkg"),
        *("/usr/bin/dnf5", "/usr/bin/microdnf", "/usr/bin/opkg", "/bin/opkg", "/usr/bin/pacman", "/bin/rpm"),
        *("/usr/bin/rpm", "/usr/bin/tdnf", "/usr/bin/zypper"),
    ],
)
"""By their files, which an attacker cannot take for his own without replacing what the image has."""


def installs(info: DetectorInfo, event: Event, settings: DetectorSettings) -> bool:
    """Whether a package manager of the image is at work: the process itself, or an ancestor in the container."""
    programs = strings(info, settings, PARAMETER.name)
    return any(
        process.exe is not None
        and not (process.outside or process.exe_new or process.exe_memfd)
        and matches(process.exe, programs)
        for process in event.lineage
    )
