"""Comma-separated tables about CVEs: EPSS scores (FIRST) and collected severity ratings."""

from collections.abc import Iterator

from hullguard.advisories.feeds.feed import Account, Feed, Lines
from hullguard.advisories.writer import Writer

_MAX_LINE = 10_000


class EpssFeed(Feed):
    """The probability that a vulnerability is exploited within 30 days."""

    name = "epss"

    def recognises(self, head: bytes) -> bool:
        return _header(head).startswith(b"cve,epss")

    def load(self, where: str, stream: Lines, writer: Writer, account: Account) -> None:
        def scores() -> Iterator[tuple[str, float]]:
            for number, fields in _rows(stream, "cve"):
                score = _probability(fields)
                if score is None:
                    account.refuse(f"{where}, line {number}", "a score is a CVE and a probability")
                    continue
                account.enriched[self.name] = account.enriched.get(self.name, 0) + 1
                yield fields[0], score

        writer.replace_epss(scores())


class RatingFeed(Feed):
    """Severity by source: CVSS vectors and publishers' own words, for advisories that carry none."""

    name = "severity"

    def recognises(self, head: bytes) -> bool:
        return _header(head).startswith(b"cve,source,cvss_version,vector,severity")

    def load(self, where: str, stream: Lines, writer: Writer, account: Account) -> None:
        def ratings() -> Iterator[tuple[str, str, str, str, str]]:
            for number, fields in _rows(stream, "cve"):
                if len(fields) != 5 or not fields[0].startswith("CVE-"):
                    account.refuse(f"{where}, line {number}", "a rating has five fields and begins with a CVE")
                    continue
                account.enriched[self.name] = account.enriched.get(self.name, 0) + 1
                yield fields[0], fields[1], fields[2], fields[3], fields[4]

        writer.replace_ratings(ratings())


def _probability(fields: list[str]) -> float | None:
    try:
        score = float(fields[1])
    except (ValueError, IndexError):
        return None
    return score if fields[0].startswith("CVE-") and 0.0 <= score <= 1.0 else None


def _header(head: bytes) -> bytes:
    lines = [line for line in head.splitlines() if not line.startswith(b"#")]
    return lines[0].strip() if lines else b""


def _rows(stream: Lines, header: str) -> Iterator[tuple[int, list[str]]]:
    number = 0
    while line := stream.readline(_MAX_LINE):
        number += 1
        text = line.decode("utf-8", "replace").strip()
        if text and not text.startswith(("#", header + ",")):
            yield number, text.split(",")
