"""What one layer changes, member by member and in their order, as far as names matter.

Order matters: a later member replaces an earlier one, and a link counts for what is written after it. The members that
nobody asks for by name are hashes (``layer.LayerIndex``); each change says how many of those came before it.
"""

from msgspec import Struct

Totals = tuple[int, int, int]
"""Secrets, malware and careless settings."""


class _Change(Struct, array_like=True, tag=True):
    files: int
    """Nameless files before it, in this layer."""
    directories: int
    """Nameless directories before it."""
    path: str


class Written(_Change, tag="file"):
    """A regular file that somebody keeps something of."""

    logical: str | None = None
    """The wanted name as which it was condensed, where that is not its own."""
    content: bytes | None = None
    """What the analyzer that wants it by name keeps."""
    sniffed: dict[str, bytes] | None = None
    """What analyzers keep that know it by its first bytes."""
    hits: Totals | None = None
    """How many findings the layer has with this file's, where it has any."""
    fingerprint: bytes = b""
    """See ``fingerprint``; of files that an OS package may have brought."""


class Linked(_Change, tag="link", gc=False):
    """A symbolic link; its target is as written."""

    target: str


class HardLinked(_Change, tag="hard", gc=False):
    """Another name for what stands at ``target``, a normal path."""

    target: str


class Made(_Change, tag="dir", gc=False):
    """A directory whose own place is not certain, because the layer does not say what it lies in."""


class Stored(_Change, tag="store", gc=False):
    """A directory of a store, which is a package by its name (``Analyzer.stores``)."""


class Others(_Change, tag="rest", gc=False):
    """Files that nobody wants, in the directory ``path``, which the layer does not say to be one: it may be a link."""

    names: str
    """Parted by slashes."""


class Whiteout(_Change, tag="gone", gc=False):
    """What lower layers have at this path is deleted."""


class Opaque(_Change, tag="opaque", gc=False):
    """What lower layers have in this directory is deleted."""


Change = Written | Linked | HardLinked | Made | Stored | Others | Whiteout | Opaque
