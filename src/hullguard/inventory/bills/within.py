"""A bill of materials that lies in an image: what it may add to what is found there, within bounds (decision 0039)."""

from collections.abc import Iterator
from itertools import islice

import msgspec
from msgspec.structs import replace

from hullguard.inventory import bounds
from hullguard.inventory.analyzers.analyzer import Bill
from hullguard.inventory.analyzers.language import Doubt, TooMuch, is_word
from hullguard.inventory.bills.document import (
    UTF8_MARK,
    Entry,
    Unmatched,
    described,
    packages,
    related,
    system,
    two_versions,
    unread,
)
from hullguard.inventory.content.secrets.redaction import quoted
from hullguard.inventory.limits import Budget
from hullguard.model.errors import Invalid
from hullguard.model.package import OS_TYPES, Package

_IT = "it"
_STRETCH = 64
_NOT_RUN = frozenset({"optional", "excluded"})
"""Scopes of what is not installed, or for tests only (CycloneDX, ``component.scope``)."""
_NAME = 200
_ADDRESS, _REFERS = 2000, 1000
"""Characters of an address, and bills to which one refers that are looked for in the image; the others are counted."""
_OF_TWO = 20
"""Packages of a bill that are named because it gives them two versions; the others are counted."""
_REASONS = 20
"""Why components count for nothing; the others are counted together."""
_PURL, _PURL_PART = 10, 8
"""What reading a purl costs, in objects, and of how many characters reading one more does: each may be a qualifier."""
_OS_PURLS = tuple(f"pkg:{kind.value}/" for kind in OS_TYPES)

# Relationships of SPDX 2.3 (clause 11.1) by which the one before them is in what runs, or is not; or the one behind.
_PRESENT, _ABSENT = frozenset({"DEPENDENCY_OF", "RUNTIME_DEPENDENCY_OF"}), frozenset({
    *("BUILD_DEPENDENCY_OF", "DEV_DEPENDENCY_OF", "TEST_DEPENDENCY_OF", "OPTIONAL_DEPENDENCY_OF"),
    *("PROVIDED_DEPENDENCY_OF", "BUILD_TOOL_OF", "DEV_TOOL_OF", "TEST_TOOL_OF", "TEST_OF", "TEST_CASE_OF"),
    *("GENERATES", "ANCESTOR_OF"),
})  # fmt: skip
_PRESENT_BEHIND, _ABSENT_BEHIND = (
    frozenset({"CONTAINS", "DEPENDS_ON", "DYNAMIC_LINK", "STATIC_LINK"}),
    frozenset({"GENERATED_FROM", "DESCENDANT_OF"}),
)


def read(content: bytes, budget: Budget, *, inner: str = "", of_os_package: bool = False) -> Iterator[Bill | Doubt]:
    """What a bill in JSON names. ``of_os_package``: whether it may be one package's own, which stands for all in it."""
    try:
        _spend(content, budget)
        document = described(content, _IT)
        entries = list(document.entries)
        absent = _absent(document.relationships) if any(entry.identity for entry in entries) else frozenset[str]()
    except TooMuch as more:
        yield Doubt(str(more), inner, incomplete=True)
        return
    except Invalid as bad:
        yield Doubt(f"a bill of materials that was not read: {bad}", inner)
        return
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        yield Doubt("a bill of materials that was not read: its relationships are none", inner)
        return
    budget.describe(sum(_PURL + len(purl) // _PURL_PART for entry in entries for purl in entry.purls))
    reading = _Reading(entries)
    own = [entry for entry in entries if of_os_package and _names_os_package(entry)]
    for entry in own or entries:  # beside itself an OS package names what it was built from
        if entry.external or entry.scope in _NOT_RUN or (entry.identity and entry.identity in absent):
            reading.leave("the bill of materials says that it is not part of what runs", entry)
        else:
            reading.take(entry)
    if document.incomplete:
        yield Doubt("the bill of materials says of itself that it is incomplete", inner)
    yield from (replace(doubt, inner=inner) for doubt in reading.doubts())
    others = dict.fromkeys((*document.others, *(other for entry in entries for other in entry.refers)))
    refers = tuple(address[:_ADDRESS] for address in islice(others, _REFERS))
    identity, further = document.identity[:_ADDRESS], len(others) - len(refers)
    yield Bill(tuple(reading.found), reading.apart, inner, identity, refers, further)


def in_another_form(path: str, content: bytes) -> Doubt | None:
    """That it is a bill in a form that is not read, where it is one."""
    if path.endswith(".xml"):
        named = path.endswith((".cdx.xml", ".spdx.xml"))
        return _unread("CycloneDX or SPDX in XML") if named or b"cyclonedx.org/schema/bom" in content else None
    if not content.removeprefix(UTF8_MARK).lstrip().startswith(b"{"):
        return _unread("SPDX in tags and values, or another text") if path.endswith((".spdx", ".cdx")) else None
    return None


def _spend(content: bytes, budget: Budget) -> None:
    """Raises TooMuch for what is more than is read of one bill, or of all."""
    parts = content.count(b"{") + content.count(b"[") + len(content) // _STRETCH
    if parts > bounds.BILL_PARTS or len(content) > bounds.BILL_BYTES:
        raise TooMuch("is larger than a bill of materials that is read; it was left out")
    if budget.describe(parts) > bounds.BILLS_PARTS:
        raise TooMuch("the bills of materials before it are as large as is read of one image; it was left out")


def _unread(kind: str) -> Doubt:
    return Doubt(f"a bill of materials that was not read: {unread(_IT, kind)}")


def _names_os_package(entry: Entry) -> bool:
    return any(purl.startswith(_OS_PURLS) for purl in entry.purls)


def _absent(relationships: msgspec.Raw) -> frozenset[str]:
    """What a document in SPDX says to be no part of what runs; raises what msgspec does."""
    every = related(relationships)
    present = {each.one for each in every if each.kind in _PRESENT}
    present |= {each.other for each in every if each.kind in _PRESENT_BEHIND}
    absent = {each.one for each in every if each.kind in _ABSENT}
    absent |= {each.other for each in every if each.kind in _ABSENT_BEHIND}
    return frozenset(absent - present)


class _Reading:
    """What is kept of one document."""

    def __init__(self, entries: list[Entry]) -> None:
        self._os = system(entries) if any(map(_names_os_package, entries)) else None
        self.found: list[Package] = []
        self.apart: dict[str, tuple[int, str]] = {}
        self.more = 0
        self.of_two: list[tuple[str, str, str]] = []
        """Packages that it gives two versions: the name, what stands beside the purl, and the purl's."""

    def take(self, entry: Entry) -> None:
        """Keeps the packages that a component names."""
        if len(self.found) >= bounds.PACKAGES_OF_A_FILE:
            self.more += len(entry.purls)
            return
        for one in packages(entry, self._os):
            if isinstance(one, Unmatched):
                quotes = one.why.startswith(("'", '"'))
                self.leave("its purl is none" if quotes else one.why, entry)
            elif is_word(one.name) and is_word(one.version):
                self.found.append(_presentable(one))
                if versions := two_versions(entry, one):
                    self.of_two.append((one.name, *versions))
            else:
                self.leave("its name or its version cannot be one", entry)

    def doubts(self) -> Iterator[Doubt]:
        """What is doubtful about the bill as a whole, and packages that it gives two versions."""
        if self.more:
            why = f"names more than {bounds.PACKAGES_OF_A_FILE} packages; {self.more} were left out"
            yield Doubt(why, incomplete=True)
        for name, given, judged in self.of_two[:_OF_TWO]:
            yield Doubt(f"gives {name} the version {given}, and its purl {judged}, which is judged")
        if (more := len(self.of_two) - _OF_TWO) > 0:
            yield Doubt(f"gives {more} more packages other versions than their purls do, which are judged")
        if not (self.found or self.apart):
            yield Doubt("the bill of materials names no package that can be matched")

    def leave(self, why: str, entry: Entry) -> None:
        """Counts a component for nothing."""
        if why not in self.apart and (len(self.apart) >= _REASONS or not is_word(why)):
            why = "of other reasons"
        count, first = self.apart.get(why, (0, ""))
        first = first or quoted(f"{entry.name} {entry.version}".strip(), _NAME)
        self.apart[why] = count + 1, first if first.isprintable() and first else "one without a name"


def _presentable(package: Package) -> Package:
    """With what of it can be shown; that it lies where the bill does is for the reader of that to say."""
    source = package.source_name, package.source_version
    known = all(map(is_word, filter(None, source)))
    return replace(
        package,
        source_name=source[0] if known else package.name,
        source_version=source[1] if known else package.version,
        arch=package.arch if package.arch and is_word(package.arch) else None,
        module=package.module if package.module and is_word(package.module) else None,
        licenses=tuple(filter(is_word, package.licenses)),
        locations=(),
    )
