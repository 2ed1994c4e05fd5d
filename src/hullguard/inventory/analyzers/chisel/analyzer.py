"""Packages of chiselled images of Ubuntu: cut into slices, without dpkg and its database."""

import msgspec

from hullguard.inventory.analyzers import provenance, third_party
from hullguard.inventory.analyzers.analyzer import (
    NO_PACKAGE,
    Analyzer,
    Context,
    File,
    Files,
    Findings,
    os_purl,
)
from hullguard.inventory.analyzers.chisel.manifest import Condensed, condense
from hullguard.inventory.analyzers.chisel.sources import source_of
from hullguard.inventory.analyzers.copyright.analyzer import with_licenses
from hullguard.inventory.analyzers.provenance import Owner, marked
from hullguard.inventory.fingerprint import SHA256, checksum_of_hex
from hullguard.model.decoding import from_json
from hullguard.model.package import Package, PackageType

PLACE = "var/lib/chisel/manifest.wall"
_UNKNOWN_SOURCE = (
    "Chisel's list does not say of what source packages they were built: they were looked up by their own names, "
    "of which the distribution's advisories may not speak"
)


class ChiselAnalyzer(Analyzer):
    """What Chisel cuts comes from Ubuntu's own archives, and nowhere else.

    Some images have a database of dpkg beside its list, which says more: what that names is not named again.
    """

    name, version = "chisel", 4
    paths = PLACE.replace(".", r"\.")
    fixed = (PLACE,)

    def condense(self, path: str, content: bytes) -> bytes:
        del path
        return msgspec.json.encode(condense(content))

    def analyze(self, files: Files, context: Context) -> Findings:
        findings, context = Findings(room=context.room), context.managed(PackageType.DEB)
        if (file := files.file(PLACE)) is None:
            return findings
        found = from_json(file.content, Condensed)
        for why in found.problems:
            findings.say(PLACE, f"the package database is damaged: {why}", incomplete=True)
        if not found.packages and not found.problems:
            findings.say(PLACE, NO_PACKAGE)
        self._name(found, file, context, findings)
        with_licenses(findings, files, context)
        distribution, origins = context.distribution, _origins(file)
        ubuntu = distribution is not None and distribution.id == "ubuntu"
        owners = {
            one[0]: Owner(one[0], ubuntu and not marked(one[1]), origins.get(one, file.layer)) for one in found.packages
        }
        listed: dict[str, dict[str, str | None]] = {}
        for name, path, digest in found.files:
            sums = listed.setdefault(name, {})
            sums[path] = None if digest is None else checksum_of_hex(SHA256, digest)
        whole = (owners[name].with_files(files, sums) for name, sums in listed.items() if name in owners)
        provenance.take(findings, distribution, whole, fhs=True)
        return findings

    @staticmethod
    def _name(found: Condensed, file: File, context: Context, findings: Findings) -> None:
        known = {(one.name, one.version) for one in context.packages if one.type is PackageType.DEB}
        distribution, origins, others, unsourced = context.distribution, _origins(file), set[str](), set[str]()
        for name, version, arch in found.packages:
            if (name, version) in known or not findings.has_room():
                continue
            source = source_of(name, version)
            if source is None:
                unsourced.add(name)
            if third_party.packed(distribution, version, None, ()):
                others.add(name)
            findings.packages.append(
                Package(
                    purl=os_purl("deb", context, name, version, arch or None),
                    type=PackageType.DEB,
                    name=name,
                    version=version,
                    ecosystem=distribution.ecosystem if distribution else "",
                    source_name=source or name,
                    source_version=version,
                    arch=arch or None,
                    layer=context.layers[origins.get((name, version, arch), file.layer)],
                    locations=(PLACE,),
                )
            )
        if unsourced and distribution is not None and distribution.ecosystem:
            findings.say(provenance.named(unsourced), _UNKNOWN_SOURCE, incomplete=True)
        third_party.tell(findings, distribution, others)


def _origins(file: File) -> dict[tuple[str, str, str], int]:
    """For each package the layer from which on it was there at its version without a gap."""
    origins: dict[tuple[str, str, str], int] = {}
    for older in file.history():
        present = from_json(older.content, Condensed).packages
        origins = {identity: origins.get(identity, older.layer) for identity in present}
    return origins
