"""The only SQL: ``Storage`` opens transactions, stores are made from them.

    storage = Storage.open("sqlite:////var/lib/hullguard/hullguard.db")
    await storage.migrate()
    async with storage.transaction(Scope(tenant)) as tx:
        await Nodes(tx).protect(node, on=True)

``storage/stores/__init__.py`` lists the stores and what each one answers.
"""

from hullguard.storage.engine import Storage
from hullguard.storage.paging import PageRequest
from hullguard.storage.transaction import Transaction

__all__ = ["PageRequest", "Storage", "Transaction"]
