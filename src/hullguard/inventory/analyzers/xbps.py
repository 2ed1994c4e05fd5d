"""Void's packages: one property list for all of them (xbps's ``lib/pkgdb.c``), a dictionary each by its name."""

import re
from collections.abc import Iterable, Iterator
from itertools import islice

import msgspec

from hullguard.inventory import bounds
from hullguard.inventory.analyzers.analyzer import (
    NO_PACKAGE,
    Analyzer,
    Context,
    File,
    Files,
    Findings,
    is_name,
    os_purl,
    text,
)
from hullguard.inventory.analyzers.language import is_word
from hullguard.inventory.content.secrets.redaction import quoted
from hullguard.model.decoding import from_json
from hullguard.model.package import Package, PackageType

_PLACE = "var/db/xbps/pkgdb-0.38.plist"
_ELEMENT = re.compile(rb"<(/?)(dict|array|key|string)\s*(/?)>([^<]*)")
_FIELDS = frozenset({"pkgver", "state", "architecture", "license"})
_KEPT = 1000
"""Bytes of a value, more than a name or a version has."""
_END = b"</plist>"
_NO_PACKAGES = "_XBPS_"
"""How the names of its other dictionaries begin, those of alternatives."""
_THERE = frozenset({"installed", "unpacked"})


class _Entry(msgspec.Struct, omit_defaults=True):
    pkgver: str = ""
    state: str = ""
    architecture: str = ""
    license: str = ""


class _Database(msgspec.Struct, omit_defaults=True):
    entries: dict[str, _Entry] = {}
    more: bool = False
    cut: bool = False


class XbpsAnalyzer(Analyzer):
    """``pkgver`` is name, version and revision in one. No advisories are published for these packages."""

    name, version = "xbps", 2
    paths = re.escape(_PLACE)
    fixed = (_PLACE,)

    def condense(self, path: str, content: bytes) -> bytes:
        del path
        elements = _ELEMENT.finditer(content)
        found = _dictionaries(islice(elements, bounds.DATABASE_LINES))
        entries = {name: _Entry(**values) for name, values in found}
        ended = content[-_KEPT:].rstrip().endswith(_END)
        database = _Database(entries, more=next(elements, None) is not None, cut=not ended)
        return msgspec.json.encode(database)

    def analyze(self, files: Files, context: Context) -> Findings:
        findings, context = Findings(room=context.room), context.managed(PackageType.XBPS)
        if (file := files.file(_PLACE)) is None:
            return findings
        database, layers = from_json(file.content, _Database), _origins(file)
        for key, entry in database.entries.items():
            if entry.state != "not-installed" and findings.has_room():
                self._add(key, entry, context, layers.get((key, entry.pkgver), file.layer), findings)
        if database.cut:
            findings.say(_PLACE, "it ends before its end; packages may be missing", incomplete=True)
        if database.more:
            why = f"it names more than is read; of its elements the first {bounds.DATABASE_LINES} were"
            findings.say(_PLACE, why, incomplete=True)
        if not findings.packages and not findings.unknowns:
            findings.say(_PLACE, NO_PACKAGE)
        return findings

    @staticmethod
    def _add(key: str, entry: _Entry, context: Context, layer: int, findings: Findings) -> None:
        name, _, version = entry.pkgver.rpartition("-")
        what = quoted(key or _PLACE, 200)
        if not is_name(name) or not is_word(name) or not is_word(version):
            findings.say(what, f"{_PLACE}: an entry lacks its name or its version", incomplete=True)
            return
        if not entry.state:
            findings.say(what, f"{_PLACE}: an entry does not say whether it is installed", incomplete=True)
            return
        if entry.state not in _THERE:
            findings.say(what, "it is half installed: which of its files are there is not known")
            return
        arch = entry.architecture if is_word(entry.architecture) else None
        findings.packages.append(
            Package(
                purl=os_purl("xbps", context, name, version, arch),
                type=PackageType.XBPS,
                name=name,
                version=version,
                source_name=name,
                source_version=version,
                arch=arch,
                layer=context.layers[layer],
                locations=(_PLACE,),
                licenses=(entry.license,) if is_word(entry.license) else (),
            )
        )


def _dictionaries(elements: Iterable[re.Match[bytes]]) -> Iterator[tuple[str, dict[str, str]]]:
    """The dictionaries directly in the outermost one, each with those of its strings that count."""
    depth, name, field = 0, "", ""
    values: dict[str, str] = {}
    for element in elements:
        closing, kind, empty, content = element.groups()
        if kind in (b"dict", b"array"):
            depth += 0 if empty else -1 if closing else 1
            if (closing or empty) and depth == 1 and (values or not name.startswith(_NO_PACKAGES)):
                yield name, values
            if depth == 1:
                values = {}
        elif kind == b"key" and not closing and depth == 1:
            name = _text(content)
        elif kind == b"key" and not closing and depth == 2:
            field = _text(content)
        elif kind == b"string" and not closing and depth == 2 and field in _FIELDS:
            values[field] = _text(content)
            field = ""


def _text(content: bytes) -> str:
    # `xml.sax` takes longer to import than most images take to read.
    plain = text(content[:_KEPT].strip())
    return plain.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def _origins(file: File) -> dict[tuple[str, str], int]:
    """For each package the layer from which on it was there at its version without a gap."""
    found: dict[tuple[str, str], int] = {}
    for each in file.history():
        present = {(key, entry.pkgver) for key, entry in from_json(each.content, _Database).entries.items()}
        found = {identity: found.get(identity, each.layer) for identity in present}
    return found
