"""The advisory database file, which an import may replace at any moment."""

from collections.abc import Callable, Mapping
from pathlib import Path

import structlog
from msgspec import Struct

from hullguard.advisories.changes import EVERYTHING, Build, Change
from hullguard.advisories.database import Advisories, DatabaseStatus
from hullguard.imagescan.scan import Scanner
from hullguard.imagescan.unread import unread_things
from hullguard.model.advisory_update import AdvisoryDatabase, AdvisorySource
from hullguard.model.errors import HullguardError
from hullguard.model.inventory import Inventory
from hullguard.model.report import AdvisoryState, ScanReport
from hullguard.worker.subjects import inventory_subjects

_ENRICHING = frozenset({"kev", "epss", "severity"})
"""What says more about findings, and finds none itself; it comes last."""

_log = structlog.get_logger()


class Opinion(Struct, frozen=True):
    """What is wrong with an image, and by which build of the advisories; none when there are none."""

    report: ScanReport
    build: Build | None
    subjects: frozenset[int]
    unread: int
    """As in ``ImageSummary``."""


class News(Struct, frozen=True):
    """Of what a build says something else than an earlier one."""

    build: Build
    state: AdvisoryState
    changes: frozenset[Change]


class AdvisoryFile:
    """Matches with the file as it is now. Not for several threads at once: the database belongs to its thread.

    An import builds a new file beside the old one and renames it, so device, inode and time of change name the content.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._opened: Advisories | None = None
        self._identity: str | None = None

    @property
    def path(self) -> Path:
        """Where the file is, or will be."""
        return self._path

    def identity(self) -> str | None:
        """Names the present content; None while there is no file."""
        try:
            status = self._path.stat()
        except OSError:
            return None
        return f"{status.st_dev}:{status.st_ino}:{status.st_mtime_ns}"

    def opinions(
        self, inventories: Mapping[str, Inventory], suppress: Callable[[str, ScanReport], ScanReport]
    ) -> dict[str, Opinion]:
        """What is wrong with each; without a database, its packages and the word that nobody knows what is wrong.

        ``suppress`` takes out of an image's report what does not count. One that nobody could judge is left out and
        named in the log. Raises when the database cannot be read.
        """
        advisories = self._current()
        build = None if advisories is None else advisories.build
        scanner = Scanner(advisories)
        found: dict[str, Opinion] = {}
        for image, inventory in inventories.items():
            try:
                report = suppress(image, scanner.report(inventory))
                found[image] = Opinion(report, build, inventory_subjects(inventory), unread_things(report))
            except HullguardError:
                raise
            except Exception as error:  # noqa: BLE001 - one odd inventory must not stop the others
                _log.warning("an image cannot be matched", image=image, exc_info=error)
        return found

    def news(self, since: Build | None) -> News | None:
        """Of what the present database says something else than that build; None while there is no file."""
        advisories = self._current()
        if advisories is None:
            return None
        build = advisories.build
        known = since is not None and build.follows(since)
        changes = advisories.changes(since.generation) if since is not None and known else {EVERYTHING}
        return News(build, advisories.state, frozenset(changes))

    def known(self) -> AdvisoryDatabase | None:
        """What the present database holds, source by source; None while there is no file."""
        advisories = self._current()
        return None if advisories is None else _known(advisories.status(), advisories.build)

    def _current(self) -> Advisories | None:
        identity = self.identity()
        if identity != self._identity:
            earlier, self._opened, self._identity = self._opened, None, None
            try:
                if identity is not None:
                    self._opened = Advisories.open(self._path)
                    if earlier is not None:
                        self._opened.inherit(earlier)
            finally:
                if earlier is not None:
                    earlier.close()
            self._identity = identity
        return self._opened


def _known(status: DatabaseStatus, build: Build) -> AdvisoryDatabase:
    counts: dict[str, int] = dict.fromkeys(status.updated, 0)
    releases: dict[str, int] = {}
    for ecosystem, records in status.records.items():
        family, _, release = ecosystem.partition(":")
        counts[family] = counts.get(family, 0) + records
        releases[family] = releases.get(family, 0) + bool(release)
    counts |= {
        name: count
        for name, count in (("kev", status.kev), ("epss", status.epss), ("severity", status.ratings))
        if count or name in counts
    }
    return AdvisoryDatabase(
        status.built,
        status.newest,
        build.generation,
        status.size,
        tuple(
            AdvisorySource(name, count, releases.get(name, 0), status.updated.get(name), status.confirmed.get(name))
            for name, count in sorted(counts.items(), key=lambda each: (each[0] in _ENRICHING, each[0].lower()))
        ),
    )
