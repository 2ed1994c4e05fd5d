"""Which source a target on the command line means."""

from pathlib import Path

from hullguard.inventory.limits import Limits
from hullguard.inventory.source.catalog import SOURCES
from hullguard.inventory.source.named import Named
from hullguard.inventory.source.opened import Source
from hullguard.inventory.source.sniff import top_names
from hullguard.model.errors import Invalid, NotFound


def parse(target: str, limits: Limits) -> tuple[Source, str]:
    """The source and the name within it. Without a prefix an existing path decides, else the name is looked for."""
    by_kind = {source.kind: source for source in SOURCES}
    kind, colon, name = target.partition(":")
    if colon and kind in by_kind:
        if not name:
            raise Invalid(f"{target!r} names nothing: write {kind}:NAME", "target.empty")
        return by_kind[kind], name
    if not target:
        raise Invalid("the target is empty: name an image, an archive or a directory", "target.empty")
    path = Path(target)
    if "\0" not in target and len(target) < 4096 and path.exists():
        return _recognised(path, limits), target
    if target.startswith(("/", "./", "../", "~")) or target.endswith((".tar", ".tar.gz", ".tgz", ".tar.zst")):
        raise NotFound(f"there is no file or directory {target!r}", "image.no-file")
    return Named(), target


def _recognised(path: Path, limits: Limits) -> Source:
    try:
        names = top_names(path, limits) if path.is_file() else frozenset()
    except OSError as cause:
        raise Invalid(f"{path} cannot be read: {cause.strerror}", "image.unreadable") from cause
    for source in SOURCES:
        if source.recognises(path, names):
            return source
    raise Invalid(
        f"{path} is no image: neither a directory nor a tar archive with a manifest.json or an index.json at its top,"
        " nor a bill of materials in JSON",
        "image.not-an-image",
    )
