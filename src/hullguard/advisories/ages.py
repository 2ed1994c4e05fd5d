"""How old the advisories of one ecosystem are: a database may have fresh ones of one beside old ones of another."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Final

from hullguard.advisories.coverage import family_of, newest_of

OLD: Final = timedelta(days=7)
"""After which a source counts as old that was up to date once: an update has missed it."""
_BEHIND: Final = timedelta(days=90)
"""How far the newest advisory of an ecosystem may lie behind the newest of all: small ones publish seldom."""


class Ages:
    """Answers from what a database notes of itself."""

    def __init__(self, meta: Mapping[str, str], updated: Mapping[str, datetime], newest: date | None) -> None:
        """``updated``: when each source was last up to date, as far as anybody knows; ``newest`` of all records."""
        self._updated, self._newest = updated, newest
        self.newest = {family: day for family, said in (newest_of(meta) or {}).items() if (day := _day(said))}
        """By family; empty where the database does not say."""

    @property
    def behind(self) -> list[str]:
        """The families that nobody has brought up to date and whose advisories end long before the newest of all."""
        if self._newest is None:
            return []
        bound = self._newest - _BEHIND
        return sorted(family for family, day in self.newest.items() if family not in self._updated and day < bound)

    def doubt(self, ecosystem: str, today: date) -> str | None:
        """What must be said of packages that are judged by an ecosystem's advisories; None where they are fresh."""
        family = family_of(ecosystem)
        if (at := self._updated.get(family)) is not None:
            if today - at.date() <= OLD:
                return None
            return f"were last known to be up to date on {at.date()}; what was published since then may be missing"
        if family not in self.behind:
            return None
        return (
            f"the newest of them is of {self.newest[family]}, and that of the database of {self._newest}; what was "
            "published in between may be missing"
        )


def _day(said: str) -> date | None:
    try:
        return date.fromisoformat(said)
    except ValueError:
        return None
