"""Passwords: argon2id, computed off the event loop and never more than a few at once."""

import asyncio
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Final, TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from hullguard.model.errors import Invalid, Unavailable

MINIMUM_LENGTH: Final = 12
MAXIMUM_BYTES: Final = 1024
"""Argon2 hashes any length; without a bound one request could keep a core busy on a megabyte."""

MINIMUM_DISTINCT: Final = 5

R = TypeVar("R")

# No 0/O, 1/l/I: a one-time password is read from one screen and typed on another.
_ALPHABET: Final = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"


@dataclass(frozen=True)
class Cost:
    """Argon2id parameters; the default is RFC 9106's second recommended option."""

    passes: int = 3
    memory_kib: int = 64 * 1024
    lanes: int = 4


@dataclass
class Passwords:
    """Hashes and verifies passwords.

    One computation holds ``cost.memory_kib``, so ``at_once`` bounds the memory that sign-ins can take, and ``waiting``
    bounds the queue behind them: past it the caller is told to come back instead of waiting for minutes.
    """

    cost: Cost = field(default_factory=Cost)
    at_once: int = 2
    waiting: int = 64

    def __post_init__(self) -> None:
        self._hasher = PasswordHasher(self.cost.passes, self.cost.memory_kib, self.cost.lanes)
        # Its own threads, not a semaphore around the loop's: a request that is given up frees a semaphore while its
        # thread computes on.
        self._threads = ThreadPoolExecutor(self.at_once, "passwords")
        self._pending = 0
        self._nobody: str | None = None

    async def hash(self, password: str) -> str:
        """The PHC string to store."""
        return await self._run(self._hasher.hash, password)

    async def verify(self, stored: str | None, password: str) -> bool:
        """Whether the password is right. Without a stored hash (no such user) it costs the same and is never right."""
        if len(password.encode()) > MAXIMUM_BYTES:
            return False
        if stored is None:
            await self._run(self._matches, await self._decoy(), password)
            return False
        return await self._run(self._matches, stored, password)

    def outdated(self, stored: str) -> bool:
        """The hash was made with other parameters than today's."""
        return self._hasher.check_needs_rehash(stored)

    async def _decoy(self) -> str:
        if self._nobody is None:
            self._nobody = await self.hash(secrets.token_urlsafe(32))
        return self._nobody

    def _matches(self, stored: str, password: str) -> bool:
        try:
            return self._hasher.verify(stored, password)
        except (VerificationError, InvalidHashError):
            return False

    async def _run(self, work: Callable[..., R], *args: str) -> R:
        if self._pending >= self.waiting:
            raise Unavailable("Too many sign-ins are being checked at this moment. Try again in a few seconds.", "busy")
        self._pending += 1
        future = asyncio.get_running_loop().run_in_executor(self._threads, work, *args)
        future.add_done_callback(self._done)
        return await future

    def _done(self, _: object) -> None:
        self._pending -= 1


def acceptable(password: str, *, name: str, old: str | None = None) -> None:
    """Raise ``Invalid`` for a password that must not be chosen."""
    if len(password) < MINIMUM_LENGTH:
        raise Invalid(
            f"The new password is too short: {MINIMUM_LENGTH} characters or more.",
            "password-too-short",
            field="$.new",
            minimum=MINIMUM_LENGTH,
        )
    if len(password.encode()) > MAXIMUM_BYTES:
        raise Invalid(
            f"The new password is too long: at most {MAXIMUM_BYTES} bytes.",
            "password-too-long",
            field="$.new",
            maximum=MAXIMUM_BYTES,
        )
    named = len(name) >= 4 and name.casefold() in password.casefold()
    if password == old or named or len(set(password)) < MINIMUM_DISTINCT:
        raise Invalid(
            f"The new password must differ from the old one, must not contain the user's name and needs at least "
            f"{MINIMUM_DISTINCT} different characters.",
            "password-too-simple",
            field="$.new",
            distinct=MINIMUM_DISTINCT,
        )


def one_time_password() -> str:
    """Random, to be changed at the first sign-in: four groups, about 116 bits."""
    return "-".join("".join(secrets.choice(_ALPHABET) for _ in range(5)) for _ in range(4))
