"""rpm's packages, wherever a distribution keeps its database and in whichever format, or a list in its place."""

from collections.abc import Callable, Iterator, Sequence

from packageurl import PackageURL

from hullguard.inventory.analyzers import provenance, third_party
from hullguard.inventory.analyzers.analyzer import NO_PACKAGE, Analyzer, Context, File, Files, Findings
from hullguard.inventory.analyzers.provenance import Owner
from hullguard.inventory.analyzers.rpm import bdb, manifest, ndb, sqlite, wal
from hullguard.inventory.analyzers.rpm.condensed import Condensed, dump, load
from hullguard.inventory.analyzers.rpm.header import Record
from hullguard.model.package import Package, PackageType, Unknown

_PLACES = ("var/lib/rpm", "usr/lib/sysimage/rpm", "usr/share/rpm")
_LOG, _JOURNAL = "-wal", "-journal"
_JOURNAL_MAGIC = b"\xd9\xd5\x05\xf9\x20\xa1\x63\xd7"
# The newest format first: one that was converted may have left its predecessor behind.
_FORMATS: dict[str, Callable[[bytes], Condensed]] = {
    "rpmdb.sqlite": sqlite.condense,
    "Packages.db": ndb.condense,
    "Packages": bdb.condense,
}
_BESIDE = (f"rpmdb.sqlite{_LOG}", f"rpmdb.sqlite{_JOURNAL}")
_NAMES = "container-manifest-1"
# The list that says more goes first.
_LISTS: dict[str, Callable[[bytes], Condensed]] = {
    "container-manifest-2": manifest.condense,
    _NAMES: manifest.condense_names,
}
_PLACE_OF_LISTS = "var/lib/rpmmanifest"
_CUT = (
    "a checksum in this log is wrong, so SQLite drops what was written to the package database from there on; "
    "packages may be other ones, or of other versions"
)
_SHORT = (
    "the list has no epochs, vendors and sources of packages: those were judged as if they had no epoch, "
    "by their own names"
)


class RpmAnalyzer(Analyzer):
    """Advisories name source packages; a source's epoch is written nowhere.

    It is taken for the binary's where both have the same version, as nearly all have: a binary with a version of its
    own was given its epoch apart from the source's, too.
    """

    name, version = "rpm", 15
    paths = (
        r"(?:var/lib|usr/lib/sysimage|usr/share)/rpm/(?:rpmdb\.sqlite(?:-wal|-journal)?|Packages(?:\.db)?)"
        rf"|{_PLACE_OF_LISTS}/container-manifest-[12]"
    )
    fixed = (
        *(f"{place}/{name}" for place in _PLACES for name in (*_FORMATS, *_BESIDE)),
        *(f"{_PLACE_OF_LISTS}/{name}" for name in _LISTS),
    )

    def condense(self, path: str, content: bytes) -> bytes:
        name = path.rpartition("/")[2]
        if name.endswith(_LOG):
            return wal.condense(content)
        if name.endswith(_JOURNAL):
            return content[:8] if content.startswith(_JOURNAL_MAGIC) else b""
        reader = _FORMATS.get(name) or _LISTS.get(name)
        return dump(reader(content)) if reader is not None else b""

    def variant(self, path: str) -> str:
        return path.rpartition("/")[2]

    def analyze(self, files: Files, context: Context) -> Findings:
        findings, context = Findings(room=context.room), context.managed(PackageType.RPM)
        seen, without = set[str](), list[str]()
        for place, path, file in _databases(files):
            if place in seen or (seen and place == _PLACE_OF_LISTS):
                self._beside(path, file, findings)
            elif not self._read(path, file, files, context, findings):
                without.append(path)
            else:
                seen.add(place)
                if path.endswith(_NAMES):
                    findings.say(path, _SHORT)
        # What was converted to another format or place may be left behind empty.
        findings.unknowns += [Unknown(path, NO_PACKAGE) for path in without if not findings.packages]
        return findings

    @staticmethod
    def _beside(path: str, file: File, findings: Findings) -> None:
        """A database that does not count; what was converted may be left behind, with packages that are known."""
        known = {(package.name, package.version, package.arch) for package in findings.packages}
        if path.endswith(_NAMES):
            known = {(name, version.rpartition(":")[2], arch) for name, version, arch in known}
        others = [record for record in load(file.content).records if record.name != manifest.KEY]
        new = [r for r in others if (r.name, _with_epoch(r, f"{r.version}-{r.release}"), r.arch) not in known]
        if new:
            why = f"a second database of packages, {len(new)} of which the one beside it lacks; it was not read"
            findings.say(path, why, incomplete=True)

    def _read(self, path: str, file: File, files: Files, context: Context, findings: Findings) -> bool:
        """Reads one database; tells whether it holds a package, so that no older one beside it counts."""
        log = files.file(path + _LOG)
        found = load(file.content)
        if log is not None and log.content and found.empty:
            why = "its database is empty, so SQLite would drop this log with all that is in it; it was not read"
            findings.say(path + _LOG, why, incomplete=True)
        elif log is not None:
            found = wal.apply(found, wal.pages_of(log.content))
            if wal.is_cut(log.content):
                findings.say(path + _LOG, _CUT, incomplete=True)
        journal = files.file(path + _JOURNAL)
        if journal is not None and journal.content:
            why = "a write to the package database broke off; its journal, which would take it back, was not applied"
            findings.say(path + _JOURNAL, why, incomplete=True)
        for why in found.problems:
            findings.say(path, f"the package database is damaged: {why}", incomplete=True)
        _say_what_is_not_whole(path, found.records, findings)
        owners, others = list[Owner](), list[str]()
        origins, newest = _origins(file), max(file.layer, log.layer if log is not None else 0)
        for record in found.records:
            if record.name != manifest.KEY and findings.has_room():
                layer = origins.get(_identity(record), newest)
                findings.packages.append(_package(record, path, layer, context))
                made = provenance.vended(context.distribution, record.vendor, record.release)
                if third_party.sold(context.distribution, record.vendor):
                    others.append(record.name)
                listed = dict(zip(record.owned, record.sums, strict=True))
                owners.append(Owner(record.name, made, layer).with_files(files, listed))
        if (
            path.startswith(f"{_PLACE_OF_LISTS}/")
            and context.distribution is not None
            and context.distribution.ecosystem
        ):
            findings.unlisted |= {owner.name for owner in owners if owner.own}
        provenance.take(findings, context.distribution, owners, fhs=False)
        third_party.tell(findings, context.distribution, others)
        return any(record.name != manifest.KEY for record in found.records)


def _say_what_is_not_whole(path: str, records: Sequence[Record], findings: Findings) -> None:
    if changed := [record.name for record in records if not record.whole]:
        why = (
            f"{len(changed)} packages are not what their digests say, {changed[0]} the first of them: they were "
            "taken for what their headers name, which may be another version or source"
        )
        findings.say(path, f"the package database is damaged: {why}", incomplete=True)


def _databases(files: Files) -> Iterator[tuple[str, str, File]]:
    """Those that are there with their places, the lists last; of names that lead to one file the first counts."""
    places = {files.real(f"{place}/{name}"): f"{place}/{name}" for place in _PLACES[::-1] for name in _FORMATS}
    for place in _PLACES:
        for name in _FORMATS:
            path = f"{place}/{name}"
            if (file := files.file(path)) is not None and places[files.real(path)] == path:
                yield place, path, file
    for name in _LISTS:
        path = f"{_PLACE_OF_LISTS}/{name}"
        if (file := files.file(path)) is not None:
            yield _PLACE_OF_LISTS, path, file


def _package(record: Record, path: str, layer: int, context: Context) -> Package:
    distribution = context.distribution
    release = f"{record.version}-{record.release}"
    qualifiers = {"arch": record.arch or "", "epoch": str(record.epoch or ""), "upstream": record.source or ""}
    qualifiers["rpmmod"] = record.module or ""
    if distribution is not None:
        qualifiers["distro"] = distribution.qualifier
    namespace = distribution.id if distribution else None
    source, version = _source(record)
    return Package(
        purl=PackageURL("rpm", namespace, record.name, release, qualifiers).to_string(),
        type=PackageType.RPM,
        name=record.name,
        version=_with_epoch(record, release),
        ecosystem=distribution.ecosystem if distribution else "",
        source_name=source,
        source_version=version,
        arch=record.arch,
        layer=context.layers[layer],
        locations=(path,),
        licenses=(record.license,) if record.license else (),
        # name:stream:version:context:arch; advisories speak of name and stream.
        module=":".join(record.module.split(":")[:2]) if record.module else None,
    )


def _source(record: Record) -> tuple[str, str]:
    """The source package's name and version, from the name of its file."""
    stem = (record.source or "").removesuffix(".rpm").removesuffix(".src").removesuffix(".nosrc")
    parts = stem.rsplit("-", 2)
    if len(parts) != 3 or not all(parts):
        return record.name, _with_epoch(record, f"{record.version}-{record.release}")
    name, version, release = parts
    same = version == record.version
    return name, _with_epoch(record, f"{version}-{release}") if same else f"{version}-{release}"


def _with_epoch(record: Record, version: str) -> str:
    return f"{record.epoch}:{version}" if record.epoch else version


def _identity(record: Record) -> tuple[object, ...]:
    return record.name, record.epoch, record.version, record.release, record.arch


def _origins(file: File) -> dict[tuple[object, ...], int]:
    """For each package the layer from which on it was there at its version without a gap."""
    origins: dict[tuple[object, ...], int] = {}
    for older in file.history():
        present = {_identity(record) for record in load(older.content).records}
        origins = {identity: origins.get(identity, older.layer) for identity in present}
    return origins
