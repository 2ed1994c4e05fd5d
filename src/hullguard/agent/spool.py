"""What the agent still owes the server: a bounded, durable queue on disk.

*Durable.* A record is flushed to the disk before ``put`` returns (0.3 ms measured, against 0.02 ms without the
flush), so neither ``kill -9`` nor a power cut loses an incident whose kernel record was consumed. Only progress of
commands, which is low priority, does without the flush: it survives ``kill -9``, and nobody misses it after a boot.

*Numbered when sent.* A record gets its sequence number when it is first sent, not when it is written: what is
dropped for want of space never had one, so the server's contiguous acknowledgement meets no hole, and an incident
overtakes what waits. The numbers are written without a flush, because ``boot``, which qualifies them,
changes with every boot of the kernel: a number that a power cut took back is never used twice in the same ``boot``.

*Bounded.* By bytes, and by what the disk has left. When full, the oldest records of the lowest priority go first, and
are counted. A disk that is really full must not kill the agent: the database keeps room inside itself for evictions,
a ballast file beside it is given up in need, and without any disk the queue lives in memory.
"""

import contextlib
import enum
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from hullguard.agent.spool_disk import Ballast, connect, disk_refused, give_back
from hullguard.model.ids import new_id
from hullguard.model.node import Reason

DEFAULT_MAX_BYTES = 256 * 1024 * 1024
DEFAULT_MIN_FREE = 64 * 1024 * 1024
_MEMORY_BYTES = 16 * 1024 * 1024
_ROW_BYTES = 96  # what a row costs beside its payload, indexes included
_FREE_CHECK_SECONDS = 1.0
_REMEMBER_SECONDS = 86_400.0


class Priority(enum.IntEnum):
    """What goes last when space runs out goes first when the line is back."""

    HIGH = 0
    """Outcomes of commands, and incidents that are critical, high or that stopped something."""
    NORMAL = 1
    """The other incidents."""
    LOW = 2
    """Progress: the next one tells as much."""


class Keep(enum.Enum):
    """What a second record with the same key means."""

    FIRST = "first"
    """The same thing again: it is ignored while the first is here."""
    NEWEST = "newest"
    """A newer state of the same thing: the old one goes, unless it was sent already."""


class Record(NamedTuple):
    """One record on its way."""

    sequence: int
    payload: bytes


class Spool:
    """Thread safe. ``put`` may be called from the sensor's thread; ``woken`` is called after every record kept."""

    def __init__(
        self,
        path: Path,
        kernel_boot: str,
        *,
        max_bytes: int = DEFAULT_MAX_BYTES,
        min_free: int = DEFAULT_MIN_FREE,
        woken: Callable[[], None] = lambda: None,
    ) -> None:
        self.reasons: tuple[Reason, ...] = ()
        self.woken = woken
        self._lock = threading.Lock()
        self._directory: Path | None = path.parent
        self._ballast = Ballast(path.with_name("spool.ballast"))
        self._max_bytes, self._min_free = max_bytes, min_free
        try:
            self._db, repaired = connect(path, self._ballast)
        except (sqlite3.Error, OSError) as bad:
            self._db, repaired = connect(None, self._ballast)
            self._directory, self._max_bytes = None, min(max_bytes, _MEMORY_BYTES)
            self.reasons = (
                Reason(
                    "spool.in-memory",
                    f"The spool {path} cannot be used ({bad}); records wait in memory and a crash loses them.",
                    {"path": str(path), "error": str(bad)},
                ),
            )
        if repaired:
            self.reasons += (
                Reason(
                    "spool.damaged", f"The spool was damaged and was set aside as {repaired}.", {"path": str(repaired)}
                ),
            )
        self._synchronous = ""
        self._free = (0.0, 0)
        self.dropped: dict[str, int] = {}
        self._kernel_boot = kernel_boot
        self._load(kernel_boot)

    def _load(self, kernel_boot: str) -> None:
        meta = dict(self._db.execute("SELECT name, value FROM meta"))
        self.dropped = {p.name.lower(): int(meta.get(f"dropped.{p.name.lower()}", 0)) for p in Priority}
        self._dropped_at = float(meta.get("dropped.at", 0))
        self._used: int
        self._count: int
        self._used, self._count = self._db.execute("SELECT coalesce(sum(size), 0), count(*) FROM records").fetchone()
        self.boot: str = meta.get("boot", "")
        if not self.boot or meta.get("kernel_boot") != kernel_boot:
            self._new_epoch(kernel_boot)
        self._next = 1 + int(self._db.execute("SELECT value FROM meta WHERE name = 'sequence'").fetchone()[0])

    def _new_epoch(self, kernel_boot: str) -> None:
        """After a boot the numbers start anew, and what was not acknowledged is sent again under them."""
        self.boot = new_id()
        values = (("boot", self.boot), ("kernel_boot", kernel_boot), ("sequence", "0"))
        with self._lock, self._transaction(durable=True):
            self._db.execute("UPDATE records SET sequence = NULL WHERE sequence IS NOT NULL")
            self._db.executemany("INSERT OR REPLACE INTO meta(name, value) VALUES (?, ?)", values)

    @property
    def waiting(self) -> int:
        """Records that the server has not acknowledged."""
        return self._count

    @property
    def used(self) -> int:
        """Bytes that count against the bound."""
        return self._used

    def put(self, priority: Priority, payload: bytes, key: str, keep: Keep = Keep.FIRST) -> bool:
        """Keep a record; False if there was no room for it (which is counted).

        When this returns True the record is on the disk.
        """
        with self._lock:
            kept = self._put(priority, payload, key, keep)
        self.woken()
        return kept

    def withdraw(self, key: str) -> None:
        """Forget what was not sent under this key: something better has taken its place."""
        with self._lock, contextlib.suppress(sqlite3.Error), self._transaction(durable=False):
            self._forget(self._unsent(key))

    def _put(self, priority: Priority, payload: bytes, key: str, keep: Keep) -> bool:
        size = len(payload) + _ROW_BYTES
        for make_room in (self._make_room, self._make_room_on_disk, self._give_up_ballast):
            try:
                with self._transaction(durable=priority is not Priority.LOW):
                    make_room(size, priority)
                    self._write(priority, payload, key, keep)
            except _NoRoomError:
                break
            except sqlite3.Error as bad:
                if not disk_refused(bad):
                    raise
                self._free = (0.0, 0)
            else:
                return True
        self._count_drop(priority, 1)
        return False

    def _write(self, priority: Priority, payload: bytes, key: str, keep: Keep) -> None:
        if keep is Keep.NEWEST:
            self._forget(self._unsent(key))
        elif self._db.execute("SELECT 1 FROM records WHERE key = ? LIMIT 1", (key,)).fetchone():
            return
        size = len(payload) + _ROW_BYTES
        self._db.execute(
            "INSERT INTO records(priority, key, size, payload) VALUES (?, ?, ?, ?)",
            (int(priority), key, size, payload),
        )
        self._used += size
        self._count += 1

    # Sending ---------------------------------------------------------------------------------------------------------

    def take(self, messages: int, size: int) -> list[Record]:
        """Number the next records, most urgent first, as many as the credit of messages and bytes allows."""
        with self._lock:
            rows = self._db.execute(
                "SELECT id, payload FROM records WHERE sequence IS NULL ORDER BY priority, id LIMIT ?", (messages,)
            )
            taken: list[tuple[int, bytes]] = []
            for identity, payload in rows:
                size -= len(payload)
                if size < 0 and taken:
                    break
                taken.append((identity, payload))
            rows.close()
            if not taken:
                return []
            first = self._next
            try:
                with self._transaction(durable=False):
                    self._db.executemany(
                        "UPDATE records SET sequence = ? WHERE id = ?",
                        ((first + place, identity) for place, (identity, _) in enumerate(taken)),
                    )
                    self._db.execute(
                        "UPDATE meta SET value = ? WHERE name = 'sequence'", (str(first + len(taken) - 1),)
                    )
            except sqlite3.Error as bad:
                if not disk_refused(bad):
                    raise
                return []
            self._next = first + len(taken)
        return [Record(first + place, payload) for place, (_, payload) in enumerate(taken)]

    def sent(self, after: int, messages: int, size: int) -> list[Record]:
        """Numbered records above ``after`` that are not acknowledged: what a new session sends again, in order."""
        found: list[Record] = []
        with self._lock:
            rows = self._db.execute(
                "SELECT sequence, payload FROM records WHERE sequence > ? ORDER BY sequence LIMIT ?", (after, messages)
            )
            for record in map(Record._make, rows):
                size -= len(record.payload)
                if size < 0 and found:
                    break
                found.append(record)
            rows.close()
        return found

    def resume(self, received_up_to: int) -> bool:
        """What the server has, at the start of a session; False if it has more than was ever numbered here.

        That happens when the spool was brought back from a copy: its next numbers would be taken for duplicates, so
        they start anew and the caller connects again.
        """
        if received_up_to < self._next:
            self.acknowledge(received_up_to)
            return True
        self._new_epoch(self._kernel_boot)
        self._next = 1
        return False

    def acknowledge(self, sequence: int) -> None:
        """The server has stored everything up to ``sequence``."""
        with self._lock:
            rows = self._db.execute("SELECT id, size FROM records WHERE sequence <= ?", (sequence,)).fetchall()
            if not rows:
                return
            try:
                with self._transaction(durable=False):
                    self._forget(rows)
            except sqlite3.Error as bad:
                if not disk_refused(bad):
                    raise  # else the record is acknowledged once more, later
                return
            self._ballast.restore(self._min_free)
            give_back(self._db)

    def drop_first(self) -> int | None:
        """Give up the oldest record that was sent, and count it: the server will never take it."""
        with self._lock:
            row = self._db.execute(
                "SELECT id, size, sequence, priority FROM records WHERE sequence IS NOT NULL ORDER BY sequence LIMIT 1"
            ).fetchone()
            if row is None:
                return None
            with self._transaction(durable=False):
                self._forget([row[:2]])
                self._count_drop(Priority(row[3]), 1)
        return int(row[2])

    def close(self) -> None:
        """What waits stays on the disk."""
        with self._lock:
            self._db.close()

    # Room ------------------------------------------------------------------------------------------------------------

    def _make_room(self, size: int, priority: Priority) -> None:
        """Evict until ``size`` more bytes fit below the bound."""
        excess = self._used + size - self._limit(priority)
        if excess > 0 and self._evict(excess, priority) < excess:
            raise _NoRoomError

    def _make_room_on_disk(self, size: int, priority: Priority) -> None:
        """The file cannot grow: free twice as many bytes inside it as are wanted, since pages are half filled."""
        if self._evict(2 * size + 64 * 1024, priority) == 0:
            raise _NoRoomError

    def _give_up_ballast(self, size: int, priority: Priority) -> None:
        if priority is not Priority.HIGH or self._used + size > self._max_bytes or not self._ballast.give_up():
            raise _NoRoomError

    def _limit(self, priority: Priority) -> int:
        """Incidents and outcomes may use the last free byte of the disk; the others leave ``min_free`` to its owner."""
        if priority is Priority.HIGH or self._directory is None:
            return self._max_bytes
        now = time.monotonic()
        checked, free = self._free
        if now - checked > _FREE_CHECK_SECONDS:
            state = os.statvfs(self._directory)
            free = state.f_bavail * state.f_frsize
            self._free = (now, free)
        return min(self._max_bytes, self._used + max(0, free - self._min_free))

    def _evict(self, excess: int, newcomer: Priority) -> int:
        """Drop the oldest unsent records of the lowest priority, never of one above the newcomer's; the bytes freed."""
        freed = 0
        while freed < excess:
            victim = self._db.execute(
                "SELECT id, size, priority FROM records WHERE sequence IS NULL AND priority >= ?"
                " ORDER BY priority DESC, id LIMIT 1",
                (int(newcomer),),
            ).fetchone()
            if victim is None:
                break
            freed += self._forget([victim[:2]])
            self._count_drop(Priority(victim[2]), 1)
        return freed

    def _unsent(self, key: str) -> list[tuple[int, int]]:
        return self._db.execute("SELECT id, size FROM records WHERE key = ? AND sequence IS NULL", (key,)).fetchall()

    def lately_dropped(self) -> dict[str, int]:
        """What was dropped, until a day has passed without a drop: old losses must not hide new ones."""
        if time.time() - self._dropped_at > _REMEMBER_SECONDS:
            return {}
        return {name: count for name, count in self.dropped.items() if count}

    def _forget(self, rows: Iterable[tuple[int, int]]) -> int:
        freed = 0
        for identity, size in rows:
            self._db.execute("DELETE FROM records WHERE id = ?", (identity,))
            self._used -= size
            self._count -= 1
            freed += size
        return freed

    def _count_drop(self, priority: Priority, records: int) -> None:
        name = priority.name.lower()
        self.dropped[name] += records
        self._dropped_at = time.time()
        if self._db.in_transaction:
            self._save_dropped(name)
            return
        with contextlib.suppress(sqlite3.Error), self._transaction(durable=False):
            self._save_dropped(name)

    def _save_dropped(self, name: str) -> None:
        rows = ((f"dropped.{name}", str(self.dropped[name])), ("dropped.at", str(self._dropped_at)))
        self._db.executemany("INSERT OR REPLACE INTO meta(name, value) VALUES (?, ?)", rows)

    @contextlib.contextmanager
    def _transaction(self, *, durable: bool) -> Iterator[None]:
        """All or nothing, the counters in memory included."""
        wanted = "FULL" if durable else "NORMAL"
        if wanted != self._synchronous:
            self._db.execute(f"PRAGMA synchronous = {wanted}")
            self._synchronous = wanted
        before = (self._used, self._count, dict(self.dropped))
        try:
            self._db.execute("BEGIN IMMEDIATE")
            yield
            self._db.execute("COMMIT")
        except BaseException:
            self._used, self._count, self.dropped = before
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise


class _NoRoomError(Exception):
    """Nothing is left that may be evicted for the newcomer."""
