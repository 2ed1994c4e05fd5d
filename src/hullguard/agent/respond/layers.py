"""Is a file the image's own? Proved from the layers below a container's overlay, which nobody in it can change.

That a file is *not* in the upper layer proves nothing: whoever waits for an answer can rename directories meanwhile.
So it is the other way round: a file is the image's own if a lower layer has a file at its path with its inode number,
its size and its time of modification. Copying up keeps all three (overlayfs keeps the number on purpose); a file of the
upper layer cannot have the number of another file of the same disk. This is what ``bpf/overlay.h`` decides too, but for
one thing: an image's program that was moved to another path counts as new here.
"""

import os
import stat
from typing import NamedTuple

from hullguard.agent.respond.inside import open_beneath

_MOST_LAYERS = 512
_MOST_KNOWN = 4096
_MOST_MOUNTS = 4096

Trait = tuple[int, int, int]
"""Inode number, size, modification in nanoseconds."""


class Mount(NamedTuple):
    """One line of ``/proc/PID/mountinfo``; paths as the process sees them."""

    point: str
    kind: str
    options: str


def mounts(text: str) -> list[Mount]:
    """The mounts of a process; lines that are none are left out."""
    found = []
    for line in text.splitlines()[:_MOST_MOUNTS]:
        before, separator, after = line.partition(" - ")
        words, rest = before.split(" "), after.split(" ")
        if separator and len(words) >= 6 and len(rest) >= 3:
            found.append(Mount(_plain(words[4]), rest[0], rest[2]))
    return found


def lower_layers(options: str) -> tuple[str, ...]:
    """The directories below an overlay, uppermost first, from the options of its mount; empty where they are not told.

    Engines with many layers name them relative to the directory in which they keep all of them.
    """
    named: list[str] = []
    for option in _split(options, ","):
        name, _, value = option.partition("=")
        if name == "lowerdir":
            named += _split(value, ":")
        elif name == "lowerdir+":
            named.append(_unescaped(value))
    upper = upper_layer(options)
    home = os.path.dirname(os.path.dirname(upper))  # noqa: PTH120 -- text, not a file of ours
    layers = [_unescaped(layer) for layer in named if layer]
    if (
        not upper
        or len(layers) > _MOST_LAYERS
        or (home in {"", "/"} and any(not each.startswith("/") for each in layers))
    ):
        return ()
    return tuple(layer if layer.startswith("/") else f"{home}/{layer}" for layer in layers)


def upper_layer(options: str) -> str:
    """The directory in which an overlay keeps what was changed; empty where it is not told."""
    given = (option.partition("=") for option in _split(options, ","))
    return next((_unescaped(value) for name, _, value in given if name == "upperdir"), "")


class Image:
    """The layers of one container. What they say of a path is remembered: they do not change while it runs."""

    def __init__(self, layers: tuple[str, ...]) -> None:
        self.layers = layers
        self._known: dict[str, Trait | None] = {}

    def reachable(self) -> bool:
        """Whether this process sees them at all; else every program would seem to be new."""
        return bool(self.layers) and all(os.path.isdir(layer) for layer in self.layers)  # noqa: PTH112

    def has(self, path: str, found: os.stat_result) -> bool:
        """Whether the image brought the file that was opened as ``path``, whole and unchanged."""
        if not path.startswith("/") or found.st_nlink == 0 or not stat.S_ISREG(found.st_mode):
            return False
        return self._trait(path) == (found.st_ino, found.st_size, found.st_mtime_ns)

    def place(self, path: str) -> int | None:
        """A descriptor (``O_PATH``) of the image's own file at this path; None where it has no regular file there."""
        for layer in self.layers:
            try:
                place = _found(layer, path)
            except FileNotFoundError:
                continue
            except (OSError, ValueError):
                break  # as in _trait
            if stat.S_ISREG(os.fstat(place).st_mode):
                return place
            os.close(place)
            break
        return None

    def _trait(self, path: str) -> Trait | None:
        if path in self._known:
            return self._known[path]
        trait = None
        for layer in self.layers:
            try:
                found = _stat(layer, path)
            except FileNotFoundError:
                continue
            except (OSError, ValueError):
                break  # a link, or a file where a directory would have to be: it hides what is below
            if stat.S_ISREG(found.st_mode):
                trait = (found.st_ino, found.st_size, found.st_mtime_ns)
            break  # what is no file there, a whiteout above all, hides what is below
        if len(self._known) >= _MOST_KNOWN:
            self._known.clear()
        self._known[path] = trait
        return trait


def _stat(layer: str, path: str) -> os.stat_result:
    place = _found(layer, path)
    try:
        return os.fstat(place)
    finally:
        os.close(place)


def _found(layer: str, path: str) -> int:
    """Whoever made the image chose what lies in its layers: no link in them may lead to the host's own files."""
    directory = os.open(layer, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        return open_beneath(directory, path)
    finally:
        os.close(directory)


def _split(text: str, separator: str) -> list[str]:
    """Parts of a text in which a backslash keeps what follows it, backslashes included."""
    parts, part, escaped = [], "", False
    for character in text:
        if character == separator and not escaped:
            parts.append(part)
            part = ""
        else:
            part += character
        escaped = character == "\\" and not escaped
    return [*parts, part]


def _unescaped(text: str) -> str:
    return text.replace("\\:", ":").replace("\\,", ",").replace("\\\\", "\\")


def _plain(text: str) -> str:
    """Blanks and the like stand as octal numbers in mountinfo."""
    for code, character in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        text = text.replace(code, character)
    return text
