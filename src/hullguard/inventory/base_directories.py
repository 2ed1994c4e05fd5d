"""Where a user's files are, as the XDG base directory specification says.

A path that is not absolute is invalid there and counts as none: else each directory in which a command is started would
get a cache of its own.
"""

import os
from pathlib import Path


def told(variable: str) -> Path | None:
    """What a variable names, None where it is not set, empty or a relative path."""
    path = os.environ.get(variable, "")
    return Path(path) if path.startswith("/") else None


def cache_home() -> Path:
    """For what can be made again."""
    return told("XDG_CACHE_HOME") or Path.home() / ".cache"


def config_home() -> Path:
    """For settings."""
    return told("XDG_CONFIG_HOME") or Path.home() / ".config"


def data_home() -> Path:
    """For what is to stay."""
    return told("XDG_DATA_HOME") or Path.home() / ".local" / "share"
