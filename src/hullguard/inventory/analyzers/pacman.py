"""Arch Linux's packages: one directory each in pacman's local database (libalpm, lib/libalpm/be_local.c)."""

import re
from collections.abc import Iterator, Mapping

from msgspec.structs import replace

from hullguard.inventory.analyzers import provenance
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
from hullguard.inventory.analyzers.ownable import ownable
from hullguard.inventory.analyzers.provenance import Owner
from hullguard.model.package import Package, PackageType

_ROOT = "var/lib/pacman/local"
_KEPT = ("NAME", "VERSION", "BASE", "ARCH", "LICENSE", "PACKAGER", "VALIDATION")
_MAX_LICENSES = 50


class PacmanAnalyzer(Analyzer):
    """``desc`` holds sections, a heading between percent signs and a value a line; ``files`` what a package owns."""

    name, version = "pacman", 2
    paths = rf"{_ROOT}/[^/]+/(?:desc|files)"
    fixed = ("var/lib/pacman", _ROOT)
    entered = (_ROOT,)

    def condense(self, path: str, content: bytes) -> bytes:
        sections = _sections(content)
        if path.endswith("/files"):
            return "\n".join(name for name in sections.get("FILES", ()) if ownable(name)).encode()
        kept = [f"%{name}%\n" + "".join(f"{value}\n" for value in sections.get(name, ())) for name in _KEPT]
        return "\n".join(kept).encode()

    def variant(self, path: str) -> str:
        return path.rpartition("/")[2]

    def analyze(self, files: Files, context: Context) -> Findings:
        findings = Findings(room=context.room)
        own: dict[str, Owner] = {}
        root = files.real(_ROOT) or _ROOT
        place = re.escape(root)
        for path, file in files.matching(rf"{place}/[^/]+/desc"):
            if findings.has_room():
                self._add(path, file, context, findings, own)
        provenance.take(findings, context.distribution, self._owners(files, place, own), fhs=False)
        for path, _ in files.matching(rf"{place}/[^/]+/files"):
            if files.file(f"{path.rpartition('/')[0]}/desc") is None:
                findings.say(path, "a package whose description is missing")
        for name in files.links(root):
            path = f"{root}/{name}/desc"
            if (files.real(path) or root).startswith(f"{root}/"):
                continue  # another name of one that is here
            if (linked := files.file(path)) is None:
                findings.say(f"{root}/{name}", "a package whose directory is a link; it was not read", incomplete=True)
            elif findings.has_room():
                self._add(path, linked, context, findings, own)
        return findings

    @staticmethod
    def _owners(files: Files, place: str, own: Mapping[str, Owner]) -> Iterator[Owner]:
        for path, file in files.matching(rf"{place}/[^/]+/files"):
            if (known := own.get(path.rpartition("/")[0])) is not None:
                listed = (files.real(name) for name in text(file.content).split("\n") if name)
                yield replace(known, paths={real for real in listed if real})

    @staticmethod
    def _add(path: str, file: File, context: Context, findings: Findings, own: dict[str, Owner]) -> None:
        sections = _sections(file.content)
        values = {name: lines[0] for name, lines in sections.items() if lines}
        name, version = values.get("NAME"), values.get("VERSION")
        if not is_name(name) or not version:
            findings.say(path, "it lacks the package's name or its version")
            return
        distribution, arch = context.distribution, values.get("ARCH")
        # What was built on the machine itself is not signed.
        signed = "pgp" in sections.get("VALIDATION", ())
        made = signed and provenance.maintained(distribution, values.get("PACKAGER"))
        own[path.rpartition("/")[0]] = Owner(name, made, file.origin)
        findings.packages.append(
            Package(
                purl=os_purl("alpm", context, name, version, arch),
                type=PackageType.ALPM,
                name=name,
                version=version,
                ecosystem=distribution.ecosystem if distribution else "",
                source_name=values.get("BASE") or name,
                source_version=version,
                arch=arch,
                layer=context.layers[file.origin],
                locations=(path,),
                licenses=tuple(sections.get("LICENSE", ())[:_MAX_LICENSES]),
            )
        )


def _sections(content: bytes) -> dict[str, list[str]]:
    sections: dict[str, list[str]] = {}
    lines: list[str] = []
    for line in text(content).split("\n"):
        if len(line) > 2 and line.startswith("%") and line.endswith("%"):
            lines = sections.setdefault(line[1:-1], [])
        elif line := line.strip():
            lines.append(line)
    return sections
