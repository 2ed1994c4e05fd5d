"""What a report format is."""

import abc
from datetime import UTC, datetime
from typing import ClassVar

from msgspec import Struct, field

from hullguard.model.report import ScanReport


class Page(Struct, frozen=True):
    """What a report is written on; what matters to people alone, formats for programs leave."""

    width: int = 120
    colour: bool = False
    hidden: int = 0
    """Findings that the filters left out: a short list must not look like an all-clear."""
    at: datetime = field(default_factory=lambda: datetime.now(UTC))
    """When the report is written; documents that must carry their date carry this one."""
    suppressed: bool = False
    """Whether people want to see what does not count."""


class Format(abc.ABC):
    """Base of every format; ``name`` is what ``-f`` takes."""

    name: ClassVar[str]
    suffix: ClassVar[str]
    """Of a file that holds such a report."""
    media: ClassVar[str]
    """Its media type, as servers name it."""
    lists_licenses: ClassVar[bool] = False
    """Whether it is for what is inside, licences included, so that they are read whether or not they are asked for."""

    @abc.abstractmethod
    def render(self, report: ScanReport, page: Page) -> bytes:
        """The whole report, ready to be written."""
