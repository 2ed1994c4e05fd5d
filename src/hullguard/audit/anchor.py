"""The end of the chain, noted outside the database: what an intruder with the database in hand cannot rewrite.

The file has one JSON object a line, the newest last; only the owner may read or write it. Ship it off the machine.
"""

import os
from pathlib import Path

import msgspec
from msgspec import Struct

from hullguard.model.errors import Invalid
from hullguard.storage import Transaction
from hullguard.storage.stores import Audit

FILE_MAX = 64 * 1024 * 1024


class Anchor(Struct, frozen=True):
    """The hash of one record of one tenant."""

    tenant: str
    sequence: int
    hash: str


async def write_anchor(tx: Transaction, path: Path) -> Anchor | None:
    """Add the present end of the chain to the file; None if nothing was ever recorded."""
    head = await Audit(tx).head()
    if head is None:
        return None
    anchor = Anchor(tx.scope.tenant, head.sequence, head.hash)
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
    descriptor = os.open(path, flags, 0o600)
    try:
        os.write(descriptor, msgspec.json.encode(anchor) + b"\n")
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    return anchor


def read_anchors(path: Path) -> list[Anchor]:
    """Every anchor in the file; none if there is no file."""
    try:
        size = path.stat().st_size
    except FileNotFoundError:
        return []
    if size > FILE_MAX:
        raise Invalid(f"{path} has {size} bytes; an anchor file has at most {FILE_MAX}", "audit.anchor")
    try:
        return [msgspec.json.decode(line, type=Anchor) for line in path.read_bytes().splitlines() if line.strip()]
    except (msgspec.MsgspecError, UnicodeDecodeError) as cause:
        raise Invalid(f"{path} is not an anchor file: {cause}", "audit.anchor") from cause
