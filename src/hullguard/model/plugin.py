"""Members of a family that a catalog names and that are loaded only when somebody asks for one.

Starting is most of what a second scan costs, and some members bring libraries that take longer to load than a scan.
"""

import functools
import importlib
from typing import Any


@functools.cache
def load(family: str, place: str) -> Any:
    """``json.JsonFormat`` of the package ``family``, made without arguments, the same at every call."""
    return make(family, place)


def make(family: str, place: str) -> Any:
    """The same, made anew at every call: for members that read for one use what may be different for the next."""
    module, _, name = place.rpartition(".")
    return getattr(importlib.import_module(f"{family}.{module}"), name)()
