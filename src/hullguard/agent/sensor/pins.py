"""What stays in the kernel between two lives of the agent: maps, programs and links, pinned in a bpffs.

Each build of the object has a directory of its own there, named by layout and hash: an agent that finds its own goes on
with it, events of the meantime included; one of another build makes its own and then takes the other's down.
"""

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

    def programs(self) -> list[Path]:
        """Those that are loaded."""
        return [path for path in self.directory.iterdir() if path.name.startswith(_PROGRAM)]

    def link(self, name: str) -> Path:
        """Where a link is pinned, or would be."""
        return self.directory / f"{_LINK}{name}"

    def remove(self) -> None:
        """Detaches everything and gives the memory back."""
        # Links first: a program that runs without its maps' pins is harmless, one attached for nobody is waste.
        for entry in sorted(self.directory.iterdir(), key=lambda path: not path.name.startswith(_LINK)):
            entry.unlink(missing_ok=True)
        self.directory.rmdir()
