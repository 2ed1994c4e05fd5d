"""What an existing file is, by its content: people rename files."""

import io
import os
from pathlib import Path

from hullguard.inventory.compression import MARK, Readable, compression_of
from hullguard.inventory.limits import Budget, Limits
from hullguard.inventory.paths import normal
from hullguard.inventory.sparse import BLOCK
from hullguard.inventory.streams import Section, Uncompressed
from hullguard.inventory.tar import TarWalk
from hullguard.model.errors import Invalid, LimitReached

DECIDING = "manifest.json"
"""The one name that decides at once: what ``docker save`` writes may hold an OCI index too."""


def is_compressed(path: Path) -> bool:
    """Whether the file as a whole is compressed; raises Invalid for one that is a plain tar archive as well."""
    with path.open("rb") as file:
        head = file.read(BLOCK)
    compression = compression_of(head[:MARK])
    if compression and begins_a_tar(head):
        sentence = f"{path.name} is a tar archive and a {compression} stream at once, of which engines read either"
        raise Invalid(sentence, "image.ambiguous")
    return bool(compression)


def top_names(path: Path, limits: Limits) -> tuple[frozenset[str], Invalid | None]:
    """The names at the top of an archive; of a damaged one those before the damage, and the damage.

    There are none when it is no archive.
    """
    names = set()
    damage = None
    budget = Budget(limits)
    compressed = is_compressed(path)
    with path.open("rb", buffering=0) as file:
        descriptor = file.fileno()
        raw: Readable = Section(lambda size, offset: os.pread(descriptor, size, offset), 0, path.stat().st_size)
        try:
            if compressed:
                raw = Uncompressed(file, budget, path.name, hashed=False)
            for member in TarWalk(raw, budget, path.name):
                name = normal(member.name)
                if name and "/" not in name:
                    budget.keep(len(name))
                    names.add(name)
                if name == DECIDING:
                    break
        except Invalid as refused:
            damage = refused if refused.code != "image.not-a-tar" else None
        except LimitReached:
            # A bomb hides what stands behind it. Read as an archive it ends at the same limit, with a report.
            names.add(DECIDING)
    return frozenset(names), damage


def begins_a_tar(block: bytes) -> bool:
    """Whether a block is a tar header: its checksum is right, which no document or compressed stream has by chance."""
    if len(block) < BLOCK:
        return False
    try:
        next(iter(TarWalk(io.BytesIO(block), Budget(Limits()), "")), None)
    except Invalid as refused:
        return refused.code != "image.not-a-tar"
    except LimitReached:
        pass
    return True
