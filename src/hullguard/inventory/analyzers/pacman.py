"""Arch Linux's packages: one directory each in pacman's local database (libalpm, lib/libalpm/be_local.c)."""

import re
from collections.abc import Iterator, Mapping

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
from hullguard.inventory.analyzers.ownable import listed, ownables
from hullguard.inventory.analyzers.provenance import Owner
from hullguard.inventory.fingerprint import UNKNOWN
from hullguard.model.package import Package, PackageType

_ROOT = "var/lib/pacman/local"
_KEPT = ("NAME", "VERSION", "BASE", "ARCH", "LICENSE", "PACKAGER", "VALIDATION")
_MOST_VALUES = 50
_LONGEST = 1000
"""Characters of a value."""
_LINE = re.compile(rb"[^\n]+")
_SECTION_END = b"\n\n"
"""libalpm writes an empty line behind every section; a description that ends otherwise was cut off."""
_ENDED = b"!"
"""A section that no description has."""


class PacmanAnalyzer(Analyzer):
    """``desc`` holds sections, a heading between percent signs and a value a line; ``files`` what a package owns."""

    name, version = "pacman", 10
    paths = rf"{_ROOT}/[^/]+/(?:desc|files)"
    fixed = ("var/lib/pacman", _ROOT)
    entered = (_ROOT,)

    def condense(self, path: str, content: bytes) -> bytes:
        if path.endswith("/files"):
            return ownables((b"", line) for heading, line in _lines(content) if heading == b"FILES")
        kept: dict[bytes, list[bytes]] = {name.encode(): [] for name in _KEPT}
        for heading, line in _lines(content):
            if heading in kept and len(kept[heading]) < _MOST_VALUES:
                kept[heading].append(
                    line[: 5 * _LONGEST]
                )  # more characters than that, so that what was cut is seen to be
        if content.strip() and not content.endswith(_SECTION_END):
            kept[_ENDED] = [b"early"]
        return b"\n".join(b"\n".join((b"%%%b%%" % name, *values)) for name, values in kept.items())

    def variant(self, path: str) -> str:
        return path.rpartition("/")[2]

    def analyze(self, files: Files, context: Context) -> Findings:
        findings, context = Findings(room=context.room), context.managed(PackageType.ALPM)
        own: dict[str, Owner] = {}
        root = files.real(_ROOT) or _ROOT
        place = re.escape(root)
        for path, file in files.matching(rf"{place}/[^/]+/desc"):
            if findings.has_room():
                self._add(path, file, context, findings, own)
        provenance.take(findings, context.distribution, self._owners(files, place, own, findings), fhs=False)
        for path, _ in files.matching(rf"{place}/[^/]+/files"):
            if files.file(f"{path.rpartition('/')[0]}/desc") is None:
                findings.say(path, "a package whose description is missing", incomplete=True)
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
    def _owners(files: Files, place: str, own: Mapping[str, Owner], findings: Findings) -> Iterator[Owner]:
        for path, file in files.matching(rf"{place}/[^/]+/files"):
            if (known := own.get(path.rpartition("/")[0])) is not None:
                # The digests stand in a packed list beside it, which is not read.
                yield known.with_files(files, {name: UNKNOWN for name, _ in listed(file.content, path, findings)})

    @staticmethod
    def _add(path: str, file: File, context: Context, findings: Findings, own: dict[str, Owner]) -> None:
        sections = _sections(file.content)
        values = {name: lines[0] for name, lines in sections.items() if lines}
        name, version = values.get("NAME"), values.get("VERSION")
        if _ENDED.decode() in sections:
            findings.say(path, "it ends before its end; of its package something may be missing", incomplete=True)
        if not is_name(name) or not version:
            if _ENDED.decode() not in sections:
                findings.say(path, "it lacks the package's name or its version", incomplete=True)
            return
        if any(len(values.get(field, "")) > _LONGEST for field in ("NAME", "VERSION", "BASE", "ARCH")):
            findings.say(path, "it has a name or a version without end", incomplete=True)
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
                licenses=tuple(sections.get("LICENSE", ())),
            )
        )


def _lines(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The lines that say something, each with the heading above it."""
    heading = b""
    for found in _LINE.finditer(content):
        line = found[0]
        if len(line) > 2 and line.startswith(b"%") and line.endswith(b"%"):
            heading = line[1:-1]
        elif line := line.strip():
            yield heading, line


def _sections(content: bytes) -> dict[str, list[str]]:
    sections: dict[str, list[str]] = {}
    for heading, line in _lines(content):
        sections.setdefault(text(heading), []).append(text(line))
    return sections
