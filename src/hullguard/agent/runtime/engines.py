"""Keeps the stock of the engines beside Docker current: which there are is found out again and again.

What an engine had counts on when it goes away, hangs or drips, with a reason in the node's state: images are dropped
when the engine tells that they are gone, or when nothing of it was on this machine for a day. So that this holds
over a restart of the agent, too, it is kept in a file.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import msgspec
import structlog

from hullguard.agent.runtime.containerd import Containerd
from hullguard.agent.runtime.docker import LocalImage
from hullguard.agent.runtime.podman import Podman
from hullguard.agent.runtime.stock import Engine, Known, Place, Stock, merged
from hullguard.agent.state import read_json, write_json
from hullguard.model.errors import HullguardError, Unavailable
from hullguard.model.node import Container, Reason
from hullguard.wire import limits

REFRESH_SECONDS: Final = 60.0
LOOK_SECONDS: Final = 45.0
"""For one engine, with all that it is asked."""
_GONE_SECONDS: Final = 24 * 3600.0
_DOCKER: Final = "docker"
_LONGEST: Final = 500

_log = structlog.get_logger()


def every() -> tuple[Engine, ...]:
    """Those that are looked for beside Docker."""
    return (Podman(), Containerd())


class Engines:
    """Calls ``changed`` whenever an engine has something else, or cannot be asked any more."""

    def __init__(self, engines: Sequence[Engine], kept: Path, changed: Callable[[], None]) -> None:
        self._engines, self._kept, self._changed = engines, kept, changed
        names = {_DOCKER, *(engine.name for engine in engines)}
        self._stocks = {name: stock for name, stock in _load(kept).items() if name in names}
        self._reasons: dict[str, Reason] = {}
        self._absent_since: dict[str, float] = {}
        self._looking = asyncio.Lock()
        self.settled = not engines
        """Whether all were looked at since the agent began."""

    async def run(self) -> None:
        """Look for ever."""
        while True:
            await self.look()
            await asyncio.sleep(REFRESH_SECONDS)

    async def look(self) -> None:
        """Look at every engine once, all at the same time: one that hangs keeps no other waiting."""
        async with self._looking:
            before = (dict(self._stocks), dict(self._reasons), self.settled)
            await asyncio.gather(*map(self._look_at, self._engines))
            self.settled = True
            if before != (self._stocks, self._reasons, True):
                await asyncio.to_thread(_save, self._kept, self._stocks)
                self._changed()

    async def _look_at(self, engine: Engine) -> None:
        name = engine.name
        try:
            async with asyncio.timeout(LOOK_SECONDS):
                if not await asyncio.to_thread(engine.here):
                    self._away(name)
                    return
                stock = await engine.stock()
        except TimeoutError:
            self._fail(name, f"it did not tell within {LOOK_SECONDS:.0f} s what it has")
        except HullguardError as bad:
            self._fail(name, str(bad))
        except Exception as bad:  # noqa: BLE001 - the boundary of a plug-in: one broken engine must not stop the agent
            _log.exception("engine not understood", engine=name)
            self._fail(name, f"what it has was not understood: {type(bad).__name__}")
        else:
            self._take(name, stock)

    def _take(self, name: str, stock: Stock) -> None:
        before = self._stocks.get(name)
        if before is None or before.version != stock.version:
            _log.info("container engine", engine=name, version=stock.version, images=len(stock.images))
        if before is not None and not stock.whole:
            stock = msgspec.structs.replace(
                stock, images={**before.images, **stock.images}, places={**before.places, **stock.places}
            )
        self._stocks[name] = stock
        self._reasons.pop(name, None)
        self._absent_since.pop(name, None)
        if stock.left_out:
            text = (
                f"{stock.left_out} images of {name} are not listed: they are too many, or not of this machine's kind."
            )
            self._reasons[name] = Reason("runtime.images-left-out", text, {"engine": name, "images": stock.left_out})

    def _away(self, name: str) -> None:
        """Nothing of it is on this machine: it never was, or it was taken away."""
        if name not in self._stocks:
            self._reasons.pop(name, None)
            return
        now = time.monotonic()
        if now - self._absent_since.setdefault(name, now) >= _GONE_SECONDS:
            del self._stocks[name], self._absent_since[name]
            self._reasons.pop(name, None)
            _log.info("container engine gone", engine=name)
        else:
            self._fail(name, "it is not on this machine any more")

    def _fail(self, name: str, why: str) -> None:
        why = why[:_LONGEST].rstrip(".")
        if name not in self._reasons:
            _log.warning("container engine not asked", engine=name, why=why)
        text = f"{name} cannot be asked what it has; what it had counts on: {why}."
        self._reasons[name] = Reason("runtime.engine-unreachable", text, {"engine": name, "why": why})

    # What others ask ------------------------------------------------------------------------------------------------

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """What is wrong with engines."""
        return tuple(self._reasons.values())

    @property
    def versions(self) -> list[str]:
        """Of the engines that tell what they have, for example ``podman 4.3.1``."""
        return [stock.version for name, stock in self._others() if self._answers(name)]

    @property
    def containers(self) -> tuple[Container, ...]:
        """Those that run under engines other than Docker."""
        return tuple(container for _, stock in self._others() for container in stock.containers)

    @property
    def knows_docker(self) -> bool:
        """Whether Docker had anything on this machine."""
        return _DOCKER in self._stocks

    def known(self, docker: Sequence[LocalImage] | None) -> dict[str, Known]:
        """Every image of this machine; without a list of Docker's, what that had last."""
        if docker is None:
            last = self._stocks.get(_DOCKER)
            docker = [LocalImage(image, names) for image, names in last.images.items()] if last else []
        found = merged(docker, (stock for _, stock in self._others()))
        return dict(list(found.items())[: limits.IMAGES])

    def places(self, image: str) -> tuple[Place, ...]:
        """Where it can be read; Docker is asked for what nobody listed."""
        found = self.known(None).get(image)
        return found.places if found and found.places else (Place(f"docker:{image}"),)

    def saw_docker(self, version: str, images: Sequence[LocalImage]) -> None:
        """Docker is asked by the runtime's watch; that its images are kept over a restart is done here."""
        stock = Stock(version, {image.id: image.names for image in images})
        if self._stocks.get(_DOCKER) != stock:
            self._stocks[_DOCKER] = stock
            _save(self._kept, self._stocks)

    def _others(self) -> list[tuple[str, Stock]]:
        return [(name, stock) for name, stock in self._stocks.items() if name != _DOCKER]

    def _answers(self, name: str) -> bool:
        reason = self._reasons.get(name)
        return reason is None or reason.code != "runtime.engine-unreachable"


def _load(path: Path) -> dict[str, Stock]:
    try:
        kept = read_json(path, dict[str, Stock]) or {}
    except HullguardError as bad:
        _log.warning("what engines had is not known any more", why=str(bad))
        return {}
    return {name: msgspec.structs.replace(stock, containers=()) for name, stock in kept.items()}


def _save(path: Path, stocks: dict[str, Stock]) -> None:
    kept = {name: msgspec.structs.replace(stock, containers=()) for name, stock in stocks.items()}
    try:
        write_json(path, kept)
    except (OSError, Unavailable) as full:
        _log.warning("what engines have is not kept", why=str(full))
