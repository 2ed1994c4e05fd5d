"""The advisory database file, which an import may replace at any moment."""

from pathlib import Path

from hullguard.advisories.database import Advisories
from hullguard.imagescan.scan import Scanner
from hullguard.model.inventory import Inventory
from hullguard.model.report import ScanReport


class AdvisoryFile:
    """Matches with the file as it is now. Not for several threads at once: the database belongs to its thread.

    An import builds a new file beside the old one and renames it, so device, inode and time of change name the content.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._opened: Advisories | None = None
        self._identity: str | None = None

    def identity(self) -> str | None:
        """Names the present content; None while there is no file."""
        try:
            status = self._path.stat()
        except OSError:
            return None
        return f"{status.st_dev}:{status.st_ino}:{status.st_mtime_ns}"

    def report(self, inventory: Inventory) -> ScanReport:
        """What is wrong with it; without a database, its packages and the word that nobody knows what is wrong."""
        return Scanner(self._current()).report(inventory)

    def _current(self) -> Advisories | None:
        identity = self.identity()
        if identity != self._identity:
            if self._opened is not None:
                self._opened.close()
            self._opened, self._identity = None, None
            if identity is not None:
                self._opened = Advisories.open(self._path)
            self._identity = identity
        return self._opened
