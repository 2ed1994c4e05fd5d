"""Comma-separated tables about CVEs: EPSS scores (FIRST) and collected severity ratings."""

from collections.abc import Callable, Iterator
from typing import TypeVar

from hullguard.advisories.feeds.feed import Account, Feed, Lines
from hullguard.advisories.writer import Writer

_MAX_LINE = 10_000
_MAX_ROWS = 5_000_000
"""Ten times as many CVEs as there are; the rows of a table are held in memory until all of them were read."""

Row = TypeVar("Row")


class _UnsoundError(Exception):
    """Why nothing of a table can be used."""


class EpssFeed(Feed):
    """The probability that a vulnerability is exploited within 30 days."""

    name = "epss"

    def recognises(self, head: bytes) -> bool:
        return _header(head).startswith(b"cve,epss")

    def load(self, where: str, stream: Lines, writer: Writer, account: Account) -> None:
        wanted, none = "a score is a CVE and a probability", "it holds no score"
        if scores := _whole(where, stream, account, _score, wanted=wanted, none=none):
            writer.replace_epss(scores)
            account.enriched[self.name] = account.enriched.get(self.name, 0) + len(scores)


class RatingFeed(Feed):
    """Severity by source: CVSS vectors and publishers' own words, for advisories that carry none."""

    name = "severity"

    def recognises(self, head: bytes) -> bool:
        return _header(head).startswith(b"cve,source,cvss_version,vector,severity")

    def load(self, where: str, stream: Lines, writer: Writer, account: Account) -> None:
        wanted, none = "a rating has five fields and begins with a CVE", "it holds no rating"
        if ratings := _whole(where, stream, account, _rating, wanted=wanted, none=none):
            writer.replace_ratings(ratings)
            account.enriched[self.name] = account.enriched.get(self.name, 0) + len(ratings)


def _whole(
    where: str, stream: Lines, account: Account, read: Callable[[list[str]], Row | None], *, wanted: str, none: str
) -> list[Row]:
    """The rows of a table that was read to its end: one that is cut off must not erase what is stored.

    Empty where nothing of it can be used. What is refused, and why, is in ``account``.
    """
    found: list[Row] = []
    try:
        for number, fields in _rows(stream):
            if (row := read(fields)) is None:
                account.refuse(f"{where}, line {number}", wanted)
            else:
                found.append(row)
    except _UnsoundError as reason:
        account.refuse_all(where, str(reason))
        return []
    if not found:
        account.refuse_all(where, none)
    return found


def _score(fields: list[str]) -> tuple[str, float] | None:
    try:
        score = float(fields[1])
    except (ValueError, IndexError):
        return None
    return (fields[0], score) if 0.0 <= score <= 1.0 and fields[0].startswith("CVE-") else None


def _rating(fields: list[str]) -> tuple[str, str, str, str, str] | None:
    if len(fields) != 5 or not fields[0].startswith("CVE-"):
        return None
    return fields[0], fields[1], fields[2], fields[3], fields[4]


def _header(head: bytes) -> bytes:
    lines = [line for line in head.splitlines() if not line.startswith(b"#")]
    return lines[0].strip() if lines else b""


def _rows(stream: Lines) -> Iterator[tuple[int, list[str]]]:
    """Number and fields of each line but comments, the header and empty ones.

    Raises ``_UnsoundError`` where the last line has no end: whole tables end with one, and half a number is one, too.
    """
    number = 0
    while line := stream.readline(_MAX_LINE):
        number += 1
        if number > _MAX_ROWS:
            raise _UnsoundError(f"more than {_MAX_ROWS} lines, so nothing of it is used")
        if not line.endswith(b"\n"):
            if len(line) == _MAX_LINE:
                raise _UnsoundError(f"line {number} is longer than {_MAX_LINE} bytes, so nothing of it is used")
            raise _UnsoundError(f"cut off in line {number}, which has no end, so nothing of it is used; fetch it again")
        fields = line.decode("utf-8", "replace").strip().split(",")
        if fields[0] and fields[0] != "cve" and not fields[0].startswith("#"):
            yield number, fields
