"""What Debian's copyright files say of a package's licences, read where somebody asks for licences."""

import zlib

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from hullguard.inventory import bounds
from hullguard.inventory.analyzers.analyzer import Analyzer, Context, Files, Findings, text
from hullguard.model.decoding import from_json

_DOC = "usr/share/doc"
_GZIP = ".gz"
_NAMED = 3
"""Packages that a doubt names; the others are counted."""


class _Told(Struct, omit_defaults=True):
    """What is kept of a copyright file."""

    licenses: list[str] = []
    cut: bool = False
    """Whether something of it was not read."""


class CopyrightAnalyzer(Analyzer):
    """Wants the files; ``with_licenses`` tells what they say of a database's packages (Debian Policy, section 12.5).

    The directory of a package may be a link to another's, and the file one to another's file.
    """

    name, version = "copyright", 1
    paths = rf"{_DOC}/[^/]+/copyright(?:\.gz)?"
    fixed = (_DOC,)
    linked = rf"{_DOC}/[^/]+"
    for_licenses = True

    def condense(self, path: str, content: bytes) -> bytes:
        if path.endswith(_GZIP) or content[:2] == b"\x1f\x8b":
            return msgspec.json.encode(_unpacked(content))
        return msgspec.json.encode(_told(content))

    def analyze(self, files: Files, context: Context) -> Findings:
        del files, context
        return Findings()


def with_licenses(findings: Findings, files: Files, context: Context) -> None:
    """Adds to dpkg's packages what their copyright files tell, and says once, with a number, what they do not.

    Nothing where nobody asks: the files were not read then.

    Licences stand in the file's order, which is its maintainer's: that of most files comes first.
    """
    if not context.licenses:
        return
    told = {package.name: _told_of(package.name, files) for package in findings.packages}
    findings.packages = [
        replace(package, licenses=tuple(said.licenses)) if (said := told[package.name]) is not None else package
        for package in findings.packages
    ]
    if absent := {name for name, said in told.items() if said is None}:
        why = f"{len(absent)} packages of dpkg ({_some(absent)}) have no copyright file in usr/share/doc"
        findings.say("licenses", why)
    if silent := {name for name, said in told.items() if said is not None and not said.licenses}:
        why = f"the copyright files of {len(silent)} packages ({_some(silent)}) tell none in a form that can be read"
        findings.say("licenses", why)
    if cut := {name for name, said in told.items() if said is not None and said.cut}:
        why = f"the copyright files of {len(cut)} packages ({_some(cut)}) are too long, or damaged: a part was not read"
        findings.say("licenses", why, incomplete=True)


def _told_of(package: str, files: Files) -> _Told | None:
    for name in ("copyright", f"copyright{_GZIP}"):
        if (file := files.file(f"{_DOC}/{package}/{name}")) is not None:
            return from_json(file.content, _Told)
    return None


def _some(names: set[str]) -> str:
    named = sorted(names)
    return ", ".join(name[:100] for name in named[:_NAMED]) + (", …" if len(named) > _NAMED else "")


def _unpacked(content: bytes) -> _Told:
    decoder = zlib.decompressobj(zlib.MAX_WBITS | 16)
    try:
        plain = decoder.decompress(content, bounds.COPYRIGHT_BYTES)
    except zlib.error:
        return _Told(cut=True)
    told = _told(plain)
    told.cut = told.cut or not decoder.eof
    return told


def _told(content: bytes) -> _Told:
    """Of a file with a form the fields count alone: its texts are those that the fields name."""
    # Scans that ask for no licences need not wait until so many patterns are made.
    from hullguard.inventory.analyzers.copyright import free_form, machine_readable

    words = text(content[: bounds.COPYRIGHT_BYTES]).replace("\r\n", "\n").removeprefix("\ufeff")
    cut = len(content) > bounds.COPYRIGHT_BYTES
    if machine_readable.is_machine_readable(words):
        found = dict.fromkeys(machine_readable.licenses(words))
    else:
        cut = cut or len(words) > bounds.COPYRIGHT_PROSE
        found = dict.fromkeys(free_form.licenses(words[: bounds.COPYRIGHT_PROSE]))
    most = bounds.COPYRIGHT_LICENSES
    return _Told([*found][:most], cut or len(found) > most)
