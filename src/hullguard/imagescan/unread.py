"""Of which kinds packages may be in what a report says was not read, and how much of it there is."""

import re
from collections import Counter
from typing import Final

from hullguard.inventory.analyzers.unread import KINDS_BY_NAME
from hullguard.model.package import PackageType, Unknown
from hullguard.model.report import ScanReport

_BY_WHAT: Final = re.compile(
    r"packages of (?P<kind>.+)|(?P<wheels>\d{1,9}) wheels of Python|(?P<assemblies>\d{1,9}) \.NET assemblies, .+"
)
_SIGNS: Final = re.compile(r"there are (\d{1,9}) signs of them")
_PACKED: Final = re.compile(r"an archive that holds (\d{1,9}) packages of Python or Node\.js;")
_OF_DATABASES: Final = (PackageType.DEB, PackageType.APK, PackageType.RPM)
# How sentences begin that name one file each.
_BY_WHY: Final = (
    ("the manifest of an npm package ", PackageType.NPM),
    ("metadata of a Python package without ", PackageType.PYPI),
    ("is no readable archive of Python packages", PackageType.PYPI),
    ("is no readable gem specification", PackageType.GEM),
    ("a gem specification without ", PackageType.GEM),
    ("is no readable list of Composer packages", PackageType.COMPOSER),
    ("is no readable list of what cargo installed", PackageType.CARGO),
    ("is no readable list of .NET dependencies", PackageType.NUGET),
    ("is no readable Java archive", PackageType.MAVEN),
    ("a Go program ", PackageType.GOLANG),
    ("says that Go built it, but the list of its modules cannot be read", PackageType.GOLANG),
    ("a Rust program that was built without the list of its crates", PackageType.CARGO),
    ("its list of Rust crates is damaged", PackageType.CARGO),
    ("a bill of materials that ", PackageType.GENERIC),
    ("is packed by UPX", PackageType.GENERIC),
    ("a Java archive that ", PackageType.MAVEN),
    ("a plugin of Jenkins that does not say ", PackageType.MAVEN),
    ("a Java application that GraalVM compiled", PackageType.MAVEN),
    ("a Python application that PyInstaller packed", PackageType.PYPI),
    ("a .NET application in one file whose list of packages ", PackageType.NUGET),
    ("is Bun's binary lock file", PackageType.NPM),
    *(("an OS package database lies outside the root file system", of) for of in _OF_DATABASES),
)


def unread(report: ScanReport) -> "Counter[PackageType]":
    """How many files or packages it names that were not read, by the kind of what may be in them.

    What may be of any kind, as a bill of materials, or is of one without advisories counts as generic.
    """
    found = Counter[PackageType]()
    for each in report.unknowns:
        found.update(_of(each))
    return found


def unread_things(report: ScanReport) -> int:
    """How many those are, each once, whatever kinds may be in it."""
    return sum(max(_of(each).values(), default=0) for each in report.unknowns)


def _of(unknown: Unknown) -> dict[PackageType, int]:
    if packed := _PACKED.match(unknown.why):
        return dict.fromkeys((PackageType.PYPI, PackageType.NPM), int(packed[1]))
    if (named := _BY_WHAT.fullmatch(unknown.what)) is not None:
        if named["wheels"]:
            return {PackageType.PYPI: int(named["wheels"])}
        if named["assemblies"]:
            return {PackageType.NUGET: int(named["assemblies"])}
        if named["kind"] not in KINDS_BY_NAME or (signs := _SIGNS.search(unknown.why)) is None:
            return {}
        return {KINDS_BY_NAME[named["kind"]] or PackageType.GENERIC: int(signs[1])}
    return {of: 1 for beginning, of in _BY_WHY if unknown.why.startswith(beginning)}
