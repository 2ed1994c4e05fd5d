"""What PEAR installed: a record each in ``.registry``, an array as PHP serializes it (``PEAR/Registry.php``)."""

import re
from collections.abc import Iterator

from hullguard.inventory import bounds
from hullguard.inventory.analyzers.analyzer import text
from hullguard.inventory.analyzers.language import Doubt, LanguageAnalyzer, Piece, TooMuch, Unreadable
from hullguard.inventory.analyzers.ownable import PEAR_RECORD
from hullguard.model.package import PackageType

_TOKEN = rb's:(\d{1,9}):"|[ibd]:[^;{}"]{1,40};|N;|a:\d{1,9}:\{|\}'
_DEPTH = 64


class PearAnalyzer(LanguageAnalyzer):
    """Packages of PEAR's own channel, which advisories know by the names that they have for Composer."""

    name, version = "pear", 2
    paths = PEAR_RECORD
    form = "record of PEAR"

    def pieces(self, path: str, content: bytes) -> Iterator[Piece | Doubt]:
        del path
        name = version = ""
        for keys, value in _strings(content[: bounds.METADATA_BYTES]):
            if keys == (b"name",):
                name = text(value)
            elif keys in ((b"version",), (b"version", b"release")):
                version = text(value)
            if name and version:
                yield Piece(PackageType.COMPOSER, f"pear/{name.lower()}", version)
                return
        if len(content) > bounds.METADATA_BYTES:
            raise TooMuch(f"has more than {bounds.METADATA_BYTES} bytes; the rest of it was not read")
        raise Unreadable("is a record of PEAR without the name or the version of its package")


def _strings(content: bytes) -> Iterator[tuple[tuple[bytes, ...], bytes]]:
    """The strings and numbers up to the first thing that is none, each with the keys that lead to it."""
    match, at = re.compile(_TOKEN).match, 0
    waiting: list[bytes] = []
    """Of each array that is open the key whose value is to come, or nothing where a key is."""
    while (found := match(content, at)) is not None:
        at = found.end()
        if found[0].startswith(b"a:") and len(waiting) < _DEPTH:
            waiting.append(b"")
            continue
        if found[0] == b"}":
            del waiting[-1:]
            waiting[-1:] = [b""] if waiting else []
            continue
        value = found[0]
        if found[1] is not None:
            end = at + int(found[1])
            value, at = content[at:end], end + 2
        if not waiting:
            return
        if waiting[-1]:
            yield tuple(waiting), value
            waiting[-1] = b""
        else:
            waiting[-1] = value
