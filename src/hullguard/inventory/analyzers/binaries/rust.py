"""The list of crates that cargo-auditable leaves in a program: zlib-compressed JSON in a section of its own."""

import zlib
from collections.abc import Iterator

import msgspec

from hullguard.inventory.analyzers.binaries.elf import Elf
from hullguard.inventory.analyzers.language import Doubt, Piece
from hullguard.model.package import PackageType

SECTION = b".dep-v0"
_BYTES = 8 << 20  # the bound that the format's own reader uses


class _Crate(msgspec.Struct):
    name: str
    version: str
    source: str = ""
    kind: str = "runtime"


class _Audited(msgspec.Struct):
    packages: list[_Crate] = []


def crates(elf: Elf) -> Iterator[Piece | Doubt]:
    """Crates that run; what was only needed to build is not in the program."""
    section = elf.section(SECTION)
    if section is None:
        return
    unpacked = zlib.decompressobj()
    content = unpacked.decompress(section, _BYTES)
    if unpacked.unconsumed_tail:
        yield Doubt(f"its list of crates has more than {_BYTES >> 20} MiB; not read")
        return
    for crate in msgspec.json.decode(content, type=_Audited).packages:
        if crate.kind != "build":
            yield Piece(PackageType.CARGO, crate.name, crate.version, known=crate.source == "crates.io")
