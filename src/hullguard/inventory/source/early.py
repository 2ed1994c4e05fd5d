"""Has the layers of an archive hashed before the modules are loaded that can tell what kind of archive it is.

Of a command that scans one archive, loading modules takes a fifth of the time, on one processor. What is hashed in vain
is given up as soon as it is known what the image's layers are.
"""

import functools
import os
import stat
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from hullguard.inventory.limits import Budget, Limits
from hullguard.inventory.source.ahead import Ahead
from hullguard.inventory.source.sniff import begins_a_tar
from hullguard.inventory.source.unchanged import identity_of, is_noted
from hullguard.inventory.sparse import BLOCK
from hullguard.inventory.streams import Section
from hullguard.inventory.tar import Kind, TarWalk
from hullguard.model.errors import HullguardError

_WORTH = 8 << 20
"""Bytes to hash: to make a process takes as long as to hash some of them."""
_MOST_MEMBERS = 512
"""An archive with more is no image, as a rule."""
_PREFIXES = ("docker-archive:", "oci-archive:")


def hashed_early(target: str, cache: Path | None) -> Ahead:
    """What is hashed of a target, which may be nothing; only for a process that has no other thread.

    ``cache``: where the indexes of layers are kept; of a layer that is known there nothing is hashed.
    """
    ahead = Ahead()
    name = next((target.removeprefix(prefix) for prefix in _PREFIXES if target.startswith(prefix)), target)
    try:
        if not Path(name).is_file():
            return ahead  # to open a device may do something
        descriptor = os.open(name, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except (OSError, ValueError):
        return ahead  # said when its turn comes
    try:
        layers = [layer for layer in _layers(descriptor) if cache is None or not _known(layer, cache)]
        if sum(layer.left for layer in layers) >= _WORTH:
            ahead.hash(layers)
    except (OSError, HullguardError):
        pass  # this, too
    finally:
        os.close(descriptor)
    return ahead


def _layers(descriptor: int) -> Iterator[Section]:
    """The members of an archive that are plain archives."""
    state = os.fstat(descriptor)
    if not stat.S_ISREG(state.st_mode) or state.st_size < _WORTH:
        return
    pread = functools.partial(_pread, descriptor)
    walk = TarWalk(Section(pread, 0, state.st_size), Budget(Limits()), "")
    for member in islice(walk, _MOST_MEMBERS):
        if member.kind is Kind.FILE and member.size >= BLOCK and begins_a_tar(walk.peek(BLOCK)):
            yield Section(pread, walk.offset, member.size, descriptor)


def _known(layer: Section, cache: Path) -> bool:
    identity = identity_of(layer.descriptor, layer.offset, layer.left) if layer.descriptor is not None else None
    return identity is not None and is_noted(cache, identity)


def _pread(descriptor: int, size: int, offset: int) -> bytes:
    return os.pread(descriptor, size, offset)
