"""JSON that engines and runtimes keep on the host, as far as anybody reads it."""

from typing import BinaryIO, Final, TypeVar

import msgspec

from hullguard.model.decoding import from_json

UNREADABLE: Final = (OSError, msgspec.MsgspecError, RecursionError, UnicodeDecodeError, ValueError)
"""What reading one may raise."""

_Kind = TypeVar("_Kind")


def decoded(file: BinaryIO, kind: type[_Kind], most: int) -> _Kind:
    """The document of an open file; raises one of ``UNREADABLE``, as for one of more than ``most`` bytes."""
    raw = file.read(most + 1)
    if len(raw) > most:
        raise ValueError(f"more than {most} bytes, as no engine writes")
    return from_json(raw, kind)
