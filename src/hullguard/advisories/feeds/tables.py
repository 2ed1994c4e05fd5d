"""Comma-separated tables about CVEs: EPSS scores (FIRST) and collected severity ratings."""

from collections.abc import Iterator

from hullguard.advisories.feeds.feed import Account, Feed, Lines
from hullguard.advisories.writer import Writer

_MAX_LINE = 10_000
_MAX_ROWS = 5_000_000
"""Ten times as many CVEs as there are; the rows of a table are held in memory until all of them were read."""


class _UnsoundError(Exception):
    """Why nothing of a table can be used."""


class EpssFeed(Feed):
    """The probability that a vulnerability is exploited within 30 days."""

    name = "epss"

    def recognises(self, head: bytes) -> bool:
        return _header(head).startswith(b"cve,epss")

    def load(self, where: str, stream: Lines, writer: Writer, account: Account) -> None:
        try:
            scores = self._scores(where, stream, account)
        except _UnsoundError as reason:
            account.refuse_all(where, str(reason))
            return
        if not scores:
            account.refuse_all(where, "it holds no score")
            return
        # Only now that the whole file was read: one that is cut off must not erase what is stored.
        writer.replace_epss(scores)
        account.enriched[self.name] = account.enriched.get(self.name, 0) + len(scores)

    def _scores(self, where: str, stream: Lines, account: Account) -> list[tuple[str, float]]:
        scores: list[tuple[str, float]] = []
        for number, fields in _rows(stream):
            try:
                score = float(fields[1])
            except (ValueError, IndexError):
                score = -1.0
            if 0.0 <= score <= 1.0 and fields[0].startswith("CVE-"):
                scores.append((fields[0], score))
            else:
                account.refuse(f"{where}, line {number}", "a score is a CVE and a probability")
        return scores


class RatingFeed(Feed):
    """Severity by source: CVSS vectors and publishers' own words, for advisories that carry none."""

    name = "severity"

    def recognises(self, head: bytes) -> bool:
        return _header(head).startswith(b"cve,source,cvss_version,vector,severity")

    def load(self, where: str, stream: Lines, writer: Writer, account: Account) -> None:
        try:
            ratings = self._ratings(where, stream, account)
        except _UnsoundError as reason:
            account.refuse_all(where, str(reason))
            return
        if not ratings:
            account.refuse_all(where, "it holds no rating")
            return
        writer.replace_ratings(ratings)
        account.enriched[self.name] = account.enriched.get(self.name, 0) + len(ratings)

    def _ratings(self, where: str, stream: Lines, account: Account) -> list[tuple[str, str, str, str, str]]:
        ratings: list[tuple[str, str, str, str, str]] = []
        for number, fields in _rows(stream):
            if len(fields) != 5 or not fields[0].startswith("CVE-"):
                account.refuse(f"{where}, line {number}", "a rating has five fields and begins with a CVE")
            else:
                ratings.append((fields[0], fields[1], fields[2], fields[3], fields[4]))
        return ratings


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
