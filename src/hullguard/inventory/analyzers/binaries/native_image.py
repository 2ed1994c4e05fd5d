"""The bill of materials that GraalVM puts into the programs it makes of Java, at symbols of their own.

CycloneDX in JSON, packed by gzip: ``sbom`` is where it begins, ``sbom_length`` where its size stands (GraalVM's
documents, "Software Bill of Materials in Native Image").
"""

import struct
from collections.abc import Iterator

from hullguard.inventory import bounds
from hullguard.inventory.analyzers.analyzer import Bill
from hullguard.inventory.analyzers.bills import unzipped
from hullguard.inventory.analyzers.binaries.elf import Elf, TooManySymbols
from hullguard.inventory.analyzers.language import Doubt
from hullguard.inventory.limits import Budget

_BILL, _LENGTH = b"sbom", b"sbom_length"
_SIZE = struct.Struct("<Q")
"""It makes programs of 64 bits for little-endian processors only."""


def bill_of(elf: Elf, budget: Budget) -> Iterator[Bill | Doubt]:
    """What a program of GraalVM's says of the packages in it."""
    try:
        found = elf.symbols((_BILL, _LENGTH))
    except TooManySymbols as why:
        said = f"a Java application that GraalVM compiled, whose bill of materials was not looked for: {why}"
        yield Doubt(said, incomplete=True)
        return
    if len(found) < 2:
        yield Doubt(
            "a Java application that GraalVM compiled without a bill of materials; the packages in it cannot be told"
        )
        return
    size = elf.at(found[_LENGTH], _SIZE.size)
    length = _SIZE.unpack(size)[0] if len(size) == _SIZE.size else 0
    packed = elf.at(found[_BILL], min(length, bounds.BILL_BYTES))
    if not packed or len(packed) < length:
        yield Doubt("a Java application that GraalVM compiled, whose bill of materials does not lie where it should")
        return
    yield from unzipped(packed, budget)
