"""The process that carries out one errand: ``python -m hullguard.advisories.errands.child``.

It ends with its parent, which holds the other end of its standard input.
"""

import contextlib
import os
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

import msgspec

from hullguard.advisories.bundle.load import import_bundles
from hullguard.advisories.bundle.manifest import Bundle, is_bundle
from hullguard.advisories.errands.messages import Ended, Errand, Fetch, Load, Look, Said, Underway
from hullguard.advisories.feeds.feed import Account, Refusal
from hullguard.advisories.importer import import_files, look
from hullguard.advisories.update.fetch import Fetcher
from hullguard.advisories.update.run import Outcome, Wanted, update
from hullguard.advisories.update.source import Update
from hullguard.model.advisory_update import AdvisoryProgress, AdvisoryRefusal, SourceReport
from hullguard.model.errors import Conflict, HullguardError, Invalid
from hullguard.net.allowed import link_local

T = TypeVar("T")

NAMED = 5
"""Refused records of one source that are told; all are counted."""
WAIT_SECONDS = 1800.0
"""How long another import into the same database is waited for."""
_LOOK_AGAIN = 1.0
_TOLD_EVERY = 0.5


class Teller:
    """Says how far it is, now and then."""

    def __init__(self, say: Callable[[Said], None]) -> None:
        self._say, self._next = say, 0.0
        self._now = AdvisoryProgress("reading")

    def begin(self, phase: str, what: str, number: int = 0, of: int = 0, size: int | None = None) -> None:
        self._now = AdvisoryProgress(phase, what, number, of, size=size)
        self._next = time.monotonic() + _TOLD_EVERY
        self._say(Underway(self._now))

    def took(self, _: str, count: int) -> None:
        self._now = msgspec.structs.replace(self._now, bytes=self._now.bytes + count)
        if (now := time.monotonic()) >= self._next:
            self._next = now + _TOLD_EVERY
            self._say(Underway(self._now))


def carry_out(errand: Errand, say: Callable[[Said], None]) -> Ended:
    """Does it; what is wrong with it is in what it gives."""
    teller = Teller(say)
    try:
        if isinstance(errand, Fetch):
            return _when_free(lambda: _fetch(errand, teller), teller)
        if isinstance(errand, Load):
            return _when_free(lambda: _load(errand, teller), teller)
        return _looked(errand)
    except HullguardError as reason:
        # An error of this nature alone says what kind of error it is, which is no name of a case.
        return Ended(fault=str(reason), code=None if reason.code == reason.nature else reason.code)


def _when_free(work: Callable[[], T], teller: Teller) -> T:
    """Waits for whoever builds the same database now: a person at a terminal, or another worker."""
    until = time.monotonic() + WAIT_SECONDS
    while True:
        try:
            return work()
        except Conflict:
            if time.monotonic() > until:
                raise
            teller.begin("waiting", "")
            time.sleep(_LOOK_AGAIN)


def _fetch(errand: Fetch, teller: Teller) -> Ended:
    chosen = errand.settings
    wanted = Wanted(chosen.mirror, chosen.kev, chosen.epss, chosen.ecosystems)

    def begun(name: str, number: int, of: int) -> None:
        teller.begin("finishing" if number > of else "fetching", name, min(number, of), of)

    # An administrator of the platform is not one of its machine: no address may lead to what only that one is told.
    fetcher = Fetcher(teller.took, refuses=link_local)
    return _fetched(update(Path(errand.database), wanted, fetcher=fetcher, begun=begun))


def _fetched(outcome: Outcome) -> Ended:
    account = outcome.account
    told = [one for one in outcome.updates if one.why or one.how != "same"]
    first = outcome.failed[0].why if len(outcome.failed) == len(outcome.updates) else ""
    return Ended(
        fault=first or None,
        code="advisories.nothing-updated" if first else None,
        replaced=outcome.replaced,
        imported=account.imported,
        withdrawn=account.withdrawn,
        older=account.older,
        refused=account.refused,
        same=len(outcome.updates) - len(told),
        sources=tuple(_report(one) for one in told),
    )


def _report(one: Update) -> SourceReport:
    return SourceReport(
        one.name,
        "" if one.why else one.how,
        one.records,
        one.dropped,
        one.unconfirmed,
        one.refused,
        _named(one.refusals[:NAMED]),
        one.why or None,
    )


def _load(errand: Load, teller: Teller) -> Ended:
    path = Path(errand.file)
    teller.begin("reading", errand.name, size=path.stat().st_size if path.is_file() else None)
    if is_bundle(path):
        with _signer(errand, path) as key:
            account = import_bundles([path], Path(errand.database), key, teller.took)
    else:
        with _own_name(errand):
            account = import_files([path], Path(errand.database), teller.took)
    return _loaded(errand, account)


def _loaded(errand: Load, account: Account) -> Ended:
    refusals = [Refusal(_called(errand, one.where), one.why) for one in account.refusals[:NAMED]]
    records = account.imported + account.withdrawn + sum(account.enriched.values())
    report = SourceReport(errand.name, "records", records, refused=account.refused, refusals=_named(refusals))
    return Ended(
        replaced=True,
        imported=account.imported + sum(account.enriched.values()),
        withdrawn=account.withdrawn,
        older=account.older,
        refused=account.refused,
        sources=(report,),
    )


def _looked(errand: Look) -> Ended:
    path = Path(errand.file)
    if is_bundle(path):
        with _signer(errand, path):
            return Ended()
    with _own_name(errand):
        look(path)
    return Ended()


@contextlib.contextmanager
def _signer(errand: Load | Look, path: Path) -> Iterator[Path]:
    """A file of the key that signed the bundle; raises when it is none of those that are trusted."""
    if not errand.keys:
        raise Invalid(
            f"{errand.name} is a bundle, and the settings name no key whose bundles are believed", "bundle.no-key"
        )
    with tempfile.TemporaryDirectory(prefix="hullguard-key-") as folder, _own_name(errand):
        last: HullguardError | None = None
        for number, digits in enumerate(errand.keys):
            key = Path(folder) / str(number)
            key.write_text(digits)
            try:
                Bundle(path, key).close()
            except Invalid as reason:
                if reason.code != "bundle.signature-wrong":
                    raise
                last = reason
            else:
                yield key
                return
        raise Invalid(
            f"{errand.name} is signed by none of the keys that the settings trust; nothing of it is used",
            "bundle.signature-wrong",
        ) from last


@contextlib.contextmanager
def _own_name(errand: Load | Look) -> Iterator[None]:
    """What is said of the file is said of the name that its owner knows."""
    try:
        yield
    except Invalid as reason:
        raise Invalid(_called(errand, str(reason)), reason.code) from reason


def _called(errand: Load | Look, sentence: str) -> str:
    path = Path(errand.file)
    return sentence.replace(str(path), errand.name).replace(path.name, errand.name)


def _named(refusals: Sequence[Refusal]) -> tuple[AdvisoryRefusal, ...]:
    return tuple(AdvisoryRefusal(one.where, one.why) for one in refusals)


def main() -> None:
    """One errand."""
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever else writes to standard output is no part of the answer
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with contextlib.suppress(OSError):
        os.nice(10)  # who waits for an answer of the platform comes first
    lock = threading.Lock()

    def say(said: Said) -> None:
        with lock:
            out.write(msgspec.json.encode(said) + b"\n")
            out.flush()

    errand = msgspec.json.decode(sys.stdin.buffer.readline(), type=Errand)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    with contextlib.suppress(BrokenPipeError):
        say(carry_out(errand, say))


def _end_with_parent() -> None:
    sys.stdin.buffer.read()
    # Nothing has been put in its place yet: what lies about is swept away by the next one who builds.
    os._exit(1)


if __name__ == "__main__":
    main()
