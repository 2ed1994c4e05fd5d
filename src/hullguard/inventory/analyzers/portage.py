"""Gentoo's packages: a directory each, ``var/db/pkg/CATEGORY/NAME-VERSION``, with a file a value.

How names and versions are told apart is in the Package Manager Specification, "Names and Versions".
"""

import re
from collections.abc import Mapping

from hullguard.inventory.analyzers.analyzer import Analyzer, Context, File, Files, Findings, is_name, text
from hullguard.inventory.analyzers.language import is_word, purl
from hullguard.model.package import Package, PackageType

_ROOT = "var/db/pkg"
_KEPT = 1000
"""Bytes of a value, more than can be shown of one."""
_MERGING = "-MERGING-"
_VERSION = re.compile(r"\d+(?:\.\d+)*[a-z]?(?:_(?:alpha|beta|pre|rc|p)\d*)*", re.ASCII)
_REVISION = re.compile(r"r\d+", re.ASCII)


class PortageAnalyzer(Analyzer):
    """No advisories are published in a form that speaks of these packages, so none stands for what it brought."""

    name, version = "portage", 2
    # That nothing follows has ``Endings`` tell them by their beginning, not by an end that all licences have.
    paths = rf"{_ROOT}/[^/]+/[^/]+/(?:CONTENTS|LICENSE|PF|SLOT|repository)(?!/)"
    fixed = (_ROOT,)

    def condense(self, path: str, content: bytes) -> bytes:
        return b"" if path.endswith("/CONTENTS") else content[:_KEPT]

    def variant(self, path: str) -> str:
        return "names" if path.endswith("/CONTENTS") else "values"

    def analyze(self, files: Files, context: Context) -> Findings:
        findings, context = Findings(room=context.room), context.managed(PackageType.EBUILD)
        found: dict[str, dict[str, File]] = {}
        for path, file in files.matching(self.paths):
            directory, _, base = path.rpartition("/")
            found.setdefault(directory, {})[base] = file
        for directory, values in found.items():
            category, name = directory.split("/")[-2:]
            if name.startswith(_MERGING):
                findings.say(directory, "it is half installed: which of its files are there is not known")
            elif (parts := _parted(name)) is None or not is_word(directory):
                findings.say(directory, "its directory's name holds no version", incomplete=True)
            elif findings.has_room():
                findings.packages.append(_package(directory, f"{category}/{parts[0]}", parts[1], values, context))
        return findings


def _parted(directory: str) -> tuple[str, str] | None:
    """Name and version. A version has one dash at most, before its revision; a name has any number of them."""
    name, _, version = directory.rpartition("-")
    if revision := _REVISION.fullmatch(version):
        name, _, version = name.rpartition("-")
    if not is_name(name) or _VERSION.fullmatch(version) is None:
        return None
    return name, f"{version}-{revision[0]}" if revision else version


def _package(directory: str, name: str, version: str, values: Mapping[str, File], context: Context) -> Package:
    told = {key: _value(file) for key, file in values.items()}
    distro = context.distribution.qualifier if context.distribution is not None else ""
    qualifiers = (("distro", distro), ("repository", told.get("repository", "")), ("slot", told.get("SLOT", "")))
    license_ = told.get("LICENSE")
    return Package(
        purl=purl(PackageType.EBUILD, name, version, tuple(pair for pair in qualifiers if pair[1])),
        type=PackageType.EBUILD,
        name=name,
        version=version,
        source_name=name,
        source_version=version,
        layer=context.layers[min(file.origin for file in values.values())],
        locations=(directory,),
        licenses=(license_,) if license_ else (),
    )


def _value(file: File) -> str:
    value = " ".join(text(file.content).split())
    return value if is_word(value) else ""
