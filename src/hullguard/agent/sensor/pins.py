"""What stays in the kernel between two lives of the agent: maps, programs and links, pinned in a bpffs.

Each build of the object has a directory of its own there, named by layout and hash: an agent that finds its own goes on
with it, events of the meantime included; one of another build makes its own and then takes the other's down.
"""

import ctypes
import os
from pathlib import Path

from hullguard.agent.sensor import abi, libbpf

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
SIZES: dict[str, tuple[int, int]] = {
    "verdicts": (8, ctypes.sizeof(abi.Verdict)),
    "known": (8, ctypes.sizeof(abi.Known)),
    "slots": (4, ctypes.sizeof(abi.Slot)),
    "names": (ctypes.sizeof(abi.Name), 4),
    "inodes": (ctypes.sizeof(abi.Inode), 1),
    "paths": (ctypes.sizeof(abi.Path), 8),
    "networks": (ctypes.sizeof(abi.Network), 8),
    "programs": (ctypes.sizeof(abi.Program), 8),
    "ports": (ctypes.sizeof(abi.Port), 8),
    "allowed": (ctypes.sizeof(abi.Allowed), 1),
    "lease": (4, 8),
    "config": (4, ctypes.sizeof(abi.Config)),
    "sequence": (4, 8),
    "lost": (4, 8),
    "losses": (ctypes.sizeof(abi.LossKey), ctypes.sizeof(abi.Loss)),
}
"""Bytes of keys and values of those that the agent reads or writes; of ``lost`` there is a value for each processor."""
_LINK, _PROGRAM = "link_", "on_"


class Pins:
    """One build's directory in the bpffs."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def map(self, name: str, values: int = 1) -> libbpf.Map:
        """``values`` for each key, where each processor has its own."""
        key_size, value_size = SIZES.get(name, (0, 0))
        return libbpf.Map(self.directory / name, key_size, value_size * values)

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
