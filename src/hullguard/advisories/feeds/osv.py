"""OSV records: one JSON object, an array of them, or one a line."""

import codecs
import json
import re
from collections.abc import Iterator

import msgspec

from hullguard.advisories.feeds.feed import MAX_RECORD, Account, CutOff, Feed, Lines
from hullguard.advisories.osv import Record, decode_record
from hullguard.advisories.writer import Writer

_WINDOW = 1 << 20
_OPENED, _BETWEEN = re.compile(r"\s*\[\s*"), re.compile(r"\s*,?\s*")
"""What stands before the first element of an array, and before the others."""
_BROKEN = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


class OsvFeed(Feed):
    """The database's main source. A withdrawn record removes what was imported under its id."""

    name = "osv"

    def recognises(self, head: bytes) -> bool:
        return head.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in (b"{", b"[")

    def load(self, where: str, stream: Lines, writer: Writer, account: Account) -> None:
        first = stream.readline(MAX_RECORD).removeprefix(b"\xef\xbb\xbf")
        while first and not first.strip():
            first = stream.readline(MAX_RECORD)
        if first.lstrip().startswith(b"["):
            self._array(where, first, stream, writer, account)
        elif self._is_line(first):
            self._lines(where, first, stream, writer, account)
        else:
            self._object(where, first, stream, writer, account)

    @staticmethod
    def _is_line(first: bytes) -> bool:
        """A line that closes what it opens is a record by itself, or a broken one; else an object spans lines."""
        line = first.strip()
        return line.endswith(b"}") or not line.startswith(b"{") or line.count(b'"') > 8

    def _lines(self, where: str, first: bytes, stream: Lines, writer: Writer, account: Account) -> None:
        line, number = first, 1
        while line:
            if len(line) >= MAX_RECORD and not line.endswith(b"\n"):
                account.refuse(f"{where}, line {number}", f"the line is longer than {MAX_RECORD} bytes")
                while line and not line.endswith(b"\n"):
                    line = stream.readline(_WINDOW)
            else:
                try:
                    take(decode_record(line), writer, account)
                except _BROKEN as cause:
                    if _breaks_off(line):
                        raise CutOff(f"the record in line {number} has no end") from cause
                    if line.strip():
                        account.refuse(f"{where}, line {number}", str(cause))
            line = stream.readline(MAX_RECORD)
            number += 1

    def _object(self, where: str, first: bytes, stream: Lines, writer: Writer, account: Account) -> None:
        content = first + stream.read(MAX_RECORD)
        try:
            take(decode_record(content), writer, account)
        except _BROKEN as cause:
            account.refuse(where, str(cause))

    def _array(self, where: str, first: bytes, stream: Lines, writer: Writer, account: Account) -> None:
        number = 0
        try:
            for number, element in enumerate(_elements(first, stream), 1):
                try:
                    take(decode_record(element), writer, account)
                except _BROKEN as cause:
                    account.refuse(f"{where}, entry {number}", str(cause))
        except (ValueError, RecursionError) as cause:
            raise CutOff(f"the array cannot be read further than entry {number + 1}: {cause}") from cause


def take(record: Record, writer: Writer, account: Account) -> None:
    """Adds a record, or takes a withdrawn one back."""
    if account.seen is not None:
        account.seen[record.id] = record.modified
    if record.withdrawn:
        if writer.withdraw(record):
            account.withdrawn += 1
        else:
            account.older += 1
    elif writer.record(record):
        account.imported += 1
    else:
        account.older += 1


def _breaks_off(line: bytes) -> bool:
    """Whether a broken line is the last one and half of one: whole ones have an end, or are JSON."""
    try:
        msgspec.json.decode(line)
    except msgspec.DecodeError:
        return not line.endswith(b"\n")
    except (UnicodeDecodeError, RecursionError):
        pass
    return False


def _elements(first: bytes, stream: Lines) -> Iterator[bytes]:
    """The elements of a top-level array, with a bounded window on it."""
    scanner = json.JSONDecoder()
    decoder = codecs.getincrementaldecoder("utf-8")()  # a piece may end within a character
    text, since, gap = decoder.decode(first), 0, _OPENED
    ended = False
    while True:
        found = gap.match(text, since)
        at = since if found is None else found.end()
        if text.startswith("]", at):
            if text[at + 1 :].strip() or _more(stream):
                raise ValueError("something stands behind its end; write one array, or one record a line")
            return
        try:
            _, end = scanner.raw_decode(text, at)
        except json.JSONDecodeError:
            left = len(text) - since
            if ended or left > MAX_RECORD:
                raise
            # Reading as much again as there is keeps the work linear however long an element is.
            more = stream.read(max(_WINDOW, left))
            ended = not more
            text, since = text[since:] + decoder.decode(more, final=ended), 0
            continue
        yield text[at:end].encode()
        since, gap = end, _BETWEEN


def _more(stream: Lines) -> bool:
    """Whether anything but blanks follows."""
    while piece := stream.read(_WINDOW):
        if piece.strip():
            return True
    return False
