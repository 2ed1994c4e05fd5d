"""How new a database's newest advisory is, which the day of an import does not say: old files can be imported today."""

import sqlite3
from datetime import date, timedelta

from hullguard.advisories.stored import single

# A day that is none, or is still to come, is a mistake of its record, and would make the others look new.
_NEWEST = """
SELECT COALESCE(MAX(substr(modified, 1, 10)), '') FROM record
WHERE modified < ? AND date(substr(modified, 1, 10), '+0 days') = substr(modified, 1, 10)
"""


def newest(connection: sqlite3.Connection, today: date) -> str:
    """The last day on which a record was changed, as ISO 8601 has it; empty where no record says."""
    tomorrow = (today + timedelta(days=1)).isoformat()
    return str(single(connection.execute(_NEWEST, (tomorrow,)), str)[0])
