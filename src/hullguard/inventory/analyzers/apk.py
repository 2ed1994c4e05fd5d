"""Alpine's, Wolfi's and Chainguard's packages: apk's database of installed packages (apk-tools, apk_db_read)."""

import re
from collections.abc import Iterator

from hullguard.inventory.analyzers.analyzer import (
    NO_PACKAGE,
    Analyzer,
    Context,
    Files,
    Findings,
    is_name,
    os_purl,
    text,
)
from hullguard.inventory.analyzers.ownable import OWNABLE
from hullguard.model.package import Package, PackageType, Unknown

# apk-tools 3 moved the database below /usr.
_PLACES = ("lib/apk/db/installed", "usr/lib/apk/db/installed")
_OWNED = re.compile(OWNABLE)


class ApkAnalyzer(Analyzer):
    """One-letter fields: P name, V version, A architecture, L licence, o origin (the source), F folder, R file."""

    name, version = "apk", 2
    paths = r"(?:usr/)?lib/apk/db/installed"
    fixed = _PLACES

    def condense(self, path: str, content: bytes) -> bytes:
        del path
        kept, folder = [], ""
        for line in text(content).split("\n"):
            field, value = line[:2], line[2:]
            if field in ("P:", "V:", "A:", "o:", "L:") or not line:
                kept.append(line)
            elif field == "F:":
                folder = value
            elif field == "R:" and _OWNED.fullmatch(name := f"{folder}/{value}"):
                kept.append(f"R:{name}")
        return "\n".join(kept).encode()

    def analyze(self, files: Files, context: Context) -> Findings:
        findings = Findings()
        # With a merged /usr both names lead to one file.
        places = {real: place for place in _PLACES if (real := files.real(place))}
        for place in places.values():
            if (file := files.file(place)) is None:
                continue
            origins: dict[tuple[str | None, ...], int] = {}
            for older in file.history():
                present = {_identity(fields) for fields, _ in _records(older.content)}
                origins = {identity: origins.get(identity, older.layer) for identity in present}
            for fields, owned in _records(file.content):
                findings.owned.update(real for path in owned if (real := files.real(path)))
                self._add(fields, origins.get(_identity(fields), file.layer), place, context, findings)
            if not findings.packages and not findings.unknowns:
                findings.unknowns.append(Unknown(place, NO_PACKAGE))
        return findings

    @staticmethod
    def _add(fields: dict[str, str], layer: int, location: str, context: Context, findings: Findings) -> None:
        name, version = fields.get("P"), fields.get("V")
        if not is_name(name) or not version:
            findings.unknowns.append(Unknown(name or location, f"{location}: an entry lacks its name or its version"))
            return
        distribution, arch = context.distribution, fields.get("A")
        findings.packages.append(
            Package(
                purl=os_purl("apk", context, name, version, arch),
                type=PackageType.APK,
                name=name,
                version=version,
                ecosystem=distribution.ecosystem if distribution else "",
                source_name=fields.get("o") or name,
                source_version=version,
                arch=arch,
                layer=context.layers[layer],
                locations=(location,),
                licenses=(fields["L"],) if fields.get("L") else (),
            )
        )


def _records(content: bytes) -> Iterator[tuple[dict[str, str], list[str]]]:
    fields: dict[str, str] = {}
    owned: list[str] = []
    for line in [*text(content).split("\n"), ""]:
        if not line.strip():
            if fields:
                yield fields, owned
            fields, owned = {}, []
        elif line.startswith("R:"):
            owned.append(line[2:])
        else:
            fields[line[:1]] = line[2:].strip()


def _identity(fields: dict[str, str]) -> tuple[str | None, ...]:
    return tuple(fields.get(key) for key in ("P", "A", "V"))
