"""Wakes sessions when ctrl has written something for their node.

ctrl publishes on ``node:<id>``. A subscription per node would cost a connection per node, so nodes share
subscriptions in groups; a group that changes subscribes anew before it drops its old subscription, so that nothing is
missed in between. What is missed all the same (a cache that fails) is found by the poll in ``dispatch``.
"""

import asyncio
from collections.abc import Callable

from hullguard.cache import Cache

GROUP = 256

Wake = Callable[[bytes], None]


class Wakes:
    """Who wants to be woken for which node."""

    def __init__(self, cache: Cache) -> None:
        self._cache = cache
        self._groups: list[_Group] = []
        self._placed: dict[str, _Group] = {}

    def join(self, node: str, wake: Wake) -> None:
        """Call ``wake`` for every message to ``node``; a later call for the same node replaces this one."""
        group = self._placed.get(node) or next((g for g in self._groups if len(g.members) < GROUP), None)
        if group is None:
            group = _Group(self._cache)
            self._groups.append(group)
        self._placed[node] = group
        group.join(node, wake)

    def leave(self, node: str, wake: Wake) -> None:
        """No longer; unless somebody else has taken the node over meanwhile."""
        group = self._placed.get(node)
        if group is not None and group.members.get(node) == wake:
            del self._placed[node]
            group.leave(node)

    async def close(self) -> None:
        """Stop listening."""
        for group in self._groups:
            await group.close()


class _Group:
    def __init__(self, cache: Cache) -> None:
        self.members: dict[str, Wake] = {}
        self._cache = cache
        self._changed = asyncio.Event()
        self._task = asyncio.create_task(self._run())

    def join(self, node: str, wake: Wake) -> None:
        known = node in self.members
        self.members[node] = wake
        if not known:
            self._changed.set()

    def leave(self, node: str) -> None:
        # The subscription keeps the channel until the next change: its messages find nobody.
        self.members.pop(node, None)

    async def close(self) -> None:
        await _end([self._task])

    async def _run(self) -> None:
        listening: list[asyncio.Task[None]] = []
        try:
            while True:
                await self._changed.wait()
                self._changed.clear()
                subscribed = asyncio.Event()
                listening.append(asyncio.create_task(self._listen(tuple(self.members), subscribed)))
                await subscribed.wait()
                *former, latest = listening
                await _end(former)
                listening = [latest]
        finally:
            await _end(listening)

    async def _listen(self, nodes: tuple[str, ...], subscribed: asyncio.Event) -> None:
        async with self._cache.subscribe(*(f"node:{node}" for node in nodes)) as messages:
            subscribed.set()
            async for channel, message in messages:
                wake = self.members.get(channel.removeprefix("node:"))
                if wake is not None:
                    wake(message)


async def _end(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    if tasks:
        # Not "await task": if we are cancelled meanwhile, that must not be taken for the task's own cancellation.
        await asyncio.wait(tasks)
