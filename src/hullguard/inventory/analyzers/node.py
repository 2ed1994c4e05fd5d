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
    File,
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
_MARKS = ("-v", "-", "@")
"""What stands between a package's name and its version in a directory's."""
_ABSENT = msgspec.Raw(b"null")
_NOTHING = (b"null", b'""', b"[]", b"{}", b"false")


class _Manifest(msgspec.Struct):
    name: str = ""
    version: str = ""
    private: msgspec.Raw = _ABSENT
    repository: msgspec.Raw = _ABSENT
    id: msgspec.Raw = msgspec.field(default=_ABSENT, name="_id")
    """What npm wrote into what it had fetched, until its seventh release."""
    license: msgspec.Raw = _ABSENT
    """A string today; once an object with a ``type``, or under ``licenses`` a list of them."""
    licenses: msgspec.Raw = _ABSENT


class _Kept(msgspec.Struct, omit_defaults=True):
    name: str = ""
    version: str = ""
    licenses: tuple[str, ...] = ()
    published: bool = False
    """Whether it reads like what a registry handed out: it names its repository or npm's name for it, and is open."""
    open: bool = False
    """Whether it does not call itself private."""


class NodeAnalyzer(Analyzer):
    """Only the manifest at a package's root counts: those deeper inside are test data or hints for bundlers.

    A copy of a published package lies in a directory of its name, or of its name and version, as Node's images have
    Yarn below /opt; an application, with what it needs beside it, is none. What may be either is told, not looked up:
    somebody's application may well be called as something malicious that was once published.
    """

    name, version = "node", 8
    ownable = True
    paths = rf"{NODE_PACKAGE}|{_BOWER}|{_COPIED}"
    linked = NODE_DIRECTORY

    def condense(self, path: str, content: bytes) -> bytes:
        del path
        try:
            manifest = from_json(content.removeprefix(b"\xef\xbb\xbf"), _Manifest)
        except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
            return b""
        is_open = bytes(manifest.private) in _NOTHING
        return msgspec.json.encode(
            _Kept(
                manifest.name[: _BOUND + 1],
                manifest.version[: _BOUND + 1],
                _licenses(manifest),
                is_open and not (bytes(manifest.repository) in _NOTHING and bytes(manifest.id) in _NOTHING),
                is_open,
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
        unclear: list[str] = []
        for path, file, place in manifests:
            if context.owns(path, file, self) or not findings.has_room():
                continue
            if not file.content:
                if place is not _Place.COPIED:
                    findings.say(path, "the manifest of an npm package is no readable JSON")
                continue
            manifest = from_json(file.content, _Kept)
            if place in (_Place.BOWER, _Place.COPIED) and _stands_back(path, place, manifest, files, applications):
                if place is _Place.COPIED and _is_unclear(path, manifest, applications):
                    unclear.append(path)
                continue
            _add(path, file, manifest, context, findings)
        if unclear:
            what = f"{len(unclear)} manifests of npm packages, {unclear[0]} the first of them"
            findings.say(what, "they may be those of copies of published packages, or of applications: not looked up")
        return findings


def _add(path: str, file: File, manifest: _Kept, context: Context, findings: Findings) -> None:
    if not manifest.name and not manifest.version:
        return  # a bundler's hint such as {"type": "module"}, not a package
    if not manifest.name or not manifest.version:
        findings.say(path, "the manifest of an npm package lacks its name or its version")
        return
    if max(len(manifest.name), len(manifest.version)) > _BOUND:
        findings.say(path, "the manifest of an npm package has a name or a version without end")
        return
    scope, _, base = manifest.name.rpartition("/")
    if not is_name(base):
        findings.say(path, f"{manifest.name!r} is no name of an npm package")
        return
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
    behind = next((base.removeprefix(start) for mark in _MARKS if base.startswith(start := f"{name}{mark}")), "")
    if behind == manifest.version:
        return False
    begun = bool(behind) and manifest.version.startswith(f"{behind}.")  # ``jquery-1.9`` has 1.9.1
    return not (base == name or begun) or not manifest.published or f"{directory}/" in applications


def _is_unclear(path: str, manifest: _Kept, applications: set[str]) -> bool:
    """Whether what stands back may be a copy, too; below an application only what is called as its directory may."""
    directory = path.rpartition("/")[0]
    if not manifest.open or not manifest.name or not manifest.version:
        return False
    base, name = directory.rpartition("/")[2], manifest.name.rpartition("/")[2]
    if f"{directory}/" in applications:
        return base == name and manifest.published
    if base.startswith(name):
        return True
    parts = path.split("/")
    return all("/".join((*parts[:end], "")) not in applications for end in range(len(parts)))


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
