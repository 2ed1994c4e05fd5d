"""The first administrator: made once, with a password that nobody knew before. There is no default one."""

from typing import Final

from hullguard.access.iam import users
from hullguard.access.iam.actors import system
from hullguard.access.iam.passwords import Passwords
from hullguard.model.identity import Role
from hullguard.storage import PageRequest, Storage
from hullguard.storage.stores import Users

NAME: Final = "admin"


async def ensure_first_admin(storage: Storage, passwords: Passwords | None = None) -> str | None:
    """The one-time password of the administrator who was just made; None if there was any user before."""
    actor = system()
    async with storage.reading(actor.scope) as tx:
        if (await Users(tx).page(PageRequest(limit=1))).total:
            return None
    made = await users.one_time(passwords or Passwords())
    async with storage.transaction(actor.scope) as tx:
        if (await Users(tx).page(PageRequest(limit=1))).total:
            return None  # another process was faster
        await users.create(tx, actor, NAME, Role.ADMIN, made)
    return made.password
