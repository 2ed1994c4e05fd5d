"""What Swift's package manager has chosen: ``Package.resolved``, in which an address tells a package."""

import re
from collections.abc import Iterator

import msgspec

from hullguard.inventory.analyzers.entries import each, listing
from hullguard.inventory.analyzers.language import Doubt, Piece
from hullguard.inventory.analyzers.locks.tally import ELSEWHERE, UNPINNED, Tally
from hullguard.model.package import PackageType

_ADDRESS = re.compile(
    r"(?:[a-z][a-z+]{1,20}://)?(?:[^@/\s]{1,100}@)?([\w.-]+\.[a-z]{2,20})(?::\d{1,5}/|[:/])([^\s:?#]+)"
)


class _State(msgspec.Struct):
    version: str | None = None


class _Pin(msgspec.Struct, rename={"repository": "repositoryURL"}):
    state: _State
    location: str = ""
    repository: str = ""


class _Pins(msgspec.Struct):
    pins: list[msgspec.Raw] = []


class _Resolved(msgspec.Struct):
    """Since version 2 the pins stand at the top."""

    version: int
    pins: list[msgspec.Raw] = []
    object: _Pins | None = None


def package_resolved(content: bytes) -> Iterator[Piece | Doubt]:
    """``https://github.com/apple/swift-nio.git`` is ``github.com/apple/swift-nio`` for advisories."""
    lock, tally = listing(content, _Resolved), Tally()
    for _, pin in each([*lock.pins, *(lock.object.pins if lock.object else ())], _Pin):
        if isinstance(pin, Doubt):
            yield pin
        elif (address := _ADDRESS.fullmatch(pin.location or pin.repository)) is None:
            tally.add(ELSEWHERE)
        elif not pin.state.version:
            tally.add(UNPINNED)
        else:
            path = address[2].strip("/").removesuffix(".git")
            yield Piece(PackageType.SWIFT, f"{address[1]}/{path}", pin.state.version)
    yield from tally.doubts()
