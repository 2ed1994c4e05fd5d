"""Debian's and Ubuntu's packages: dpkg's status file, and one file per package in distroless images (status.d)."""

import re
from collections.abc import Iterator, Mapping

from msgspec.structs import replace

from hullguard.inventory.analyzers import provenance
from hullguard.inventory.analyzers.analyzer import NO_PACKAGE, Analyzer, Context, Files, Findings, os_purl
from hullguard.inventory.analyzers.control import Entry, condensed, entries, identified, origins, pattern
from hullguard.inventory.analyzers.ownable import listed, ownables
from hullguard.inventory.analyzers.provenance import Owner
from hullguard.model.package import Package, PackageType

_ROOT = "var/lib/dpkg"
_STATUS = f"{_ROOT}/status"
_STATUS_D = f"{_ROOT}/status.d"
_INFO = f"{_ROOT}/info"
_UPDATES = f"{_ROOT}/updates"
_FIELDS = pattern(("Package", "Status", "Version", "Source", "Architecture", "Maintainer", "Origin"))
# A file a line, in md5sums behind its digest.
_LISTED = (re.compile(rb"^(?:\S*  )?([^\n]+)", re.MULTILINE), re.compile(rb"([^\n]+)"))
_SOURCE = re.compile(r"(\S+)(?:\s+\(([^)]+)\))?")


class DpkgAnalyzer(Analyzer):
    """A package is there when the third word of its Status says so, whatever is wanted of it (dpkg(1)).

    ``deinstall ok installed`` and ``install ok triggers-pending`` are there; ``deinstall ok config-files`` is not.
    """

    name, version = "dpkg", 7
    paths = r"var/lib/dpkg/(?:status|status\.d/[^/]+|updates/[0-9]+|info/[^/]+\.list)"
    fixed = (_STATUS, _STATUS_D, _INFO, _UPDATES)

    def condense(self, path: str, content: bytes) -> bytes:
        if path.endswith((".list", ".md5sums")):
            return ownables(line[1].lstrip(b"/") for line in _LISTED[path.endswith(".list")].finditer(content))
        # For dpkg that mark of DOS ends lines and paragraphs as a line's end does (lib/dpkg/parse.c).
        return condensed(
            content.replace(b"\x1a", b"\n"), _FIELDS, whole=path == _STATUS or path.startswith(f"{_UPDATES}/")
        )

    def variant(self, path: str) -> str:
        return "list" if path.endswith((".list", ".md5sums")) else ""

    def analyze(self, files: Files, context: Context) -> Findings:
        findings = Findings(room=context.room)
        own: dict[str, Owner] = {}
        for name, file in files.children(_STATUS_D):
            if not name.endswith(".md5sums"):
                place, found = f"{_STATUS_D}/{name}", list(entries(file.content))
                for entry in found:
                    self._add(entry, file.origin, place, context, findings, own)
                if not found:
                    findings.say(place, "it names no package")
        status = files.file(_STATUS)
        if status is not None:
            layers = origins(status)
            known = {entry.key: (entry, layers.get(entry.identity, status.layer)) for entry in entries(status.content)}
            # What dpkg wrote down before it could write all of the status anew counts instead (lib/dpkg/dbmodify.c).
            for _, update in sorted(files.children(_UPDATES), key=lambda named: int(named[0])):
                known |= {entry.key: (entry, update.origin) for entry in entries(update.content)}
            for entry, layer in known.values():
                self._add(entry, layer, _STATUS, context, findings, own)
            if not findings.packages and not findings.unknowns:
                findings.say(_STATUS, NO_PACKAGE)
        provenance.take(findings, context.distribution, self._owners(files, own, findings), fhs=True)
        return findings

    @staticmethod
    def _add(  # noqa: PLR0917 - all of it is needed of every entry
        entry: Entry, layer: int, location: str, context: Context, findings: Findings, own: dict[str, Owner]
    ) -> None:
        if (found := identified(entry, location, findings)) is None:
            return
        name, version = found[0].lower(), found[1]  # dpkg takes names in any case (lib/dpkg/pkg-hash.c)
        source = _SOURCE.match(entry.get("source") or "")
        distribution, arch = context.distribution, entry.get("architecture")
        made = provenance.maintained(distribution, entry.get("maintainer"), version)
        # Of several architectures one that somebody else built is enough to look.
        owner = own.setdefault(name, Owner(name, True, layer))
        owner.own = owner.own and made and provenance.from_origin(distribution, entry.get("origin"))
        owner.layer = max(owner.layer, layer)
        findings.packages.append(
            Package(
                purl=os_purl("deb", context, name, version, arch),
                type=PackageType.DEB,
                name=name,
                version=version,
                ecosystem=distribution.ecosystem if distribution else "",
                source_name=source.group(1).lower() if source else name,
                source_version=(source.group(2) if source else None) or version,
                arch=arch,
                layer=context.layers[layer],
                locations=(location,),
            )
        )

    @staticmethod
    def _owners(files: Files, own: Mapping[str, Owner], findings: Findings) -> Iterator[Owner]:
        for directory, suffix in ((_INFO, ".list"), (_STATUS_D, ".md5sums")):
            for name, file in files.children(directory):
                if name.endswith(suffix) and (package := name.removesuffix(suffix).split(":")[0].lower()) in own:
                    paths = listed(file.content, f"{directory}/{name}", findings)
                    yield replace(own[package], paths={real for path in paths if (real := files.real(path))})
