"""Programs that no package manager installed, wherever they lie."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from hullguard.inventory import bounds
from hullguard.inventory.analyzers.analyzer import Bill, Context, File, Files, Findings
from hullguard.inventory.analyzers.binaries.carried import carried
from hullguard.inventory.analyzers.binaries.elf import Elf
from hullguard.inventory.analyzers.binaries.golang import Unmapped, modules
from hullguard.inventory.analyzers.binaries.kinds import KINDS
from hullguard.inventory.analyzers.binaries.programs import java_release, programs, told
from hullguard.inventory.analyzers.binaries.rust import crates
from hullguard.inventory.analyzers.language import Doubt, LargeFileAnalyzer, Piece
from hullguard.inventory.analyzers.ownable import JAVA_RELEASE
from hullguard.inventory.limits import Budget, Limits
from hullguard.inventory.random_access import RandomAccess
from hullguard.model.package import OS_TYPES, Package, PackageType

_ELF = b"\x7fELF"
_OTHERS = (b"MZ", b"\xcf\xfa\xed\xfe", b"\xce\xfa\xed\xfe", b"\xfe\xed\xfa\xcf", b"\xfe\xed\xfa\xce")
"""Programs for Windows and macOS, which an image may carry to hand them out: only Go's list is looked for."""
_UNIVERSAL = tuple(b"\xca\xfe\xba" + kind + b"\0\0\0%c" % count for kind in (b"\xbe", b"\xbf") for count in range(1, 9))
"""Programs of macOS for several processors; classes of Java begin alike, with a version from 45 on for the number."""
_COMMANDS = ("bin", "sbin")
_LOOKED_UP = frozenset({"python", *(kind.name for kind in KINDS if kind.known)})
# UPX leaves its mark behind the headers of the program that it makes.
_PACKED, _PACKED_WITHIN = b"UPX!", 1024
_BUILT = r"(?:\d+:)?{}(?:[.+~](?:dfsg|ds|repack)[^-]*)?(?:-.*)?"
"""An upstream version as those of OS packages have it: between an epoch and a revision."""


class BinariesAnalyzer(LargeFileAnalyzer):
    """Go and Rust programs by the lists inside them, others by name and version, Java runtimes by their release."""

    name, version = "binaries", 21
    paths = JAVA_RELEASE
    magic = (_ELF, *_OTHERS, *_UNIVERSAL)
    form = "program"

    def told(self, path: str) -> frozenset[str]:
        return told(path.rpartition("/")[2])

    def told_by_link(self, path: str) -> frozenset[str]:
        """Of commands and libraries of which advisories speak: reading an image again for links takes as long again."""
        directory, _, base = path.rpartition("/")
        if ".so" not in base and directory.rpartition("/")[2] not in _COMMANDS:
            return frozenset()
        return told(base) & _LOOKED_UP

    def condense_sniffed(self, names: Sequence[str], content: RandomAccess, budget: Budget | None = None) -> bytes:
        return self._kept(self._read(names, content, budget))

    def pieces(self, path: str, content: RandomAccess, budget: Budget | None = None) -> Iterator[Piece | Doubt | Bill]:
        yield from self._read((path,), content, budget)

    def _read(
        self, names: Sequence[str], content: RandomAccess, budget: Budget | None
    ) -> Iterator[Piece | Doubt | Bill]:
        head = content[:_PACKED_WITHIN]
        if head.startswith((*_OTHERS, *_UNIVERSAL)):
            yield from modules(Unmapped(content))
            return
        if not head.startswith(_ELF):
            yield from java_release(content[: bounds.RUNTIME_BYTES])
            if len(content) > bounds.RUNTIME_BYTES:
                why = f"has more than {bounds.RUNTIME_BYTES} bytes; the rest of it was not read"
                yield Doubt(why, incomplete=True)
            return
        base, *others = (name.rpartition("/")[2] for name in names)
        elf, budget = Elf(content), budget or Budget(Limits())
        yield from modules(elf)
        yield from crates(elf, budget)
        yield from carried(elf, base, budget)
        yield from programs(base, elf, budget, others)
        if _PACKED in head:
            yield Doubt("is packed by UPX; what is in it cannot be read")

    def analyze(self, files: Files, context: Context) -> Findings:
        """Without libraries that are an OS package's by name and version, and that nobody's advisories speak of.

        Where nothing shows that the distribution built the package they are looked up by themselves; of these that
        would only repeat the package.
        """
        findings = super().analyze(files, context)
        if context.unshown:
            versions = defaultdict[str, list[Package]](list)
            for package in context.packages:
                versions[package.name].append(package)
            findings.packages = [one for one in findings.packages if not _repeats(one, context, versions)]
        return findings

    def found(self, files: Files) -> Iterator[tuple[str, File]]:
        yield from super().found(files)
        yield from files.sniffed(self.name)


def _repeats(one: Package, context: Context, packages: Mapping[str, Sequence[Package]]) -> bool:
    """Whether a library without advisories is what the OS package that lists it is built from, in the same version."""
    if one.ecosystem or one.type != PackageType.GENERIC:
        return False
    (place,) = one.locations
    owner = context.unshown.get(context.reals.get(place, place), "")
    built = re.compile(_BUILT.format(re.escape(one.version)))
    return any(
        (package.source_name or package.name).lower().rstrip("0123456789.-") == one.name.rstrip("0123456789.-")
        and built.fullmatch(package.source_version or package.version) is not None
        for package in packages.get(owner, ())
        if package.type in OS_TYPES
    )
