"""Installed Python distributions: core metadata in dist-info (PEP 376, 566) and egg-info."""

import re
from collections.abc import Iterable, Mapping, Sequence

from packageurl import PackageURL

from hullguard.inventory import bounds
from hullguard.inventory.analyzers.analyzer import (
    METADATA,
    PYTHON_DIRECTORY,
    Analyzer,
    Context,
    Files,
    Findings,
    is_name,
    text,
)
from hullguard.model.package import Package, PackageType

_HEADER = re.compile(
    # A value may begin on the next line, behind a blank (RFC 822).
    r"^(Name|Version|License|License-Expression|Classifier(?=:[ \t]*License ::)):[ \t]*(?:\r?\n[ \t]+)?(\S.*)$",
    re.MULTILINE | re.IGNORECASE,
)
# Before there were expressions the field often held a licence's whole text.
_LICENSE_NAME = 120
_LICENSES = 20
_LIST = "/RECORD"
_RECORD = r"(?:.*/)?[^/]+\.[dD][iI][sS][tT]-[iI][nN][fF][oO]/RECORD"
_NAMED = re.compile(
    r"(?P<name>[a-z0-9](?:[a-z0-9._]*[a-z0-9])?)-(?P<version>\d[a-z0-9.!+_]*)\.dist-info", re.IGNORECASE | re.ASCII
)
_NAME_AND_VERSION = 255
_CUT = b"\n!cut"
"""A line that no header makes: the headers go on behind what is read."""


class PythonAnalyzer(Analyzer):
    """What pip, wheel or setuptools left beside the code, in any directory.

    Where somebody took the metadata away to save room, and left the list of files, the directory's name says what it is
    of (the specification of binary distributions, "The .dist-info directory").
    """

    name, version = "python", 9
    ownable = True
    paths = rf"{METADATA}|{_RECORD}"
    linked = PYTHON_DIRECTORY

    def condense(self, path: str, content: bytes) -> bytes:
        if path.endswith(_LIST):
            return b""
        head, whole = headers_of(content[: bounds.METADATA_BYTES])
        kept = "\n".join(f"{key}: {value[:500].rstrip()}" for key, value in _HEADER.findall(head)).encode()
        return kept if whole or len(content) <= bounds.METADATA_BYTES else kept + _CUT

    def variant(self, path: str) -> str:
        return "list" if path.endswith(_LIST) else ""

    def named(self, content: bytes) -> Iterable[tuple[PackageType, str, str]]:
        fields = headers(text(content))
        yield PackageType.PYPI, fields.get("name", [""])[0], fields.get("version", [""])[0]

    def analyze(self, files: Files, context: Context) -> Findings:
        findings = Findings(room=context.room)
        for path, file in files.matching(self.paths):
            if path.endswith("/PKG-INFO") and files.file(path.removesuffix("PKG-INFO") + "METADATA") is not None:
                continue  # the older name does not count beside the other
            if path.endswith(_LIST):
                if all(files.file(path.removesuffix("RECORD") + name) is None for name in ("METADATA", "PKG-INFO")):
                    self._by_directory(path, context.layers[file.origin], findings)
                continue
            if context.owns(path, file, self) or not findings.has_room():
                continue
            fields = headers(text(file.content))
            if file.content.endswith(_CUT):
                why = f"has more than {bounds.METADATA_BYTES} bytes; the rest of it was not read"
                findings.say(path, why, incomplete=True)
            name, version = fields.get("name", [""])[0], fields.get("version", [""])[0]
            if not is_name(name) or not version:
                findings.say(path, "metadata of a Python package without its name or version")
                continue
            layer = context.layers[file.origin]
            findings.packages.append(_package(name, version, path, layer, licenses(fields)))
        return findings

    @staticmethod
    def _by_directory(path: str, layer: str | None, findings: Findings) -> None:
        found = _NAMED.fullmatch(path.removesuffix(_LIST).rpartition("/")[2])
        if found is None or len(found[0]) > _NAME_AND_VERSION:
            findings.say(path, "metadata of a Python package without its name or version")
        elif findings.has_room():
            findings.packages.append(
                _package(re.sub(r"[-_.]+", "-", found["name"]).lower(), found["version"], path, layer)
            )


def _package(name: str, version: str, path: str, layer: str | None, licenses_: tuple[str, ...] = ()) -> Package:
    return Package(
        purl=PackageURL("pypi", None, name, version).to_string(),
        type=PackageType.PYPI,
        name=name,
        version=version,
        ecosystem="PyPI",
        layer=layer,
        locations=(path,),
        licenses=licenses_,
    )


def headers_of(content: bytes) -> tuple[str, bool]:
    """The headers of a file, and whether it goes on behind them: a description may contain anything."""
    # Python reads it as text, in which a carriage return ends a line.
    begin = text(content.removeprefix(b"\xef\xbb\xbf")).replace("\r\n", "\n").replace("\r", "\n")
    head, empty, _ = begin.partition("\n\n")
    return head, bool(empty)


def headers(head: str) -> dict[str, list[str]]:
    """The headers that count, by their names in lower case."""
    fields: dict[str, list[str]] = {}
    for key, value in _HEADER.findall(head):
        fields.setdefault(key.lower(), []).append(value)
    return fields


def licenses(fields: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """The expression (PEP 639), else what the old field names, else the classifiers' last words."""
    if expressions := fields.get("license-expression"):
        return (expressions[0],)
    stated = fields.get("license", [""])[0]
    if stated and len(stated) <= _LICENSE_NAME and stated.upper() != "UNKNOWN":
        return (stated,)
    words = (classifier.rpartition("::")[2].strip() for classifier in fields.get("classifier", ())[:_LICENSES])
    return tuple(word for word in words if word and word != "OSI Approved")
