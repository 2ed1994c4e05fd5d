"""What the agent says about its host, read from the kernel's own files."""

import os
import platform
import re
import socket
from pathlib import Path

from hullguard.model.node import HostFacts

_MAX_ADDRESSES = 32
_QUOTED = re.compile(r"^\s*([A-Z_]+)=(.*?)\s*$", re.MULTILINE)


def read(container_runtime: str | None = None, root: Path = Path("/")) -> HostFacts:
    """Facts about this host. ``root`` is where the host's file system is mounted."""
    return HostFacts(
        hostname=_plain(socket.gethostname()),
        os=_os_name(_text(root / "etc/os-release") or _text(root / "usr/lib/os-release")),
        kernel=platform.release(),
        architecture=platform.machine(),
        cpus=os.cpu_count() or 1,
        memory_bytes=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        addresses=_addresses(_text(root / "proc/net/fib_trie"), _text(root / "proc/net/if_inet6")),
        container_runtime=container_runtime,
        boot_id=boot_id(root),
    )


def boot_id(root: Path = Path("/")) -> str:
    """The kernel's name for this boot; it qualifies every event number."""
    return _text(root / "proc/sys/kernel/random/boot_id").strip()


def _plain(hostname: str) -> str:
    """What the server takes for a host name; the kernel takes anything."""
    return re.sub(r"[^A-Za-z0-9._-]", "-", hostname).strip("._-")[:253] or "unnamed"


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(1 << 20).decode(errors="replace")
    except OSError:
        return ""


def _os_name(release: str) -> str:
    fields = {name: value.strip("\"'") for name, value in _QUOTED.findall(release)}
    return fields.get("PRETTY_NAME") or fields.get("NAME") or "Linux"


def _addresses(routes: str, six: str) -> tuple[str, ...]:
    """Addresses by which others can reach this host: not loopback, not link-local."""
    found: dict[str, None] = {}
    address = ""
    for line in routes.splitlines():
        word = line.strip()
        if word.startswith("|-- "):
            address = word[4:]
        elif word.startswith("/32 host LOCAL") and not address.startswith(("127.", "169.254.")):
            found[address] = None
    for line in six.splitlines():
        raw, _, _, scope, *_ = [*line.split(), "", "", "", ""]
        if scope == "00" and len(raw) == 32:
            found[socket.inet_ntop(socket.AF_INET6, bytes.fromhex(raw))] = None
    return tuple(found)[:_MAX_ADDRESSES]
