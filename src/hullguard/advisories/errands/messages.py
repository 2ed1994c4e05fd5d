"""What the two processes of an errand say to each other: one JSON document a line, the errand first."""

from pathlib import Path

from msgspec import Struct

from hullguard.advisories.addresses import EPSS, KEV, OSV
from hullguard.model.advisory_update import AdvisoryProgress, AdvisorySettings, ChosenSettings, SourceReport

DEFAULTS = AdvisorySettings(enabled=True, every_hours=24, mirror=OSV, kev=KEV, epss=EPSS)
"""Until somebody decides otherwise."""


def in_force(chosen: ChosenSettings | None) -> ChosenSettings:
    """What was decided on, or what an installation begins with."""
    return chosen or ChosenSettings(DEFAULTS)


def incoming(database: Path) -> Path:
    """The directory in which uploaded files wait to be imported into the database."""
    return database.with_name("incoming")


class Fetch(Struct, frozen=True, tag="fetch", tag_field="errand"):
    """Bring the database up to date as the settings say."""

    database: str
    settings: AdvisorySettings


class Load(Struct, frozen=True, tag="load", tag_field="errand"):
    """Import a file that somebody called ``name``; a bundle only if one of the keys signed it."""

    database: str
    file: str
    name: str
    keys: tuple[str, ...]


class Look(Struct, frozen=True, tag="look", tag_field="errand"):
    """Say whether the file can be imported at all, without importing it."""

    file: str
    name: str
    keys: tuple[str, ...]


class Ended(Struct, frozen=True, tag="ended", tag_field="said"):
    """The one outcome."""

    fault: str | None = None
    """Why nothing came of it."""
    code: str | None = None
    replaced: bool = False
    imported: int = 0
    withdrawn: int = 0
    older: int = 0
    refused: int = 0
    same: int = 0
    sources: tuple[SourceReport, ...] = ()


class Underway(Struct, frozen=True, tag="underway", tag_field="said"):
    """How far it is."""

    progress: AdvisoryProgress


Errand = Fetch | Load | Look
Said = Ended | Underway
