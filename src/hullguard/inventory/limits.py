"""What a hostile image may cost: every bound in one place, and the account of what was spent."""

import threading
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext

from msgspec import Struct

from hullguard.model.errors import LimitReached

MIB = 1 << 20
GIB = 1 << 30
_LARGE = 4 * MIB


class Limits(Struct, frozen=True):
    """Bounds on one read of one image. Reaching one ends the read with what was found so far."""

    total_bytes: int = 64 * GIB
    """Uncompressed bytes of all layers together."""
    ratio: int = 200
    """Uncompressed to compressed; deflate itself ends near 1030, real layers near 20."""
    ratio_floor: int = 256 * MIB
    """The ratio is not looked at below this size: a small layer of zeros hurts nobody."""
    ratio_floor_of_all: int = 2 * GIB
    """The same for all compressed streams together: hundreds of small layers of zeros do. Whole images grow tenfold."""
    entries: int = 3_000_000
    """Members of all layers together, or files of a directory tree; and those of archives in them."""
    name_bytes: int = 4096
    """PATH_MAX; also the bound on a link's target."""
    extension_bytes: int = MIB
    """One PAX or GNU header that extends another header."""
    file_bytes: int = 64 * MIB
    """One file that an analyzer wants, which is held in memory; a larger one is named in ``unknowns``."""
    large_file_bytes: int = GIB
    """One Java archive or program: it is read by position, on disk; a larger one is named in ``unknowns``."""
    unpacked_bytes: int = 2 * GIB
    """What is unpacked of archives and lists inside the image's files, of all of them together."""
    hole_bytes: int = GIB
    """Holes that are put back into sparse files, of one and of all together."""
    secret_seconds: int = 600
    """Of a processor, in which credentials are looked for; the files that are left are named in ``unknowns``. A large
    image takes ten."""
    hits: int = 1000
    """Findings of one inspector in one layer that are kept; the rest is only counted."""
    kept_bytes: int = 512 * MIB
    """All content kept for the analyzers, after they condensed it, and all names kept with it."""
    lines: int = 20_000_000
    """Of all package databases and lists of files; a large image has a million."""
    packages: int = 250_000
    """Packages of one image; a large one has a few thousand."""
    places: int = 2_000_000
    """Names that count in the file system that the layers make, directories included; a million take 400 MB."""
    steps: int = 5_000_000
    """Names in the targets of links that are walked over to find where they lead."""
    document_bytes: int = 8 * MIB
    """A manifest, an index or a configuration."""
    layers: int = 1024
    depth: int = 128
    """Nested directories of a tree, nested indexes times sixteen."""
    refused: int = 100
    """Refused entries that are named one by one; the rest is only counted."""


class Budget:
    """What is left of the limits while one image is read, by any number of threads."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._bytes = 0
        self._stored = 0
        self._grown = 0
        self._entries = 0
        self._kept = 0
        self._holes = 0
        self._unpacked = 0
        self._lines = 0
        self._searched = 0
        self._described = 0
        self._lock = threading.Lock()
        self._turn = threading.Lock()

    @property
    def spent(self) -> tuple[int, ...]:
        """The account, for ``join``."""
        return (
            self._bytes,
            self._stored,
            self._grown,
            self._entries,
            self._kept,
            self._holes,
            self._unpacked,
            self._lines,
            self._searched,
            self._described,
        )

    def join(self, spent: Sequence[int]) -> None:
        """Adds what another process spent on the same image; raises where that is too much for one."""
        size, stored, grown, entries, kept, holes, unpacked, lines, searched, parts = spent
        self.search(searched)
        self.describe(parts)
        self.keep(kept)
        self.spend_bytes(size)
        self.spend_growth(stored, grown)
        self.spend_entry(entries)
        self.spend_hole(holes)
        self.spend_unpacked(unpacked)
        self.spend_lines(lines)

    def spend_bytes(self, count: int) -> None:
        with self._lock:
            self._bytes += count
        if self._bytes > self.limits.total_bytes:
            raise reached(
                "the image holds more than {limit} uncompressed bytes", "total-bytes", self.limits.total_bytes
            )

    def spend_growth(self, compressed: int, uncompressed: int) -> None:
        """What came out of compressed streams, of all together."""
        with self._lock:
            self._stored += compressed
            self._grown += uncompressed
            stored, grown = self._stored, self._grown
        if grown > self.limits.ratio_floor_of_all and grown > self.limits.ratio * max(stored, 1):
            raise reached(
                "compressed streams grow more than {limit} times, all together", "ratio-of-all", self.limits.ratio
            )

    def spend_entry(self, count: int = 1) -> None:
        with self._lock:
            self._entries += count
        if self._entries > self.limits.entries:
            raise reached("the image holds more than {limit} files", "entries", self.limits.entries)

    def spend_hole(self, count: int) -> None:
        with self._lock:
            self._holes += count
        if self._holes > self.limits.hole_bytes:
            raise reached("sparse files have holes of more than {limit} bytes", "hole-bytes", self.limits.hole_bytes)

    def spend_unpacked(self, count: int) -> None:
        with self._lock:
            self._unpacked += count
        if self._unpacked > self.limits.unpacked_bytes:
            raise reached(
                "archives inside the image's files hold more than {limit} bytes",
                "unpacked-bytes",
                self.limits.unpacked_bytes,
            )

    def spend_lines(self, count: int) -> None:
        with self._lock:
            self._lines += count
        if self._lines > self.limits.lines:
            raise reached("package databases hold more than {limit} lines", "lines", self.limits.lines)

    def search(self, count: int) -> int:
        """So many bytes of programs more are looked through for versions; how many that makes."""
        with self._lock:
            self._searched += count
            return self._searched

    def describe(self, count: int) -> int:
        """So many parts of bills of materials more are read; how many that makes."""
        with self._lock:
            self._described += count
            return self._described

    def turn(self, size: int) -> AbstractContextManager[object]:
        """Waited for by a thread that holds a file of this size in memory: of large ones no two are there at once."""
        return self._turn if size > _LARGE else nullcontext()

    def keep(self, count: int) -> None:
        with self._lock:
            self._kept += count
        if self._kept > self.limits.kept_bytes:
            raise reached(
                "names and package databases hold more than {limit} bytes", "kept-bytes", self.limits.kept_bytes
            )

    def keep_path(self, path: str, link: str = "") -> None:
        """A path that is laid into the tree costs itself and, with it, every directory above it."""
        self.keep(len(path) * (path.count("/") + 2) // 2 + len(link))

    def check_name(self, length: int) -> None:
        if length > self.limits.name_bytes:
            raise reached("a name has more than {limit} bytes", "name-bytes", self.limits.name_bytes)

    def check_ratio(self, compressed: int, uncompressed: int) -> None:
        """Raises when so much came out of so little that it must be a bomb."""
        if uncompressed > self.limits.ratio_floor and uncompressed > self.limits.ratio * max(compressed, 1):
            raise reached("a stream grows more than {limit} times when decompressed", "ratio", self.limits.ratio)


def reached(sentence: str, code: str, limit: int) -> LimitReached:
    """What is raised at a limit."""
    return LimitReached(f"{sentence.format(limit=limit)}; the scan stopped there", f"limit.{code}", limit=limit)
