"""The byte order mark that editors and shells of Windows put in front of a text, and what it says of the rest."""

import codecs

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
