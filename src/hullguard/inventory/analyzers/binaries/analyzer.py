"""Programs that no package manager installed, wherever they lie."""

from collections.abc import Iterator

from hullguard.inventory.analyzers.analyzer import File, Files
from hullguard.inventory.analyzers.binaries.elf import Elf
from hullguard.inventory.analyzers.binaries.golang import modules
from hullguard.inventory.analyzers.binaries.programs import java_release, programs
from hullguard.inventory.analyzers.binaries.rust import crates
from hullguard.inventory.analyzers.language import Doubt, LanguageAnalyzer, Piece
from hullguard.inventory.analyzers.ownable import JAVA_RELEASE

_ELF = b"\x7fELF"


class BinariesAnalyzer(LanguageAnalyzer):
    """Go and Rust programs by the lists inside them, others by name and version, Java runtimes by their release."""

    name, version = "binaries", 1
    paths = JAVA_RELEASE
    magic = (_ELF,)
    form = "program"

    def pieces(self, path: str, content: bytes) -> Iterator[Piece | Doubt]:
        if not content.startswith(_ELF):
            yield from java_release(content)
            return
        elf = Elf(content)
        yield from modules(elf)
        yield from crates(elf)
        yield from programs(path.rpartition("/")[2], content)

    def found(self, files: Files) -> Iterator[tuple[str, File]]:
        yield from super().found(files)
        yield from files.sniffed(self.name)
