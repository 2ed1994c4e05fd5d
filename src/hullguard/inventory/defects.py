"""Mistakes of our own in one plug-in: what it could not do is told, and the rest of the report stands."""

import os
import traceback
from pathlib import Path

from hullguard.inventory.analyzers.analyzer import Analyzer, Context, Files, Findings
from hullguard.model.errors import HullguardError
from hullguard.model.package import Unknown


def defect(error: Exception) -> str:
    """The sentence for an error that nobody expected: its kind and place, as its text might hold a secret.

    Raises it again where it was raised on purpose, where the machine has no room left, and where ``HULLGUARD_DEBUG``
    asks for the whole story.
    """
    if isinstance(error, HullguardError | OSError | MemoryError) or os.environ.get("HULLGUARD_DEBUG"):
        raise error
    kind = type(error).__name__
    return f"internal error: {kind} in {_place(error)} (this is a bug; set HULLGUARD_DEBUG=1 to see more)"


def _place(error: Exception) -> str:
    place = ""
    for frame, line in traceback.walk_tb(error.__traceback__):
        place = f"{Path(frame.f_code.co_filename).name}:{line}"
    return place


def analyzed(analyzer: Analyzer, files: Files, context: Context) -> Findings:
    """What an analyzer finds; where it fails, that its kind of packages is not known."""
    try:
        return analyzer.analyze(files, context)
    except Exception as error:  # noqa: BLE001 - the boundary of a plug-in: it must not cost what the others found
        return Findings(unknowns=[Unknown(f"what the analyzer {analyzer.name} reads", defect(error), incomplete=True)])
