"""Updates the database: asks for what has changed, takes few records singly and many as a whole, and commits once."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from msgspec import Struct, structs

from hullguard.advisories.addresses import EPSS, KEV, OSV
from hullguard.advisories.building import Building
from hullguard.advisories.feeds.feed import Account
from hullguard.advisories.leftovers import hold
from hullguard.advisories.update.fetch import Failed, Fetcher, Progress
from hullguard.advisories.update.mirror import Mirror, listed, require_name, require_url
from hullguard.advisories.update.source import EcosystemSource, Kept, Source, Update, WholeSource
from hullguard.model.errors import Invalid

Begun = Callable[[str, int, int], None]
"""Told the name of a source, which one it is, and of how many."""

_LIST_BYTES = 1 << 20
_NOTED_AGAIN = timedelta(days=1)
"""A database that needs no change is left alone, and so are its readers; once a day it notes that it was looked at."""


class Wanted(Struct, frozen=True):
    """What to fetch, and from where."""

    mirror: str = OSV
    kev: str = KEV
    """Nothing leaves it out."""
    epss: str = EPSS
    ecosystems: tuple[str, ...] = ()
    """None means all that the mirror lists and whose versions can be compared."""
    full: bool = False


class Outcome(Struct, frozen=True):
    """What became of the sources, and whether the file was replaced."""

    updates: tuple[Update, ...]
    account: Account
    replaced: bool

    @property
    def failed(self) -> tuple[Update, ...]:
        return tuple(update for update in self.updates if update.why)


def update(
    database: Path,
    wanted: Wanted,
    progress: Progress | None = None,
    fetcher: Fetcher | None = None,
    *,
    begun: Begun | None = None,
) -> Outcome:
    """Brings the database up to date; a source that fails is named in the outcome, and the others are updated.

    ``begun`` is told of each source before it is asked, and of one more at the end, when the database is written.
    """
    fetcher = fetcher or Fetcher(progress)
    mirror = Mirror(wanted.mirror)
    for url in (wanted.kev, wanted.epss):
        if url:
            require_url(url)
    chosen = [require_name(name) for name in wanted.ecosystems]
    account = Account()
    with Building(database) as building, _staging(database) as staging:
        kept = _kept(database, full=wanted.full)
        sources, failed = _sources(mirror, wanted, chosen, fetcher, staging)
        updates = [*failed, *_run(_told(sources, begun), kept, building, account)]
        replaced = _finish(building, kept, updates)
    return Outcome(tuple(updates), account, replaced)


def _told(sources: Sequence[Source], begun: Begun | None) -> Iterator[Source]:
    for number, source in enumerate(sources, 1):
        if begun is not None:
            begun(source.name, number, len(sources))
        yield source
    if begun is not None:
        begun("", len(sources) + 1, len(sources))


def _run(sources: Iterator[Source], kept: Kept, building: Building, account: Account) -> Iterator[Update]:
    for source in sources:
        before, named = account.refused, len(account.refusals)
        try:
            update = source.update(kept, building.writer, account)
        except Failed as cause:
            update = Update(source.name, why=str(cause))
        refused, refusals = account.refused - before, tuple(account.refusals[named:])
        yield structs.replace(update, refused=refused, refusals=refusals)


def _finish(building: Building, kept: Kept, updates: Sequence[Update]) -> bool:
    """Commits if anything is new; nothing is written when every source failed or said "the same still"."""
    good = [update for update in updates if not update.why]
    now = datetime.now(UTC)
    stale = kept.checked is None or now - kept.checked > _NOTED_AGAIN
    if not good or not (building.begun or stale or any(update.notes for update in good)):
        return False
    writer = building.writer()
    for update in good:
        writer.note(f"updated:{update.name}", now.isoformat(timespec="seconds"))
        for key, value in update.notes.items():
            writer.note(key, value)
    building.commit(writer)
    return True


def _sources(
    mirror: Mirror, wanted: Wanted, chosen: Sequence[str], fetcher: Fetcher, staging: Path
) -> tuple[list[Source], list[Update]]:
    failed: list[Update] = []
    names = list(dict.fromkeys(chosen))
    if not names:
        try:
            fetcher.get(mirror.ecosystems, staging / "ecosystems", _LIST_BYTES)
        except Failed as cause:
            failed.append(Update("ecosystems", why=str(cause)))
        else:
            names = listed((staging / "ecosystems").read_bytes())
            if not names:
                failed.append(Update("ecosystems", why=f"{mirror.ecosystems}: names none that Hullguard knows"))
    sources: list[Source] = [EcosystemSource(name, mirror, fetcher, staging) for name in names]
    for name, url in (("kev", wanted.kev), ("epss", wanted.epss)):
        if url:
            sources.append(WholeSource(name, url, fetcher, staging))
    if not sources and not failed:
        raise Invalid("nothing is asked for")
    return sources, failed


def _kept(database: Path, *, full: bool) -> Kept:
    """What the last update noted. A database that cannot be read is said before anything is fetched for it."""
    if not database.is_file():
        return Kept({}, None)
    from hullguard.advisories.database import Advisories

    advisories = Advisories.open(database)
    try:
        return Kept({}, None) if full else Kept(advisories.notes(), advisories.modified)
    finally:
        advisories.close()


@contextmanager
def _staging(database: Path) -> Iterator[Path]:
    """A directory beside the database, where there is room for what the database will hold."""
    directory = Path(tempfile.mkdtemp(prefix=f".{database.name}.update.", dir=database.parent))
    held = hold(directory)
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)
        os.close(held)
