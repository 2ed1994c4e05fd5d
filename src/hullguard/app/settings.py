"""Where things are: the data directory and what lies in it, the addresses to listen on."""

import ipaddress
import os
from pathlib import Path

from msgspec import Struct

from hullguard.inventory import base_directories
from hullguard.model.errors import Invalid

DEFAULT_LISTEN = "127.0.0.1:8440"
DEFAULT_AGENTS_PORT = 8441
DEFAULT_AGENTS = f"127.0.0.1:{DEFAULT_AGENTS_PORT}"


class Address(Struct, frozen=True):
    """Where a server listens; port 0 asks the system for a free one."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def everywhere(self) -> bool:
        """Every address of this machine, so none that a client could be told."""
        return self.host in ("0.0.0.0", "::")  # noqa: S104 - compared, not bound

    @property
    def loopback(self) -> bool:
        """Only this machine can reach it."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False


def parse_address(text: str, option: str) -> Address:
    """``HOST:PORT``, ``[IPV6]:PORT`` or ``:PORT``; raises ``Invalid`` naming the option."""
    host, separator, port = text.rpartition(":")
    host = host.strip("[]") or "0.0.0.0"  # noqa: S104 - ":8440" is how people say "on every address"
    if not separator or not port.isascii() or not port.isdigit() or len(port) > 5 or int(port) > 65535:
        raise Invalid(f"{option} must be HOST:PORT, for example {DEFAULT_LISTEN}; got {text!r}")
    return Address(host, int(port))


def default_data_dir() -> Path:
    """``/var/lib/hullguard`` for root, else the user's own data directory (XDG base directory specification)."""
    if os.geteuid() == 0:
        return Path("/var/lib/hullguard")
    return base_directories.data_home() / "hullguard"


class Layout(Struct, frozen=True):
    """The files of one data directory."""

    data: Path

    @property
    def database(self) -> Path:
        """The platform's SQLite file."""
        return self.data / "hullguard.db"

    @property
    def database_url(self) -> str:
        """The same as a URL for ``Storage.open``."""
        return f"sqlite+aiosqlite:///{self.database}"

    @property
    def advisories(self) -> Path:
        """The advisory database; the same file that ``hullguard db import`` writes by default."""
        return self.data / "advisories.db"

    @property
    def anchors(self) -> Path:
        """Notes of where the audit ended; kept apart, they prove that its end was not cut off."""
        return self.data / "audit.anchors"

    @property
    def run(self) -> Path:
        """Sockets, locks and endpoints of the running platform."""
        return self.data / "run"

    @property
    def cache_socket(self) -> Path:
        """Where the supervisor serves the cache to its children."""
        return self.run / "cache.sock"

    @property
    def lock(self) -> Path:
        """Held by the one ``hullguard up`` of this directory."""
        return self.run / "up.lock"

    @property
    def endpoints(self) -> Path:
        """The addresses that the running parts really listen on."""
        return self.run / "endpoints.json"

    @property
    def logs(self) -> Path:
        """One JSON-lines file per part."""
        return self.data / "logs"

    @property
    def authority(self) -> Path:
        """The platform's certificate authority and release key."""
        return self.data / "ca"

    @property
    def registry_key(self) -> Path:
        """What the passwords of registries are sealed with."""
        return self.data / "registries.key"

    @property
    def registry_layers(self) -> Path:
        """What is known of layers of registries' images, so that none is read twice."""
        return self.data / "layers"

    @property
    def agent(self) -> Path:
        """The state of the agent that ``up`` runs on this machine."""
        return self.data / "agent"

    def make(self) -> None:
        """Create the directories, readable by their owner alone."""
        for directory in (self.data, self.run, self.logs):
            try:
                directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            except OSError as cause:
                raise Invalid(
                    f"cannot use {self.data} as the data directory: {cause.strerror}; choose another with --data"
                ) from cause
