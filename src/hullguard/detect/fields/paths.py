"""The names of the file that an event is about, and how paths are put together without looking at a disk."""

from typing import Final

import msgspec

from hullguard.model.event import Event, EventKind

FILE_KINDS: Final = frozenset(
    {
        EventKind.FILE_OPEN,
        EventKind.FILE_UNLINK,
        EventKind.FILE_MODE,
        EventKind.FILE_OWNER,
        EventKind.FILE_MAKE,
        EventKind.UMOUNT,
    }
)
"""Their ``path`` is one file or directory."""
PAIR_KINDS: Final = frozenset(
    {EventKind.FILE_RENAME, EventKind.FILE_LINK, EventKind.FILE_SYMLINK, EventKind.MOUNT, EventKind.PIVOT_ROOT}
)
"""Their ``path`` and ``target`` are two."""


def normal(path: str) -> str:
    """Without ``.``, ``..`` and doubled slashes, by the letters alone: ``/tmp/../etc`` is ``/etc``."""
    parts: list[str] = []
    for part in path.split("/"):
        if part == "..":
            del parts[-1:]
        elif part not in {"", "."}:
            parts.append(part)
    return "/" + "/".join(parts)


def absolute(event: Event, path: str | None) -> str | None:
    """A path as the program wrote it, from the root; None where the directory that it counts from is not known.

    ``arguments['directory']`` is the path of the directory that the call counts from, where it is not the working one.
    """
    if not path:
        return None
    if path.startswith("/"):
        return normal(path)
    directory = event.arguments.get("directory") if "dirfd" in event.arguments else event.lineage[-1].cwd
    return normal(f"{directory}/{path}") if isinstance(directory, str) else None


def file_path(event: Event) -> str | None:
    """Where the file really is; where the kernel found none (the call failed), where the program looked for it."""
    return event.path if event.path is not None else absolute(event, event.raw_path)


def by_other_names(event: Event) -> tuple[Event, ...]:
    """The event under each further name of its file: as the program wrote it, and as it is watched.

    A rule may know a file by its real path (``/usr/bin/su``) or by the one that programs use (``/bin/su``). It fires if
    it holds for any of the names, each taken for the whole condition: so a link never hides a file, nor lends it the
    name of one that the rule lets pass.
    """
    path = event.path
    if path is None or event.kind not in FILE_KINDS:
        return ()
    if event.raw_path in {None, path} and event.known_as in {None, path}:
        return ()  # as most are
    written = absolute(event, event.raw_path)
    others = {name for name in (written, event.known_as) if name is not None and name != path}
    return tuple(msgspec.structs.replace(event, path=name) for name in sorted(others))


def directory_of(path: str) -> str:
    """``/etc`` of ``/etc/shadow``; ``/`` of ``/etc``."""
    return path.rpartition("/")[0] or "/"


def base_of(path: str) -> str:
    """``shadow`` of ``/etc/shadow``."""
    return path.rpartition("/")[2]
