"""What an order of versions is. One answer is never given: a guess about a version that cannot be read."""

import abc
from functools import lru_cache
from typing import Any, ClassVar

MAX_LENGTH = 500


class UnreadableVersion(ValueError):
    """The text is no version of its ecosystem, so nothing may be concluded from it."""

    def __init__(self, text: str, kind: str) -> None:
        super().__init__(f"{text[:80]!r} is no {kind} version")


class Order(abc.ABC):
    """How one kind of version is ordered. Keys of one order compare with each other, and totally."""

    name: ClassVar[str]

    def key(self, text: str) -> Any:
        """A key that sorts as the versions do; raises UnreadableVersion."""
        if not text or len(text) > MAX_LENGTH:
            raise UnreadableVersion(text, self.name)
        return _key(self, text)

    @abc.abstractmethod
    def parse(self, text: str) -> Any:
        """The key of a text of sane length; raises UnreadableVersion."""

    def installed_for(self, installed: str, bound: str) -> str:
        """The installed version as it is to be compared with this bound of an advisory."""
        del bound
        return installed


@lru_cache(maxsize=1 << 16)
def _key(order: Order, text: str) -> Any:
    return order.parse(text)
