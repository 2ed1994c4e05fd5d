"""Installed npm packages: ``node_modules/NAME/package.json`` and ``node_modules/@SCOPE/NAME/package.json``.

And where else they are loaded from: Corepack's directory of package managers, the caches of Bun and Deno, what Bower
installed, and copies that somebody put beside their own pages.
"""

import enum
import re
from collections.abc import Iterable

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
_ELSEWHERE = (
    r"(?:.*/)?corepack/(?:v\d+/)?[^/]+/\d[^/]*/package\.json",
    r"(?:.*/)?\.bun/install/cache/(?:@[^/]+/)?[^/@]+@[^/]+/package\.json",
    r"(?:.*/)?npm/[^/@]+\.[^/]+/(?:@[^/]+/)?[^/]+/\d[^/]*/package\.json",
)
"""Where a manager keeps packages by their name and version; Deno below the host that they came from."""
_BOWER = r"(?:.*/)?bower_components/[^/]+/(?:package|\.bower)\.json"
_COPIED = r"(?!(?:.*/)?(?:node_modules|bower_components)/)(?:.*/)?[^/]+/package\.json"
"""Any other: a copy of a package, or an application's own manifest."""
_ABSENT = msgspec.Raw(b"null")
_NOTHING = (b"null", b'""', b"[]", b"{}", b"false")


class _Manifest(msgspec.Struct):
    name: str = ""
    version: str = ""
    private: msgspec.Raw = _ABSENT
    repository: msgspec.Raw = _ABSENT
    license: msgspec.Raw = _ABSENT
    """A string today; once an object with a ``type``, or under ``licenses`` a list of them."""
    licenses: msgspec.Raw = _ABSENT


class _Kept(msgspec.Struct, omit_defaults=True):
    name: str = ""
    version: str = ""
    licenses: tuple[str, ...] = ()
    published: bool = False
    """Whether it reads like what a registry handed out: it names its repository, and is not private."""


class NodeAnalyzer(Analyzer):
    """Only the manifest at a package's root counts: those deeper inside are test data or hints for bundlers.

    A copy of a published package lies in a directory of its name, or of its name and version, as Node's images have
    Yarn below /opt; an application, with what it needs beside it, is none.
    """

    name, version = "node", 7
    ownable = True
    paths = rf"{NODE_PACKAGE}|{_BOWER}|{_COPIED}"
    linked = NODE_DIRECTORY

    def condense(self, path: str, content: bytes) -> bytes:
        del path
        try:
            manifest = from_json(content.removeprefix(b"\xef\xbb\xbf"), _Manifest)
        except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
            return b""
        return msgspec.json.encode(
            _Kept(
                manifest.name[: _BOUND + 1],
                manifest.version[: _BOUND + 1],
                _licenses(manifest),
                bytes(manifest.private) in _NOTHING and bytes(manifest.repository) not in _NOTHING,
            )
        )

    def named(self, content: bytes) -> Iterable[tuple[PackageType, str, str]]:
        if content:
            manifest = from_json(content, _Kept)
            yield PackageType.NPM, manifest.name, manifest.version

    def analyze(self, files: Files, context: Context) -> Findings:
        findings = Findings(room=context.room)
        installed = dict(files.matching(NODE_PACKAGE))
        reals = {context.reals.get(path, path) for path in installed}
        others = {path: file for path, file in files.matching(self.paths) if path not in reals}
        manifests = [(path, file, _place(path)) for path, file in sorted((others | installed).items())]
        applications = {path.partition("node_modules/")[0] for path, _, place in manifests if place is _Place.INSTALLED}
        for path, file, place in manifests:
            if context.owns(path, file, self) or not findings.has_room():
                continue
            if not file.content:
                if place is not _Place.COPIED:
                    findings.say(path, "the manifest of an npm package is no readable JSON")
                continue
            manifest = from_json(file.content, _Kept)
            if place in (_Place.BOWER, _Place.COPIED) and _stands_back(path, place, manifest, files, applications):
                continue
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


class _Place(enum.Enum):
    """What the place of a manifest makes of it."""

    INSTALLED = enum.auto()
    KEPT = enum.auto()
    BOWER = enum.auto()
    COPIED = enum.auto()


def _place(path: str) -> _Place:
    if re.fullmatch(NODE_PACKAGE, path, re.DOTALL):
        return _Place.INSTALLED
    if re.fullmatch(_BOWER, path, re.DOTALL):
        return _Place.BOWER
    return _Place.KEPT if any(re.fullmatch(one, path, re.DOTALL) for one in _ELSEWHERE) else _Place.COPIED


def _stands_back(path: str, place: _Place, manifest: _Kept, files: Files, applications: set[str]) -> bool:
    """Whether Bower's own word on the same package counts in its place, or it is that of an application.

    A copy lies in a directory that is called as the package is; no application is called by its version, too.
    """
    directory = path.rpartition("/")[0]
    if place is _Place.BOWER:
        return path.endswith("/package.json") and files.file(f"{directory}/.bower.json") is not None
    base, name = directory.rpartition("/")[2], manifest.name.rpartition("/")[2]
    if not name or not manifest.version:
        return True
    if base in {f"{name}{mark}{manifest.version}" for mark in ("-", "-v", "@")}:
        return False
    return base != name or not manifest.published or f"{directory}/" in applications


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
