"""Gradle's lock file."""

import re
from collections.abc import Iterator

from hullguard.inventory.analyzers.language import Doubt, Piece
from hullguard.inventory.analyzers.locks.tally import STRANGE, Tally
from hullguard.model.package import PackageType

_GRADLE = re.compile(r"([^:=\s#]+):([^:=\s]+):([^:=\s]+)=.*")


def gradle_lockfile(content: bytes) -> Iterator[Piece | Doubt]:
    tally = Tally()
    for line in tally.lines(content):
        if found := _GRADLE.fullmatch(line):
            yield Piece(PackageType.MAVEN, f"{found[1]}:{found[2]}", found[3])
        elif line and not line.startswith(("#", "empty=")):
            tally.add(STRANGE)
    yield from tally.doubts()
