"""Names of archive members, made comparable; and links, resolved without ever leaving the image's root."""

import re
from collections.abc import Mapping

MAX_LINKS = 40  # what Linux follows before ELOOP (path_resolution(7))
MAX_PARTS = 1000
"""Parts walked in all: forty links of two thousand parts each would cost a tenth of a second for every file."""


def normal(name: str) -> str | None:
    """``./a//b/``, ``/a/b`` and ``a/c/../b`` are ``a/b``; the root is ``""``.

    The engines take ``..`` from the words as well (filepath.Clean of Go), whatever links are there, and have made the
    image's root their own by then: what leads out of it stays in it. A name that holds a NUL is refused: None.
    """
    if "\0" in name:
        return None
    name = name.removeprefix("./")
    if name.startswith("/") or "//" in name or "./" in name or name.endswith(("/", ".")):
        parts: list[str] = []
        for part in name.split("/"):
            if part == "..":
                del parts[-1:]
            elif part not in ("", "."):
                parts.append(part)
        return "/".join(parts)
    return name


# What stands before bytes that are no UTF-8, or looks like such a byte spelled out. Tried once for a whole run of them:
# a name may hold thousands, and each might be tried with all those behind it.
_SPELLED = re.compile(rb"(?<!\\)\\++(?=x[89a-f][0-9a-f]|[\x80-\xff])")


def spelled(name: bytes) -> str:
    r"""A name as text: bytes that are no UTF-8 as ``\xff``, and no two names alike.

    So a backslash is doubled where it stands before such a byte, or before what another name could mean by it.
    """
    if b"\\" in name:
        name = _SPELLED.sub(lambda run: 2 * run[0], name)
    return name.decode("utf-8", "backslashreplace")


def resolve(path: str, links: Mapping[str, str]) -> str | None:
    """The real path when every symbolic link in it is followed; None for a loop, or for a maze.

    As in a container, ``..`` at the root stays at the root and an absolute target starts there.
    """
    todo = path.split("/")[::-1]
    done: list[str] = []
    followed = walked = 0
    while todo:
        part = todo.pop()
        walked += 1
        if walked > MAX_PARTS:
            return None
        if part in ("", "."):
            continue
        if part == "..":
            if done:
                done.pop()
            continue
        done.append(part)
        target = links.get("/".join(done)) if links else None
        if target is not None:
            followed += 1
            if followed > MAX_LINKS:
                return None
            done = [] if target.startswith("/") else done[:-1]
            todo.extend(target.split("/")[::-1])
    return "/".join(done)
