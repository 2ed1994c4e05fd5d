"""Debian's and Ubuntu's packages: dpkg's status file, and one file per package in distroless images (status.d)."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import islice

from hullguard.inventory import bounds
from hullguard.inventory.analyzers import provenance, third_party
from hullguard.inventory.analyzers.analyzer import NO_PACKAGE, Analyzer, Context, Files, Findings, os_purl, text
from hullguard.inventory.analyzers.control import (
    ENTRY_END,
    LINE_END,
    Entry,
    condensed,
    entries,
    identified,
    origins,
    pattern,
)
from hullguard.inventory.analyzers.copyright.analyzer import with_licenses
from hullguard.inventory.analyzers.ownable import JAVA_ARCHIVE, listed, ownable, ownables
from hullguard.inventory.analyzers.provenance import Owner
from hullguard.inventory.fingerprint import MD5, UNKNOWN, checksum_of_hex
from hullguard.model.package import Package, PackageType

_ROOT = "var/lib/dpkg"
_STATUS = f"{_ROOT}/status"
_STATUS_D = f"{_ROOT}/status.d"
_INFO = f"{_ROOT}/info"
_UPDATES = f"{_ROOT}/updates"
_DIVERSIONS = f"{_ROOT}/diversions"
_FIELDS = pattern(("Package", "Status", "Version", "Source", "Architecture", "Maintainer", "Origin", "Vendor"))
# Most files of a distribution, none of which names a package or is a program.
_NEVER = rb"(?!usr/share/(?:(?:man|locale|zoneinfo|i18n|icons)/|doc/[^/\n]*/(?:copyright|changelog\b[^/\n]*)$))"
# A file a line, in md5sums behind its digest.
_LISTED = (
    re.compile(rb"^(?:(\S*+)  )?+/*+" + _NEVER + rb"([^\n]+)", re.MULTILINE),
    re.compile(rb"^()/*+" + _NEVER + rb"([^\n]+)", re.MULTILINE),
)
_DIVERTED = re.compile(rb"^/*+([^\n]++)\n/*+([^\n]++)\n([^\n]++)(?:\n|\Z)", re.MULTILINE)
_NUMBER = re.compile(r"[0-9]+")
"""What dpkg calls its updates; files of other names may be wanted by other analyzers."""
_SUMS = ".md5sums"
# No package has a name that ends so, and other analyzers want such files wherever they lie.
_CONTROL = rf"(?!(?:[^/]*\.(?:egg-info|json|txt|toml|lock|ya?ml|xml|gemspec)|{JAVA_ARCHIVE})\Z)[^/]+"
_IS_CONTROL = re.compile(_CONTROL, re.DOTALL).fullmatch
"""What may be a package's own file in a distroless image, or its checksums."""
_CONFIGURATION = "etc/"
"""Where those files lie of which dpkg keeps no checksum, because somebody may well have changed them."""
_SOURCE = re.compile(r"(\S+)(?:\s+\(([^)]+)\))?")


class DpkgAnalyzer(Analyzer):
    """A package is there when the third word of its Status says so, whatever is wanted of it (dpkg(1)).

    ``deinstall ok installed`` and ``install ok triggers-pending`` are there; ``deinstall ok config-files`` is not.
    """

    name, version = "dpkg", 15
    paths = rf"var/lib/dpkg/(?:status|status\.d/{_CONTROL}|updates/[0-9]+|info/[^/]+\.(?:list|md5sums)|diversions)"
    fixed = (_STATUS, _STATUS_D, _INFO, _UPDATES, _DIVERSIONS)

    def condense(self, path: str, content: bytes) -> bytes:
        if path.endswith((".list", _SUMS)):
            return ownables((line[1] or b"", line[2]) for line in _LISTED[path.endswith(".list")].finditer(content))
        if path == _DIVERSIONS:
            found = islice(_DIVERTED.finditer(content), bounds.LISTED_FILES)
            return b"".join(each[0] for each in found if ownable(text(each[1])) or ownable(text(each[2])))
        # For dpkg that mark of DOS ends lines and paragraphs as a line's end does (lib/dpkg/parse.c).
        ending = ENTRY_END if path == _STATUS else LINE_END if path.startswith(f"{_UPDATES}/") else b""
        return condensed(content.replace(b"\x1a", b"\n"), _FIELDS, ending)

    def variant(self, path: str) -> str:
        if path == _DIVERSIONS:
            return "diversions"
        return next((suffix for suffix in (".list", _SUMS) if path.endswith(suffix)), "")

    def analyze(self, files: Files, context: Context) -> Findings:
        findings, context = Findings(room=context.room), context.managed(PackageType.DEB)
        own: dict[str, Owner] = {}
        called: dict[str, str] = {}
        for name, file in files.children(_STATUS_D):
            if _IS_CONTROL(name) and not name.endswith(_SUMS):
                place, found = f"{_STATUS_D}/{name}", list(entries(file.content))
                for entry in found:
                    self._add(entry, file.origin, place, context, findings, own)
                    called.setdefault(name, (entry.get("package") or name).lower())
                if not found:
                    findings.say(place, "it names no package")
        named, status = set(called.values()), files.file(_STATUS)
        if status is not None:
            layers = origins(status)
            known = {entry.key: (entry, layers.get(entry.identity, status.layer)) for entry in entries(status.content)}
            # What dpkg wrote down before it could write all of the status anew counts instead (lib/dpkg/dbmodify.c).
            updates = [(int(name), update) for name, update in files.children(_UPDATES) if _NUMBER.fullmatch(name)]
            for _, update in sorted(updates, key=lambda numbered: numbered[0]):
                known |= {entry.key: (entry, update.origin) for entry in entries(update.content)}
            for entry, layer in known.values():
                named.add((entry.get("package") or "").lower())
                self._add(entry, layer, _STATUS, context, findings, own)
            if not findings.packages and not findings.unknowns:
                findings.say(_STATUS, NO_PACKAGE)
        self._lost(files, named, findings)
        with_licenses(findings, files, context)
        provenance.take(findings, context.distribution, self._owners(files, own, called, findings), fhs=True)
        if context.distribution is not None and context.distribution.ecosystem:
            listed_ones = {name for name, _ in findings.listed}
            findings.unlisted = {name for name, owner in own.items() if owner.own and name not in listed_ones}
        third_party.tell(findings, context.distribution, (one.name for one in own.values() if one.other))
        return findings

    @staticmethod
    def _add(  # noqa: PLR0917 - all of it is needed of every entry
        entry: Entry, layer: int, location: str, context: Context, findings: Findings, own: dict[str, Owner]
    ) -> None:
        if (found := identified(entry, location, findings)) is None:
            return
        name, version = found[0].lower(), found[1]  # dpkg takes names in any case (lib/dpkg/pkg-hash.c)
        source = _SOURCE.match(entry.get("source") or "")
        distribution, arch = context.distribution, entry.get("architecture")
        made = provenance.maintained(distribution, entry.get("maintainer"), version)
        # Of several architectures one that somebody else built is enough to look.
        owner = own.setdefault(name, Owner(name, True, layer))
        owner.own = owner.own and made and provenance.from_origin(distribution, entry.get("origin"))
        sellers = (entry.get("origin"), entry.get("vendor"))
        owner.other = owner.other or third_party.packed(distribution, version, entry.get("maintainer"), sellers)
        owner.layer = max(owner.layer, layer)
        findings.packages.append(
            Package(
                purl=os_purl("deb", context, name, version, arch),
                type=PackageType.DEB,
                name=name,
                version=version,
                ecosystem=distribution.ecosystem if distribution else "",
                source_name=source.group(1).lower() if source else name,
                source_version=(source.group(2) if source else None) or version,
                arch=arch,
                layer=context.layers[layer],
                locations=(location,),
            )
        )

    @staticmethod
    def _lost(files: Files, named: Collection[str], findings: Findings) -> None:
        """Packages that only their lists of files tell of: dpkg names in its status all that have one."""
        lists = (name.removesuffix(".list") for name, _ in files.children(_INFO) if name.endswith(".list"))
        lost = sorted({package for name in lists if (package := name.split(":")[0].lower()) not in named})
        if lost:
            why = f"it names no package for {len(lost)} of the lists of files in {_INFO}, {lost[0]} the first of them"
            findings.say(_STATUS, why, incomplete=True)

    @staticmethod
    def _owners(
        files: Files, own: Mapping[str, Owner], called: Mapping[str, str], findings: Findings
    ) -> Iterator[Owner]:
        """``called`` says which package a file of status.d is of: its name may be a part of the package's only."""
        diverted = _diverted(files)
        for directory, suffix in ((_INFO, ".list"), (_STATUS_D, _SUMS)):
            for name, file in files.children(directory):
                stem = name.removesuffix(suffix)
                package = stem.split(":")[0].lower()
                if directory == _STATUS_D:
                    package = called.get(stem, package)
                if not name.endswith(suffix) or package not in own:
                    continue
                digests: dict[str, str | None] = dict(listed(file.content, f"{directory}/{name}", findings))
                if suffix != _SUMS:
                    digests = _with_digests(digests, f"{directory}/{stem}{_SUMS}", files, findings)
                names = {_place(path, package, diverted): _checksum(path, d) for path, d in digests.items()}
                yield own[package].with_files(files, names)


def _with_digests(names: Iterable[str], place: str, files: Files, findings: Findings) -> dict[str, str | None]:
    """The files of a list with what the package's file of checksums says, None of those that it leaves out."""
    file = files.file(place)
    if file is None:
        return dict.fromkeys(names, "")
    digests = dict(listed(file.content, place, findings))
    return {path: digests.get(path) for path in names}


def _checksum(path: str, digest: str | None) -> str | None:
    """None for what is in a package's list and not among its checksums: a link, or nothing that it brought."""
    if digest is None:
        return UNKNOWN if path.startswith(_CONFIGURATION) else None
    return checksum_of_hex(MD5, digest)


def _diverted(files: Files) -> dict[str, tuple[str, str]]:
    """By path where other packages' files of that name lie, and the package whose own stays (dpkg-divert(1))."""
    file = files.file(_DIVERSIONS)
    found = _DIVERTED.findall(file.content) if file is not None else []
    return {text(path): (text(other), text(package).lower()) for path, other, package in found}


def _place(path: str, package: str, diverted: Mapping[str, tuple[str, str]]) -> str:
    other, stays = diverted.get(path, (path, package))
    return path if stays == package else other
