"""Indexes of layers kept between scans, one file per layer, named for what the index depends on.

The name covers the computed diff id and the analyzers; the content carries its own digest. So a file that was
cut off, damaged or put there by someone else is at worst read again from the image, never believed.
"""

import contextlib
import hashlib
import os
import stat
import threading
from pathlib import Path

import msgspec
import zstandard

from hullguard.inventory.entry import entry
from hullguard.inventory.layer import LayerIndex
from hullguard.model.decoding import from_msgpack

_DIGEST = 32
_MAX_ENTRY = 1 << 28
_OFTEN = 16
"""So many times the directory is looked through while as much is put there as may lie there."""
UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What msgspec raises for an entry that somebody else wrote."""


class LayerCache:
    """A directory of indexes, bounded in bytes; the least recently used go first."""

    def __init__(self, directory: Path, max_bytes: int = 1 << 29) -> None:
        self._directory = directory
        self._max_bytes = max_bytes
        self._room = 0
        """Bytes that may still be put before the directory is looked through again, where others may put some, too."""
        self._counting = threading.Lock()

    def get(self, diff_id: str, signature: str) -> LayerIndex | None:
        """The index, or None when it is absent or not to be trusted."""
        path = self._path(diff_id, signature)
        try:
            # What somebody else put there may be a pipe that nobody writes into.
            descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
            with os.fdopen(descriptor, "rb") as file:
                state = os.fstat(file.fileno())
                if not stat.S_ISREG(state.st_mode):
                    return None
                if state.st_uid != os.geteuid() or state.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
                    return None
                if state.st_size > _MAX_ENTRY:
                    return None
                stored = file.read()
            os.utime(path)
            body = stored[_DIGEST:]
            if hashlib.sha256(diff_id.encode() + body).digest() != stored[:_DIGEST]:
                return None
            plain = zstandard.ZstdDecompressor().decompress(body, max_output_size=_MAX_ENTRY)
            return from_msgpack(plain, LayerIndex)
        except (OSError, zstandard.ZstdError, *UNREADABLE):
            return None

    def put(self, diff_id: str, signature: str, index: LayerIndex) -> None:
        """Keeps an index; a full or read-only disk costs the next scan time, nothing else."""
        body = zstandard.ZstdCompressor(level=3).compress(msgspec.msgpack.encode(index))
        path = self._path(diff_id, signature)
        temporary = path.with_name(f".{os.urandom(8).hex()}")
        try:
            self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(hashlib.sha256(diff_id.encode() + body).digest() + body)
            temporary.replace(path)
            with self._counting:
                self._room -= _DIGEST + len(body)
                if self._room < 0:
                    self._room = min(self._max_bytes - self._pruned(), self._max_bytes // _OFTEN)
        except OSError:
            with contextlib.suppress(OSError):
                temporary.unlink()

    def _pruned(self) -> int:
        """Has the least recently used go where all are too many; returns the bytes of those that stay."""
        entries = [(entry.stat(), entry.path) for entry in os.scandir(self._directory) if entry.is_file()]
        total = sum(state.st_size for state, _ in entries)
        if total <= self._max_bytes:
            return total
        for state, path in sorted(entries, key=lambda item: item[0].st_mtime):
            if total <= self._max_bytes:
                break
            total -= state.st_size
            with contextlib.suppress(FileNotFoundError):
                Path(path).unlink()
        return total

    def _path(self, diff_id: str, signature: str) -> Path:
        return entry(self._directory, diff_id, signature)
