"""Imports a signed bundle: everything is verified before anything is believed."""

import io
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import zstandard

from hullguard.advisories.building import Building
from hullguard.advisories.bundle.manifest import Bundle, Member
from hullguard.advisories.feeds.feed import Account, CutOff
from hullguard.advisories.importer import load_stream
from hullguard.advisories.writer import Writer
from hullguard.model.errors import Invalid

Progress = Callable[[str, int], None]
_WINDOW = 1 << 27
"""What a member may ask its decoder to remember."""
_WHOLE = frozenset({"kev", "epss", "severity"})


def import_bundles(paths: Sequence[Path], database: Path, trusted: Path, progress: Progress | None = None) -> Account:
    """Adds the bundles' records to the database; the one on disk changes in one step, at the end, or not at all."""
    account = Account()
    with (
        Building(database) as building,
        tempfile.TemporaryDirectory(prefix=f".{database.name}.bundle.", dir=database.parent) as work,
    ):
        for number, path in enumerate(paths):
            with Bundle(path, trusted) as bundle:
                for place, name in enumerate(bundle.manifest.files):
                    bundle.unpack(name, Path(work) / f"{number}.{place}")
            members = list(bundle.manifest.files.values())
            for place, member in enumerate(members):
                packed = Path(work) / f"{number}.{place}"
                _load(f"{path.name}, {member.source}", packed, member, building.writer(), account)
                packed.unlink()
                if progress is not None:
                    progress(path.name, member.size)
        building.commit(building.writer())
    return account


def _load(where: str, packed: Path, member: Member, writer: Writer, account: Account) -> None:
    key, updated = f"updated:{member.source}", member.updated.isoformat(timespec="seconds")
    if (stored := writer.noted(key)) is not None and stored > updated:
        if member.source in _WHOLE:
            account.older += member.count
            return
        updated = stored
    with packed.open("rb") as raw:
        reader = zstandard.ZstdDecompressor(max_window_size=_WINDOW).stream_reader(raw, read_across_frames=False)
        unused = account.unused
        try:
            load_stream(where, io.BufferedReader(_Member(reader), 1 << 20), writer, account)
        except (zstandard.ZstdError, CutOff) as cause:
            raise Invalid(f"{where} is damaged or cut off: {cause}", "advisories.damaged") from cause
        if account.unused > unused:
            return  # what is stored is as old as it was
    writer.note(key, updated)


class _Member(io.RawIOBase):
    """A decoder as a stream of Python's own."""

    def __init__(self, reader: zstandard.ZstdDecompressionReader) -> None:
        super().__init__()
        self._reader = reader

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        return self._reader.readinto(buffer)
