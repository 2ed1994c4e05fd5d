"""CISA's catalogue of known exploited vulnerabilities."""

import msgspec
from msgspec import Struct

from hullguard.advisories.feeds.feed import MAX_RECORD, Account, Feed, Lines
from hullguard.advisories.writer import Writer
from hullguard.model.decoding import from_json, wrong


class _Entry(Struct):
    cve_id: str = msgspec.field(name="cveID")


class _Catalogue(Struct):
    vulnerabilities: list[_Entry]
    count: int | None = None


class KevFeed(Feed):
    """Marks findings that are being exploited."""

    name = "kev"

    def recognises(self, head: bytes) -> bool:
        return head.lstrip()[:1] == b"{" and (b'"catalogVersion"' in head or b'"cveID"' in head)

    def load(self, where: str, stream: Lines, writer: Writer, account: Account) -> None:
        try:
            catalogue = from_json(stream.read(MAX_RECORD), _Catalogue)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as cause:
            account.refuse_all(where, f"the KEV catalogue cannot be read: {wrong(cause)}")
            return
        if not catalogue.vulnerabilities:
            account.refuse_all(where, "the KEV catalogue is empty")
            return
        if catalogue.count not in (None, len(catalogue.vulnerabilities)):
            found = len(catalogue.vulnerabilities)
            account.refuse_all(where, f"the KEV catalogue says that it has {catalogue.count} entries, and has {found}")
            return
        writer.replace_kev([entry.cve_id for entry in catalogue.vulnerabilities])
        account.enriched[self.name] = len(catalogue.vulnerabilities)
