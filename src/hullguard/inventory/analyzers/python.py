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
_CUT = b"\n!cut"
"""A line that no header makes: the headers go on behind what is read."""


class PythonAnalyzer(Analyzer):
    """What pip, wheel or setuptools left beside the code, in any directory."""

    name, version = "python", 8
    ownable = True
    paths = METADATA
    linked = PYTHON_DIRECTORY

    def condense(self, path: str, content: bytes) -> bytes:
        del path
        head, whole = headers_of(content[: bounds.METADATA_BYTES])
        kept = "\n".join(f"{key}: {value[:500].rstrip()}" for key, value in _HEADER.findall(head)).encode()
        return kept if whole or len(content) <= bounds.METADATA_BYTES else kept + _CUT

    def named(self, content: bytes) -> Iterable[tuple[PackageType, str, str]]:
        fields = headers(text(content))
        yield PackageType.PYPI, fields.get("name", [""])[0], fields.get("version", [""])[0]

    def analyze(self, files: Files, context: Context) -> Findings:
        findings = Findings(room=context.room)
        for path, file in files.matching(self.paths):
            if path.endswith("/PKG-INFO") and files.file(path.removesuffix("PKG-INFO") + "METADATA") is not None:
                continue  # the older name does not count beside the other
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
            findings.packages.append(
                Package(
                    purl=PackageURL("pypi", None, name, version).to_string(),
                    type=PackageType.PYPI,
                    name=name,
                    version=version,
                    ecosystem="PyPI",
                    layer=context.layers[file.origin],
                    locations=(path,),
                    licenses=licenses(fields),
                )
            )
        return findings


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
