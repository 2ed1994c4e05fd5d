"""What stays in the kernel between two lives of the agent: maps, programs and links, pinned in a bpffs.

Each build of the object has a directory of its own there, named by layout and hash: an agent that finds its own goes on
with it, events of the meantime included; one of another build makes its own and then takes the other's down.
"""

import os
from pathlib import Path

from hullguard.agent.sensor import libbpf

RINGS = {
    "ring_exec": 2 << 20,
    "ring_file": 1 << 20,
    "ring_proc": 1 << 19,
    "ring_network": 1 << 19,
    "ring_security": 1 << 19,
}
MAPS = (
    *RINGS,
    *("verdicts", "known", "slots", "names", "inodes", "paths", "networks", "programs", "ports", "config", "sequence"),
    *("allowed", "lease"),
    *("lost", "losses", "rates", "scratches", "workspaces"),
)
_LINK, _PROGRAM = "link_", "on_"


class Pins:
    """One build's directory in the bpffs."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def map(self, name: str, key_size: int, value_size: int) -> libbpf.Map:
        return libbpf.Map(self.directory / name, key_size, value_size)

    def has(self, name: str) -> bool:
        """Whether the map or program is there."""
        return (self.directory / name).exists()

    def programs(self) -> list[str]:
        """Paths of those that are loaded. Asked every second: ``Path`` would be most of what it takes."""
        return [f"{self.directory}/{name}" for name in os.listdir(self.directory) if name.startswith(_PROGRAM)]  # noqa: PTH208

    def links(self) -> frozenset[str]:
        """Names of the links that are pinned; none where somebody took all of it away."""
        try:
            names = os.listdir(self.directory)  # noqa: PTH208 - as above
        except FileNotFoundError:
            return frozenset()
        return frozenset(name.removeprefix(_LINK) for name in names if name.startswith(_LINK))

    def link(self, name: str) -> Path:
        """Where a link is pinned, or would be."""
        return self.directory / f"{_LINK}{name}"

    def remove(self) -> None:
        """Detaches everything and gives the memory back."""
        # Links first: a program that runs without its maps' pins is harmless, one attached for nobody is waste.
        for entry in sorted(self.directory.iterdir(), key=lambda path: not path.name.startswith(_LINK)):
            entry.unlink(missing_ok=True)
        self.directory.rmdir()
