"""Installed npm packages: ``node_modules/NAME/package.json`` and ``node_modules/@SCOPE/NAME/package.json``."""

import re

import msgspec
from packageurl import PackageURL

from hullguard.inventory.analyzers.analyzer import (
    NODE_DIRECTORY,
    NODE_PACKAGE,
    Analyzer,
    Context,
    Files,
    Findings,
    is_name,
)
from hullguard.model.decoding import from_json
from hullguard.model.package import Package, PackageType

_BOUND = 500
_LICENSES = 20
_LICENSE_BYTES = 1 << 14
_UNPACKED = r"opt/([^/]+-v?\d[^/]*)"
_ABSENT = msgspec.Raw(b"null")
_NOTHING = (b"null", b'""', b"[]", b"{}", b"false")


class _Manifest(msgspec.Struct):
    name: str = ""
    version: str = ""
    license: msgspec.Raw = _ABSENT
    """A string today; once an object with a ``type``, or under ``licenses`` a list of them."""
    licenses: msgspec.Raw = _ABSENT


class _Kept(msgspec.Struct, omit_defaults=True):
    name: str = ""
    version: str = ""
    licenses: tuple[str, ...] = ()


class NodeAnalyzer(Analyzer):
    """Only the manifest at a package's root counts: those deeper inside are test data or hints for bundlers.

    A package that was unpacked below /opt lies in a directory of its own name and version, as Node's images have Yarn.
    """

    name, version = "node", 4
    ownable = True
    paths = rf"{NODE_PACKAGE}|{_UNPACKED}/package\.json"
    linked = NODE_DIRECTORY

    def condense(self, path: str, content: bytes) -> bytes:
        del path
        try:
            manifest = from_json(content.removeprefix(b"\xef\xbb\xbf"), _Manifest)
        except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
            return b""
        return msgspec.json.encode(
            _Kept(manifest.name[: _BOUND + 1], manifest.version[: _BOUND + 1], _licenses(manifest))
        )

    def analyze(self, files: Files, context: Context) -> Findings:
        findings = Findings(room=context.room)
        for path, file in files.matching(self.paths):
            if context.owns(path, file) or not findings.has_room():
                continue
            if not file.content:
                findings.say(path, "the manifest of an npm package is no readable JSON")
                continue
            manifest = from_json(file.content, _Kept)
            unpacked = re.fullmatch(rf"{_UNPACKED}/.*", path, re.DOTALL)
            if unpacked and unpacked[1] not in (
                f"{manifest.name}-{manifest.version}",
                f"{manifest.name}-v{manifest.version}",
            ):
                continue  # an application's own manifest
            if not manifest.name and not manifest.version:
                continue  # a bundler's hint such as {"type": "module"}, not a package
            if not manifest.name or not manifest.version:
                findings.say(path, "the manifest of an npm package lacks its name or its version")
                continue
            if max(len(manifest.name), len(manifest.version)) > _BOUND:
                findings.say(path, "the manifest of an npm package has a name or a version without end")
                continue
            scope, _, base = manifest.name.rpartition("/")
            if not is_name(base):
                findings.say(path, f"{manifest.name!r} is no name of an npm package")
                continue
            findings.packages.append(
                Package(
                    purl=PackageURL("npm", scope or None, base, manifest.version).to_string(),
                    type=PackageType.NPM,
                    name=manifest.name,
                    version=manifest.version,
                    ecosystem="npm",
                    layer=context.layers[file.origin],
                    locations=(path,),
                    licenses=manifest.licenses,
                )
            )
        return findings


def _licenses(manifest: _Manifest) -> tuple[str, ...]:
    given = (manifest.license, manifest.licenses)
    # What is larger is no licence, and may be a bomb.
    raw = next((raw for raw in given if len(raw) <= _LICENSE_BYTES and bytes(raw) not in _NOTHING), _ABSENT)
    try:
        stated = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ()  # what is passed over is not looked at, so it need not even be text
    found = []
    for one in (stated if isinstance(stated, list) else [stated])[:_LICENSES]:
        words = one.get("type") if isinstance(one, dict) else one
        if words and isinstance(words, str) and words.isprintable():
            found.append(words[:_BOUND])
    return tuple(found)
