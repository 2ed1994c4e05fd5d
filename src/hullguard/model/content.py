"""What lies in an image beside packages and is wrong by itself: secrets, malware, a careless configuration."""

from msgspec import Struct

from hullguard.model.severity import Severity


class Secret(Struct, frozen=True):
    """A credential that lies in a layer, where everyone who may pull the image can read it."""

    rule: str
    title: str
    severity: Severity
    path: str
    line: int
    """Counted from 1."""
    match: str
    """The surroundings with the secret itself made unreadable."""
    layer: str | None = None
    """The diff id of the layer that holds it."""
    deleted: bool = False
    """A later layer removed the file, which takes it from the container but not from the image."""


class Malware(Struct, frozen=True):
    """A file that a rule or a list of hashes calls malicious."""

    rule: str
    title: str
    severity: Severity
    path: str
    sha256: str
    layer: str | None = None
    deleted: bool = False


class Misconfiguration(Struct, frozen=True):
    """A check of the image's configuration, history or file modes that did not pass."""

    id: str
    """For example ``CIS-DI-0001``."""
    title: str
    severity: Severity
    message: str
    """What was found, and where."""
    fix: str
    """What to do about it."""
    path: str | None = None
    layer: str | None = None


class LicenseUse(Struct, frozen=True):
    """One licence and the packages that declare it."""

    license: str
    category: str
    """``permissive``, ``weak copyleft``, ``strong copyleft``, ``network copyleft``, ``proprietary`` or ``unknown``."""
    packages: tuple[str, ...]
    """Their purls."""


Hit = Secret | Malware | Misconfiguration
