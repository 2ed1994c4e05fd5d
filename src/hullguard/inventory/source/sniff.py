"""What an existing file is, by its content: people rename files."""

from pathlib import Path

from hullguard.inventory.limits import Budget, Limits
from hullguard.inventory.paths import normal
from hullguard.inventory.streams import GZIP_MAGIC, ZSTD_MAGIC, Uncompressed
from hullguard.inventory.tar import TarWalk
from hullguard.model.errors import Invalid, LimitReached


def is_compressed(path: Path) -> bool:
    """Whether the file as a whole is gzip or zstd."""
    with path.open("rb") as file:
        head = file.read(4)
    return head[:2] == GZIP_MAGIC or head == ZSTD_MAGIC


def top_names(path: Path, limits: Limits) -> frozenset[str]:
    """The names at the top of an archive, of a damaged one those before the damage; none when it is no archive."""
    names = set()
    with path.open("rb", buffering=0) as file:
        try:
            walk = TarWalk(Uncompressed(file, Budget(limits), path.name, hashed=False), Budget(limits), path.name)
            for member in walk:
                name = normal(member.name)
                if name and "/" not in name:
                    names.add(name)
                if name == "manifest.json":
                    break  # the one name that decides at once
        except (Invalid, LimitReached):
            pass
    return frozenset(names)
