"""What people and makers say does not count, compiled once for each change and not for each image."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date

import structlog
from msgspec import Struct

from hullguard.imagescan.suppress import Rules, standing
from hullguard.imagescan.suppress.rule import Rule
from hullguard.model.errors import Invalid
from hullguard.model.exception import ExceptionSpec, VexHead
from hullguard.model.report import ScanReport
from hullguard.storage import Transaction
from hullguard.storage.stores import Exceptions, VexDocuments

_log = structlog.get_logger()


class Said(Struct, frozen=True):
    """All that is said of findings as of one revision, as storage has it."""

    revision: int
    exceptions: Sequence[tuple[str, ExceptionSpec]]
    documents: Sequence[str]
    """The ids of all."""
    unread: Mapping[str, tuple[VexHead, bytes]]
    """What those are and say that are new."""


class Word(Struct, frozen=True):
    """The same, to be applied."""

    revision: int
    rules: Rules

    def on(self, today: date, names: Mapping[str, Sequence[str]]) -> Callable[[str, ScanReport], ScanReport]:
        """Takes out of an image's report what does not count; ``names`` are those that each image has now."""
        return lambda image, report: self.rules.suppress(report, today, names[image])


class Compiler:
    """Compiles what is said; a document only once, since none ever changes under its id."""

    def __init__(self) -> None:
        self.word: Word | None = None
        """The last one."""
        self._documents: dict[str, tuple[Rule, ...]] = {}

    async def news(self, tx: Transaction) -> Said | None:
        """What is said now; None where ``word`` has it all."""
        revision = await Exceptions(tx).revision()
        if self.word is not None and self.word.revision == revision:
            return None
        documents = await VexDocuments(tx).ids()
        unread = await VexDocuments(tx).said(set(documents) - self._documents.keys())
        return Said(revision, await Exceptions(tx).in_force(), documents, unread)

    def compile(self, said: Said) -> Word:
        """Takes long where there are large documents."""
        rules = [standing.exception_rule(identity, spec) for identity, spec in said.exceptions]
        read = {identity: _statements(identity, head, content) for identity, (head, content) in said.unread.items()}
        known = self._documents | read
        self._documents = {identity: known[identity] for identity in said.documents}
        for of_document in self._documents.values():
            rules += of_document
        self.word = Word(said.revision, Rules(rules))
        return self.word


def _statements(identity: str, head: VexHead, content: bytes) -> tuple[Rule, ...]:
    try:
        return tuple(standing.document_rules(identity, head, content)[0])
    except Invalid as reason:  # it was read when it came; a later release may be stricter
        _log.warning("a VEX document cannot be read any more", document=identity, reason=str(reason))
        return ()
