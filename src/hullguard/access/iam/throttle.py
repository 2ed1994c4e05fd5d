"""The brake on guessing passwords.

An attempt is counted before the password is looked at, by one atomic increment: two hundred attempts sent at once are
counted as two hundred. They are counted per account, against many addresses trying one account, and per address,
against one address trying many accounts.
"""

import hashlib
from typing import Final

from hullguard.cache import Cache
from hullguard.model.errors import TooMany

WINDOW_SECONDS: Final = 300
PER_ACCOUNT: Final = 10
PER_ADDRESS: Final = 100
"""Wider, because a whole office may sit behind one address."""


class SignInThrottle:
    """Counts attempts in a window; a right password clears its account's count, never its address's."""

    def __init__(self, cache: Cache) -> None:
        self._cache = cache

    async def count(self, tenant: str, name: str, address: str) -> None:
        """Count one attempt; raise ``TooMany`` if it is one too many."""
        of_account = await self._cache.incr(_key("account", tenant, name.casefold()), WINDOW_SECONDS)
        of_address = await self._cache.incr(_key("address", address), WINDOW_SECONDS)
        if of_account > PER_ACCOUNT or of_address > PER_ADDRESS:
            raise TooMany(
                f"Too many sign-ins failed. Try again in {WINDOW_SECONDS // 60} minutes.",
                "sign-in-throttled",
                retry_after=WINDOW_SECONDS,
            )

    async def clear(self, tenant: str, name: str) -> None:
        """The account's owner has signed in."""
        await self._cache.delete(_key("account", tenant, name.casefold()))


def _key(*parts: str) -> str:
    # Hashed: the name is whatever a stranger typed, of any length and with any character.
    return "sign-in:" + hashlib.sha256("\0".join(parts).encode()).hexdigest()
