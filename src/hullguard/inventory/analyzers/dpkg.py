"""Debian's and Ubuntu's packages: dpkg's status file, and one file per package in distroless images (status.d)."""

import re
from collections.abc import Iterator

from hullguard.inventory.analyzers.analyzer import (
    Analyzer,
    Context,
    File,
    Files,
    Findings,
    is_name,
    os_purl,
    text,
)
from hullguard.inventory.analyzers.ownable import OWNABLE
from hullguard.model.package import Package, PackageType, Unknown

_ROOT = "var/lib/dpkg"
_STATUS = f"{_ROOT}/status"
_STATUS_D = f"{_ROOT}/status.d"
_INFO = f"{_ROOT}/info"
_FIELDS = re.compile(rb"^(?:Package|Status|Version|Source|Architecture):.*$|^[ \t\r]*$", re.MULTILINE | re.IGNORECASE)
_OWNED = re.compile(OWNABLE)
_SOURCE = re.compile(r"(\S+)(?:\s+\(([^)]+)\))?")


class DpkgAnalyzer(Analyzer):
    """A package is installed when the third word of its Status is ``installed``, whatever is wanted of it.

    ``deinstall ok installed`` is still there; ``deinstall ok config-files`` is not.
    """

    name, version = "dpkg", 2
    paths = r"var/lib/dpkg/(?:status|status\.d/[^/]+|info/[^/]+\.list)"
    fixed = (_STATUS, _STATUS_D, _INFO)

    def condense(self, path: str, content: bytes) -> bytes:
        if path.endswith((".list", ".md5sums")):
            lines = text(content).splitlines()
            names = (line.split("  ", 1)[-1].lstrip("/") for line in lines)
            return "\n".join(name for name in names if _OWNED.fullmatch(name)).encode()
        return b"\n".join(_FIELDS.findall(content))

    def analyze(self, files: Files, context: Context) -> Findings:
        findings = Findings()
        status = files.file(_STATUS)
        if status is not None:
            origins = _origins(status)
            for fields in _paragraphs(status.content):
                self._add(fields, origins.get(_identity(fields), status.layer), _STATUS, context, findings)
        for name, file in files.children(_STATUS_D):
            if not name.endswith(".md5sums"):
                for fields in _paragraphs(file.content):
                    self._add(fields, file.origin, f"{_STATUS_D}/{name}", context, findings)
        self._owned(files, findings)
        return findings

    @staticmethod
    def _add(fields: dict[str, str], layer: int, location: str, context: Context, findings: Findings) -> None:
        words = fields.get("status", "install ok installed").split()
        name, version = fields.get("package"), fields.get("version")
        if len(words) == 3 and words[2] != "installed":
            return
        if not is_name(name) or not version or len(words) != 3:
            why = f"{location}: an entry lacks its name, its version or a status of three words"
            findings.unknowns.append(Unknown(name or location, why))
            return
        source = _SOURCE.match(fields.get("source", ""))
        distribution, arch = context.distribution, fields.get("architecture")
        findings.packages.append(
            Package(
                purl=os_purl("deb", context, name, version, arch),
                type=PackageType.DEB,
                name=name,
                version=version,
                ecosystem=distribution.ecosystem if distribution else "",
                source_name=source.group(1) if source else name,
                source_version=(source.group(2) if source else None) or version,
                arch=arch,
                layer=context.layers[layer],
                locations=(location,),
            )
        )

    @staticmethod
    def _owned(files: Files, findings: Findings) -> None:
        installed = {package.name for package in findings.packages}
        for directory, suffix in ((_INFO, ".list"), (_STATUS_D, ".md5sums")):
            for name, file in files.children(directory):
                if name.endswith(suffix) and name.removesuffix(suffix).split(":")[0] in installed:
                    for path in text(file.content).split("\n"):
                        if path and (real := files.real(path)):
                            findings.owned.add(real)


def _paragraphs(content: bytes) -> Iterator[dict[str, str]]:
    fields: dict[str, str] = {}
    for line in text(content).split("\n"):
        if not line.strip():
            if fields:
                yield fields
            fields = {}
            continue
        key, _, value = line.partition(":")
        fields[key.lower()] = value.strip()
    if fields:
        yield fields


def _identity(fields: dict[str, str]) -> tuple[str | None, ...]:
    return tuple(fields.get(key) for key in ("package", "architecture", "version"))


def _origins(status: File) -> dict[tuple[str | None, ...], int]:
    """For each package the layer from which on it was there at its version without a gap."""
    origins: dict[tuple[str | None, ...], int] = {}
    for file in status.history():
        present = {_identity(fields) for fields in _paragraphs(file.content)}
        origins = {identity: origins.get(identity, file.layer) for identity in present}
    return origins
