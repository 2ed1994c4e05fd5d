"""Errors raised on purpose, by nature; each edge translates them once.

The command line turns them into one line and an exit code (``app/cli/exits.py``), REST into an
RFC 9457 problem (``ctrl/errors.py``), the agent channel into a refusal (``wire/messages.py``).
"""

from collections.abc import Mapping
from typing import ClassVar


class HullguardError(Exception):
    """Base of every error raised on purpose.

    ``code`` is stable and names the case for translators (``policy.parameter-unknown``); ``params``
    fill the sentence in any language; ``str(error)`` is the English sentence: what, where, why, what to do.
    """

    nature: ClassVar[str] = "error"

    def __init__(self, message: str, code: str | None = None, **params: str | int) -> None:
        super().__init__(message)
        self.code = code or self.nature
        self.params: Mapping[str, str | int] = params


class Invalid(HullguardError):
    """The request itself is wrong; the same request can never succeed."""

    nature = "invalid"

    def __init__(self, message: str, code: str | None = None, *, field: str | None = None, **params: str | int) -> None:
        super().__init__(message, code, **params)
        self.field = field
        """A JSON path such as ``$.detectors['file.read-sensitive'].parameters.paths[0]``."""


class NotFound(HullguardError):
    """The named thing does not exist, or this actor may not know that it does."""

    nature = "not-found"


class Conflict(HullguardError):
    """The request is right but the present state forbids it."""

    nature = "conflict"


class Stale(Conflict):
    """What is to be changed has changed since it was read."""

    nature = "stale"


class QuotaExhausted(Conflict):
    """No unit of the quota is left."""

    nature = "quota-exhausted"


class Unauthenticated(HullguardError):
    """Nobody is signed in, or the credential is wrong, used or expired."""

    nature = "unauthenticated"


class Denied(HullguardError):
    """The actor is known and may not do this."""

    nature = "denied"


class TooMany(HullguardError):
    """The caller must slow down; ``params['retry_after']`` says for how many seconds."""

    nature = "too-many"


class Unavailable(HullguardError):
    """Something outside failed; the same call may succeed later."""

    nature = "unavailable"


class LimitReached(HullguardError):
    """A bound on size, depth, count or time stopped the work; what was found so far is kept."""

    nature = "limit-reached"
