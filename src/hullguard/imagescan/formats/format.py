"""What a report format is."""

import abc
from typing import ClassVar

from msgspec import Struct

from hullguard.model.report import ScanReport


class Page(Struct, frozen=True):
    """What a report is written on; only formats for people care."""

    width: int = 120
    colour: bool = False
    hidden: int = 0
    """Findings that the filters left out: a short list must not look like an all-clear."""


class Format(abc.ABC):
    """Base of every format; ``name`` is what ``-f`` takes."""

    name: ClassVar[str]

    @abc.abstractmethod
    def render(self, report: ScanReport, page: Page) -> bytes:
        """The whole report, ready to be written."""
