"""How bad something is, in the six words that every list, report and colour uses."""

import enum


class Severity(enum.StrEnum):
    """Ordered by ``rank``: critical is 5, unknown is 0."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    NEGLIGIBLE = "negligible"
    UNKNOWN = "unknown"

    @property
    def rank(self) -> int:
        """5 for critical down to 0 for unknown; what SQL stores and sorts by."""
        return _RANKS[self]

    @classmethod
    def from_rank(cls, rank: int) -> "Severity":
        """The inverse of ``rank``."""
        return _BY_RANK[rank]


_RANKS = {severity: 5 - position for position, severity in enumerate(Severity)}
_BY_RANK = {rank: severity for severity, rank in _RANKS.items()}
