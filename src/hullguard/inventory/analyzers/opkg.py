"""OpenWrt's and Yocto's packages: opkg's status file and what it keeps of each package (opkg's libopkg/pkg_parse.c)."""

from msgspec import Struct

from hullguard.inventory.analyzers.analyzer import NO_PACKAGE, Analyzer, Context, Files, Findings, os_purl
from hullguard.inventory.analyzers.control import ENTRY_END, Entry, condensed, entries, identified, origins, pattern
from hullguard.model.package import Package, PackageType

# OpenWrt's, the same below /usr, Yocto's, and Entware's beside another system.
_PLACES = ("usr/lib/opkg", "lib/opkg", "var/lib/opkg", "opt/lib/opkg")
_FIELDS = pattern(("Package", "Status", "Version", "Architecture", "SourceName", "License"))


class _Listed(Struct):
    entry: Entry
    control: Entry
    """What is kept of the package itself, where there is such a file."""
    layer: int
    place: str


class OpkgAnalyzer(Analyzer):
    """``status`` says what is installed, ``info/NAME.control`` what it was built from; without a status all of info is.

    No advisories are published for these packages, so none of them stands for the language packages that it brought.
    """

    name, version = "opkg", 4
    paths = r"(?:(?:usr|var|opt)/)?lib/opkg/(?:status|info/[^/]+\.control)"
    fixed = tuple(f"{place}/{name}" for place in _PLACES for name in ("status", "info"))

    def condense(self, path: str, content: bytes) -> bytes:
        return condensed(content, _FIELDS, ENTRY_END if path.endswith("/status") else b"")

    def analyze(self, files: Files, context: Context) -> Findings:
        findings, context = Findings(room=context.room), context.managed(PackageType.OPKG)
        # With a merged /usr two names lead to one directory.
        places = {files.real(f"{place}/status"): place for place in _PLACES[::-1]}
        for place in places.values():
            self._read(place, files, context, findings)
        return findings

    def _read(self, place: str, files: Files, context: Context, findings: Findings) -> None:
        controls = {name: file for name, file in files.children(f"{place}/info") if name.endswith(".control")}
        known = {entry.identity: entry for file in controls.values() for entry in entries(file.content)}
        status, found = files.file(f"{place}/status"), list[_Listed]()
        if status is not None:
            layers = origins(status)
            for entry in entries(status.content):
                layer = layers.get(entry.identity, status.layer)
                found.append(_Listed(entry, known.get(entry.identity, entry), layer, f"{place}/status"))
        if not found:
            for name, file in controls.items():
                found += [_Listed(one, one, file.origin, f"{place}/info/{name}") for one in entries(file.content)]
        before = len(findings.packages)
        for each in found:
            if (package := _package(each, context, findings)) is not None:
                findings.packages.append(package)
        if len(findings.packages) == before and not findings.unknowns and (status is not None or controls):
            findings.say(f"{place}/status", NO_PACKAGE)


def _package(listed: _Listed, context: Context, findings: Findings) -> Package | None:
    if (found := identified(listed.entry, listed.place, findings)) is None:
        return None
    name, version = found
    arch, license_ = listed.entry.get("architecture"), listed.control.get("license")
    return Package(
        purl=os_purl("opkg", context, name, version, arch),
        type=PackageType.OPKG,
        name=name,
        version=version,
        ecosystem=context.distribution.ecosystem if context.distribution else "",
        source_name=listed.control.get("sourcename") or name,
        source_version=version,
        arch=arch,
        layer=context.layers[listed.layer],
        locations=(listed.place,),
        licenses=(license_,) if license_ else (),
    )
