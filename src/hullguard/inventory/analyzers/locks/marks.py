"""What stands in a text beside its words: the byte order mark of Windows' editors, and bytes that no text has."""

import codecs
import re
from collections.abc import Iterator

from hullguard.inventory.analyzers.language import Doubt

# The marks of UTF-32 first: the little-endian one begins as that of UTF-16 does.
_WIDE = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


def unmarked(content: bytes) -> bytes:
    """The text in UTF-8 without a mark, for readers to whom its first line would otherwise begin with a character."""
    for mark, encoding in _WIDE:
        if content.startswith(mark):
            return content[len(mark) :].decode(encoding, "replace").encode()
    return content.removeprefix(codecs.BOM_UTF8)


_MERGE = re.compile(rb"^(?:<{7}|>{7})(?: |\r?$)", re.MULTILINE)
_NO_TEXT = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")


def damaged(content: bytes) -> Iterator[Doubt]:
    """A word on a text that was overwritten, or is two at once: read line by line, what is no entry says nothing."""
    if _NO_TEXT.search(content):
        yield Doubt("has bytes that no text has, so it is damaged; what they stand for may be missing", incomplete=True)
    if _MERGE.search(content):
        yield Doubt("has the marks of a merge that was not resolved; what it says may be missing here", incomplete=True)
