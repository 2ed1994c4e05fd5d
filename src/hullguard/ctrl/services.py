"""What the control plane is given by ``app``: it reads no environment, no arguments and no settings file itself."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from msgspec import Struct

from hullguard.access.iam.passwords import Passwords
from hullguard.access.registries.vault import Vault
from hullguard.cache import Cache
from hullguard.model.report import AdvisoryState
from hullguard.storage import Storage


class BundleInfo(Struct, frozen=True):
    """What the signature of an agent bundle vouches for."""

    sha256: str
    version: str
    size: int


@dataclass(frozen=True)
class Settings:
    """How this replica is reached and what it may trust."""

    version: str
    secure_cookies: bool = False
    """Set when people reach the console over TLS; then the session cookie never travels without it."""
    trusted_proxies: tuple[str, ...] = ()
    """Addresses or networks whose ``X-Forwarded-For`` is believed; nobody else's is."""
    agent_url: str = ""
    """Where agents reach hostmgr; part of the enrolment command that the console shows."""
    ca_fingerprint: str = ""
    """The platform CA's, first 16 bytes in hexadecimal: part of every enrolment token."""
    static: Path = Path(__file__).parent / "static"
    scratch: Path | None = None
    """Where uploads rest until they are verified; the system's temporary directory by default."""
    incoming: Path | None = None
    """Where uploaded advisories wait for a worker; without one nobody can upload them."""


@dataclass(frozen=True)
class Services:
    """Everything a handler may use."""

    storage: Storage
    cache: Cache
    settings: Settings
    verify_bundle: Callable[[Path], BundleInfo]
    """Checks the Ed25519 signature of a bundle; raises ``Invalid``. Called in a thread."""
    advisory_state: Callable[[], AdvisoryState]
    vault: Vault
    """Seals the passwords of registries."""
    passwords: Passwords = field(default_factory=Passwords)
