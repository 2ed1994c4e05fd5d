"""Layers in files that did not change since they were hashed: what was computed of them then still holds.

Decision 0007 says why the state of a file may stand for its content, and when it may not.
"""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from hullguard.inventory.entry import entry
from hullguard.inventory.source.mapped import lease_on

if TYPE_CHECKING:
    from hullguard.inventory.cache import LayerCache

# The coarsest clock of the file systems in use is FAT's, two seconds; a change within one tick leaves no trace.
SETTLED_NS = 2_000_000_000
_SIGNATURE = "file"

Identity = Callable[[], str | None]
"""Names the present state of a file, or None when nothing may be concluded from it."""


class Computed(Struct, frozen=True):
    """What a layer's bytes were when they were last read."""

    diff_id: str
    digest: str
    size: int


def identity_of(descriptor: int, offset: int, size: int) -> str | None:
    """The state of an open file and the part of it that is meant.

    None while it is too young to tell a change, and while somebody may write to it: what is written through a mapping
    leaves no trace until the kernel has stored the page.
    """
    state = os.fstat(descriptor)
    if time.time_ns() - state.st_ctime_ns < SETTLED_NS or (lease := lease_on(descriptor)) is None:
        return None
    os.close(lease)
    parts = (state.st_dev, state.st_ino, state.st_size, state.st_mtime_ns, state.st_ctime_ns, offset, size)
    return ":".join(map(str, parts))


def note(cache: "LayerCache", identity: str, computed: Computed) -> None:
    """Keeps what was computed of a file in this state."""
    from hullguard.inventory.layer import LayerIndex

    cache.put(identity, _SIGNATURE, LayerIndex(note=msgspec.msgpack.encode(computed)))


def is_noted(cache: Path, identity: str) -> bool:
    """Whether something may be kept of a file in this state, in the cache that is this directory."""
    return entry(cache, identity, _SIGNATURE).exists()


def noted(cache: "LayerCache", identity: str) -> Computed | None:
    """What was computed of the file when it was in this state before."""
    from hullguard.inventory.cache import UNREADABLE
    from hullguard.model.decoding import from_msgpack

    stored = cache.get(identity, _SIGNATURE)
    try:
        return None if stored is None else from_msgpack(stored.note, Computed)
    except UNREADABLE:
        return None
