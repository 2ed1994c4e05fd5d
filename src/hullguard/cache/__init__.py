"""Answers that are worth keeping for a while, counters, locks, and wake-ups between processes.

``MemoryCache`` lives in one process; ``serve_local`` lends it to the others on this machine, who hold a ``LocalCache``.
"""

from hullguard.cache.interface import KEY_MAX, VALUE_MAX, Cache
from hullguard.cache.local import LocalCache
from hullguard.cache.memory import MemoryCache
from hullguard.cache.server import serve_local

__all__ = ["KEY_MAX", "VALUE_MAX", "Cache", "LocalCache", "MemoryCache", "serve_local"]
