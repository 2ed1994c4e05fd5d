"""Which images Podman keeps on this machine, where no service of its own answers: read off the list in its storage.

The form is that of containers/storage: below the graph root a directory for each driver, ``overlay-images`` as a rule,
with ``images.json``, a list of objects with ``id`` (the digest of the image's configuration, without its algorithm) and
``names``.
"""

import contextlib
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from msgspec import Struct

from hullguard.inventory import base_directories
from hullguard.inventory.source.engine_json import decode
from hullguard.inventory.source.registry.reference import HUB, parse_reference
from hullguard.model.errors import HullguardError

LOCAL = "localhost/"
"""Before the names of what was built here: no registry is meant by it."""
_OF_ROOT = Path("/var/lib/containers/storage")
SETTINGS_OF_ROOT = Path("/etc/containers/storage.conf")
_MOST = 16 << 20
"""Bytes of a list; an image has one or two thousand."""
_MOST_SETTINGS = 1 << 20
_ID = re.compile(r"[0-9a-f]{12,64}")


class Kept(NamedTuple):
    """An image in Podman's storage."""

    storage: Path
    name: str
    image_id: str


class _Image(Struct, frozen=True):
    id: str = ""
    names: list[str] | None = None


def kept(asked: str) -> Kept | None:
    """The image that Podman would take for this name or id.

    None where there is none, or where the list is not ours to read: then ``podman images`` does not show it either.
    """
    storage = _storage()
    wanted = list(dict.fromkeys(_names(asked)))
    for listed in sorted(storage.glob("*-images/images.json")):
        with contextlib.suppress(OSError, HullguardError):
            images = decode(_content(listed, _MOST), list[_Image], str(listed))
            by_name = {name: image for image in reversed(images) for name in image.names or ()}
            for name in wanted:
                if name in by_name:
                    return Kept(storage, name, f"sha256:{by_name[name].id}")
            if _ID.fullmatch(asked) and (image := next((one for one in images if one.id.startswith(asked)), None)):
                return Kept(storage, asked, f"sha256:{image.id}")
    return None


def _names(asked: str) -> Iterator[str]:
    """Whole names, in the order in which Podman takes them for a short one: what was built here comes first."""
    yield asked
    with contextlib.suppress(HullguardError):
        whole = str(parse_reference(asked))
        if asked.partition("/")[0] != HUB:
            for prefix in (f"{HUB}/library/", f"{HUB}/"):
                if whole.startswith(prefix):
                    yield LOCAL + whole.removeprefix(prefix)
        yield whole


def _storage() -> Path:
    """The graph root, as the settings say, else where Podman has it for this user."""
    root = os.geteuid() == 0
    config = base_directories.config_home() / "containers" / "storage.conf"
    if told := told_places(SETTINGS_OF_ROOT if root else config).get("graphroot"):
        return Path(told)
    return _OF_ROOT if root else base_directories.data_home() / "containers" / "storage"


def told_places(settings: Path) -> dict[str, str]:
    """The absolute paths that these settings, or those that the environment names, tell: ``graphroot``, ``runroot``."""
    try:
        said = _content(Path(os.environ.get("CONTAINERS_STORAGE_CONF") or settings), _MOST_SETTINGS).decode()
        import tomllib  # here: most machines have no such settings

        storage = tomllib.loads(said).get("storage", {}).items()
    except (OSError, ValueError, AttributeError):
        return {}
    return {key: value for key, value in storage if isinstance(value, str) and value.startswith("/")}


def _content(path: Path, most: int) -> bytes:
    with path.open("rb") as file:
        return file.read(most)
