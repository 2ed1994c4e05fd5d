"""What an inspector is: it is shown the files of a layer as they pass, and says what is wrong with them."""

import abc
from collections.abc import Iterable, Iterator
from typing import ClassVar

from hullguard.inventory.limits import Limits
from hullguard.model.content import Hit
from hullguard.model.package import Unknown


class Inspector(abc.ABC):
    """Base of every inspector; ``version`` grows whenever it could find something else: caches ask for it."""

    name: ClassVar[str]
    """What ``--scanners`` calls it: ``secret``, ``malware`` or ``config``."""
    reads: ClassVar[bool] = True
    """Whether it looks at the content of what it wants."""

    @property
    @abc.abstractmethod
    def version(self) -> str:
        """Names the rules in force, so that an index made with others is not taken for one made with these."""

    def bind(self, limits: Limits) -> None:
        """Is told the limits of the scan that it was made for."""
        del limits

    def ready(self) -> None:
        """Loads what every search needs, for whoever is about to make processes that all look for something."""
        return

    @abc.abstractmethod
    def wants(self, path: str, size: int, mode: int, head: bytes) -> bool:
        """Whether to be shown a file; ``head`` is its first bytes, up to 512, ``mode`` its permission bits."""

    def told(self, path: str) -> frozenset[str]:
        """What the name of a file tells of what is looked for in it: any of its names, or that of a link to it."""
        del path
        return frozenset()

    def passes_over(self, path: str, size: int, mode: int, head: bytes) -> str:
        """What a file is, in a word, that it should look into and cannot; such files are counted and said."""
        del path, size, mode, head
        return ""

    def nameless(self, head: bytes) -> str:
        """What a file is, in a word, whose content had a name of its own that is lost; such files are counted, too."""
        del head
        return ""

    @abc.abstractmethod
    def inspect(self, path: str, size: int, mode: int, chunks: Iterator[bytes]) -> Iterable[Hit | Unknown]:
        """What is wrong with a file; the content comes in pieces and must not be kept whole.

        The layer of a hit and whether a later layer deleted its file are filled in by the caller. Content is hostile:
        nothing may raise, and the time must stay linear in the size. What a bound left unread is said as an Unknown.
        Layers are read by several threads, each of which calls this for files of its own.
        """
