"""Which source a target on the command line means."""

from pathlib import Path

from hullguard.inventory.limits import Limits
from hullguard.inventory.source.catalog import places, source_of
from hullguard.inventory.source.opened import Source
from hullguard.inventory.source.sniff import top_names
from hullguard.model.errors import Invalid, NotFound


def parse(target: str, limits: Limits) -> tuple[Source, str]:
    """The source and the name within it. Without a prefix an existing path decides, else the name is looked for."""
    kind, colon, name = target.partition(":")
    if colon and (source := source_of(kind)) is not None:
        if not name:
            raise Invalid(f"{target!r} names nothing: write {kind}:NAME", "target.empty")
        return source, name
    if not target:
        raise Invalid("the target is empty: name an image, an archive or a directory", "target.empty")
    path = Path(target)
    if "\0" not in target and len(target) < 4096 and path.exists():
        return _recognised(path, limits), target
    if target.startswith(("/", "./", "../", "~")) or target.endswith((".tar", ".tar.gz", ".tgz", ".tar.zst")):
        raise NotFound(f"there is no file or directory {target!r}", "image.no-file")
    from hullguard.inventory.source.named import Named

    return Named(), target


def _recognised(path: Path, limits: Limits) -> Source:
    try:
        names, damage = top_names(path, limits) if path.is_file() else (frozenset(), None)
    except OSError as cause:
        raise Invalid(f"{path} cannot be read: {cause.strerror}", "image.unreadable") from cause
    for source in places():
        if source.recognises(path, names):
            return source
    if names and damage is not None:
        # Engines write the manifest last, so an archive that was cut off seems to have none.
        raise Invalid(
            f"{path} is damaged before its manifest, as when it was not copied to its end: {damage}", damage.code
        )
    raise Invalid(
        f"{path} is no image: neither a directory nor a tar archive with a manifest.json or an index.json at its top,"
        " nor a bill of materials in JSON",
        "image.not-an-image",
    )
