"""The list of crates that cargo-auditable leaves in a program: zlib-compressed JSON in a section of its own."""

import zlib
from collections.abc import Iterator

import msgspec

from hullguard.inventory import bounds
from hullguard.inventory.analyzers.binaries.elf import DamagedTable, Elf, TooManySections
from hullguard.inventory.analyzers.language import Doubt, Piece
from hullguard.inventory.limits import Budget
from hullguard.model.decoding import from_json
from hullguard.model.package import PackageType

SECTION = b".dep-v0"


class _Crate(msgspec.Struct):
    name: str
    version: str
    source: str = ""
    kind: str = "runtime"


class _Audited(msgspec.Struct):
    packages: list[_Crate] = []


def crates(elf: Elf, budget: Budget) -> Iterator[Piece | Doubt]:
    """Crates that run; what was only needed to build is not in the program."""
    try:
        section = elf.section(SECTION, bounds.CRATES_BYTES + 1)
    except DamagedTable as why:
        said = f"its table of sections is damaged: {why}; a list of Rust crates would not be found"
        yield Doubt(said, incomplete=isinstance(why, TooManySections))
        return
    if section is None:
        return
    unpacking = zlib.decompressobj()
    try:
        content = unpacking.decompress(section, bounds.CRATES_BYTES)
        budget.spend_unpacked(len(content))
        if unpacking.unconsumed_tail or len(section) > bounds.CRATES_BYTES:
            yield Doubt(f"its list of crates has more than {bounds.CRATES_BYTES >> 20} MiB; not read", incomplete=True)
            return
        audited = from_json(content, _Audited)
    except (zlib.error, msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        yield Doubt("its list of Rust crates is damaged; not read")
        return
    for crate in audited.packages:
        if crate.kind != "build":
            yield Piece(PackageType.CARGO, crate.name, crate.version, known=crate.source == "crates.io")
