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
from hullguard.inventory.analyzers.ownable import ownable
from hullguard.model.package import Package, PackageType

# apk-tools 3 moved the database below /usr.
_PLACES = ("lib/apk/db/installed", "usr/lib/apk/db/installed")


_LINE = re.compile(rb"^(?:([PVAoLFR]):.*)?$", re.MULTILINE)
_MOST_LINES = 1 << 20
_GROWTH = 4
_CUT = b"!:"
"""A field that no database has: what stands behind it was left out."""


class ApkAnalyzer(Analyzer):
    """One-letter fields: P name, V version, A architecture, L licence, o origin (the source), F folder, R file."""

    name, version = "apk", 3
    paths = r"(?:usr/)?lib/apk/db/installed"
    fixed = _PLACES

    def condense(self, path: str, content: bytes) -> bytes:
        del path
        kept: list[bytes] = []
        # A folder's name counts once a file: a few bytes could stand for gigabytes of paths.
        folder, room = b"", _GROWTH * len(content)
        for line in _LINE.finditer(content):
            whole, field = line[0], line[1]
            if field == b"F":
                folder = whole[2:]
            elif field == b"R":
                name = folder + b"/" + whole[2:]
                if len(name) <= room and ownable(text(name)):
                    room -= len(name)
                    kept.append(b"R:" + name)
            elif len(kept) < _MOST_LINES:
                kept.append(whole)
            else:
                kept.append(_CUT)
                break
        return b"\n".join(kept)

    def analyze(self, files: Files, context: Context) -> Findings:
        findings = Findings(room=context.room)
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
                findings.say(place, NO_PACKAGE)
        return findings

    @staticmethod
    def _add(fields: dict[str, str], layer: int, location: str, context: Context, findings: Findings) -> None:
        name, version = fields.get("P"), fields.get("V")
        if "!" in fields:
            findings.say(location, f"it names more than is read; of its lines the first {_MOST_LINES} were")
        if not findings.has_room():
            return
        if not is_name(name) or not version:
            findings.say((name or location)[:200], f"{location}: an entry lacks its name or its version")
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
