"""Who did what to which thing."""

from datetime import datetime

from msgspec import Struct


class AuditRecord(Struct, frozen=True, kw_only=True):
    """One link of the chain: ``hash`` covers every other field, ``previous`` among them."""

    sequence: int
    at: datetime
    actor: str
    """``user:alice``, ``token:ID``, ``node:ID`` or ``system``."""
    action: str
    """A verb on a thing: ``policy.update``."""
    subject: str
    """``policy:ID``."""
    outcome: str = "done"
    """``done``, ``partial`` (some of it could not be done), ``denied`` or ``failed``."""
    reason: str = ""
    source: str = ""
    """The address the request came from."""
    details: dict[str, str] = {}
    previous: str
    hash: str
