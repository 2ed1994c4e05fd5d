"""Registries are listed when that is due or asked for, and what is new in them is read, one image after another.

All of one registry is one job, so that nothing of it is done twice at once; several registries are read at the same
time. Asking and reading are done by a process of its own (``registry_reader``); here is only what is kept.
"""

import asyncio
import contextlib
import time
from collections.abc import Coroutine, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeVar

import msgspec
import structlog

from hullguard.access.registries.check import purpose
from hullguard.inventory import apart
from hullguard.model.decoding import from_msgpack, wrong
from hullguard.model.errors import (
    Denied,
    HullguardError,
    Invalid,
    LimitReached,
    NotFound,
    Unauthenticated,
    Unavailable,
)
from hullguard.model.inventory import READER, Inventory, unread
from hullguard.model.registry import ImageState, RegistryListing, RegistryState, Trouble
from hullguard.storage.stores import (
    READ_REGISTRY,
    Awaited,
    Images,
    Jobs,
    Registries,
    RegistryImages,
    RegistryWork,
)
from hullguard.wire import limits
from hullguard.wire.inventory import unpack
from hullguard.worker.context import Context
from hullguard.worker.matching import MATCH
from hullguard.worker.registry_job import Answer, ListJob, ReadJob

LIST_SECONDS = 2400.0
READ_SECONDS = 1800.0
TURN_SECONDS = 60.0
"""After so long a registry's job makes room for another's; it goes on when its turn comes again."""
LOOK_SECONDS = 5.0
"""How often one looks whether a registry that is being asked is still there, as it was."""
_LISTING_BYTES = 64 << 20
_READER: Final = "hullguard.worker.registry_reader"
_OF_THE_REGISTRY: Final = frozenset({"registry.unreachable", "registry.busy", "registry.sealed"})
"""Why an image was not read that is no fault of the image's."""
PASSING: Final = ("registry.cut-off", "registry.refused", "net.too-slow", "net.endless", "image.worker-died")
"""Why images were not read that may have gone with the trouble that ended an earlier turn."""

_NATURES: Final[Mapping[str, type[HullguardError]]] = {
    kind.nature: kind for kind in (Invalid, NotFound, Unauthenticated, Denied, LimitReached, Unavailable)
}

T = TypeVar("T")
_log = structlog.get_logger()


class _Ended(NamedTuple):
    """What came of one image."""

    state: ImageState
    code: str = ""
    why: str = ""


class ChangedError(Exception):
    """Somebody changed the registry while it was asked."""


class DueRegistries:
    """Look which registries are to be listed."""

    kind = "due-registries"
    every_seconds = 30
    lease_seconds = 60.0

    async def run(self, context: Context, key: str) -> None:  # noqa: ARG002 - there is only one
        async with context.storage.transaction(context.scope) as tx:
            changed = [*await Registries(tx).enqueue_due(), *await Registries(tx).lost()]
        for registry in changed:
            await context.announce("registry", registry)


class ReadRegistry:
    """List a registry if that is wanted, then read what waits."""

    kind = READ_REGISTRY
    every_seconds = None
    lease_seconds = 60.0

    async def run(self, context: Context, key: str) -> None:
        async with context.storage.reading(context.scope) as tx:
            work = await Registries(tx).work(key)
        try:
            await self._turn(context, work)
        except ChangedError:
            async with context.storage.transaction(context.scope) as tx:
                await Registries(tx).go_on(key)
        except NotFound as gone:
            if gone.code == "registry.not-found":
                return
            await _failed(context, key, gone)
        except Unavailable as refused:
            await _failed(context, key, refused)
            raise
        except HullguardError as refused:
            # Nothing changes by asking again: it waits for its time, or for somebody who mends it.
            await _failed(context, key, refused)

    async def _turn(self, context: Context, work: RegistryWork) -> None:
        """What a listing found that broke off is read before the next one: that may break off as early."""
        if not work.to_list or work.state is RegistryState.FAILED:
            await _resume(context, work)
            if not await _all_read(context, work):
                return
        if work.to_list:
            await _list(context, work)
            if not await _all_read(context, work):
                return
        async with context.storage.transaction(context.scope) as tx:
            await Registries(tx).done(work.id)
        await context.announce("registry", work.id)


async def _all_read(context: Context, work: RegistryWork) -> bool:
    """Read what waits; False where the time is over first, and it goes on at its next turn."""
    until = time.monotonic() + TURN_SECONDS
    while (image := await _next(context, work)) is not None:
        await _read(context, work, image)
        if time.monotonic() > until:
            async with context.storage.transaction(context.scope) as tx:
                await Registries(tx).go_on(work.id)
            return False
    return True


async def _list(context: Context, work: RegistryWork) -> None:
    """List it and keep what was found. Raises where it broke off: others get its place until it is tried again."""
    async with context.storage.transaction(context.scope) as tx:
        await Registries(tx).began(work.id, RegistryState.LISTING)
        known = await RegistryImages(tx, work.id).tags()
    await context.announce("registry", work.id)
    job = ListJob(
        spec=work.spec,
        password=_password(context, work),
        output=str(_output(context, work)),
        known=tuple((repository, tag, digest) for (repository, tag), digest in known.items()),
    )
    what = f"the registry {work.spec.address}"
    content = await _unchanged(context, work, _asked(job, LIST_SECONDS, what, _LISTING_BYTES))
    try:
        listing = await asyncio.to_thread(from_msgpack, content, RegistryListing)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as bad:
        raise Unavailable(f"what was listed of {what} has not its form: {wrong(bad)}", "image.worker-died") from bad
    async with context.storage.transaction(context.scope) as tx:
        if (await Registries(tx).work(work.id)).version != work.version:
            raise ChangedError
        await RegistryImages(tx, work.id).replace(work, listing, READER)
        await Registries(tx).listed(work, listing)
    await context.announce("registry", work.id)
    _log.info("registry listed", registry=work.id, images=len(listing.images), unchanged=len(listing.unchanged))
    if listing.stopped and listing.trouble is not None:
        after = {} if listing.retry_after is None else {"retry_after": listing.retry_after}
        raise Unavailable(listing.trouble.sentence, listing.trouble.code, **after)


async def _resume(context: Context, work: RegistryWork) -> None:
    """Read on; what failed for a reason that may have passed is tried once more after a failure of the registry."""
    async with context.storage.transaction(context.scope) as tx:
        if work.state is RegistryState.FAILED:
            await RegistryImages(tx, work.id).retry(PASSING)
        await Registries(tx).began(work.id, RegistryState.READING)
    await context.announce("registry", work.id)


async def _next(context: Context, work: RegistryWork) -> Awaited | None:
    async with context.storage.transaction(context.scope) as tx:
        if (await Registries(tx).work(work.id)).version != work.version:
            raise ChangedError
        return await RegistryImages(tx, work.id).waiting()


async def _read(context: Context, work: RegistryWork, image: Awaited) -> None:
    """Read one image and keep what is in it, or why it could not be read."""
    try:
        inventory = await _inventory(context, work, image)
    except (HullguardError, asyncio.CancelledError, ChangedError) as refused:
        if isinstance(refused, HullguardError) and refused.code not in _OF_THE_REGISTRY:
            await _keep_refusal(context, work, image, refused)
            return
        async with context.storage.transaction(context.scope) as tx:
            await RegistryImages(tx, work.id).put_back(image)
        raise
    why = _first_doubt(inventory)
    ended = _Ended(ImageState.DONE) if inventory.complete else _Ended(ImageState.INCOMPLETE, "image.incomplete", why)
    await _keep(context, work, image, inventory, ended)


async def _keep_refusal(context: Context, work: RegistryWork, image: Awaited, refused: HullguardError) -> None:
    _log.warning(
        "image of a registry not read", registry=work.id, repository=image.repository, tag=image.tag, why=str(refused)
    )
    inventory = None if image.image_id is None else unread(image.image_id, str(refused))
    await _keep(context, work, image, inventory, _Ended(ImageState.FAILED, refused.code, str(refused)))


async def _keep(
    context: Context, work: RegistryWork, image: Awaited, inventory: Inventory | None, ended: _Ended
) -> None:
    image_id = image.image_id if inventory is None else inventory.target.image_id
    async with context.storage.transaction(context.scope) as tx:
        if not await RegistryImages(tx, work.id).ended(
            image, ended.state, image_id=image_id, code=ended.code, why=ended.why
        ):
            return  # it is gone, or names something else meanwhile
        if inventory is not None and image_id is not None:
            await Images(tx).store_inventory(image_id, inventory, again=image.again)
            await Jobs(tx).enqueue(MATCH)
    await context.announce("registry", work.id)
    if image_id is not None:
        await context.announce("image", image_id)
    await context.wake_workers()


async def _inventory(context: Context, work: RegistryWork, image: Awaited) -> Inventory:
    job = ReadJob(
        spec=work.spec,
        password=_password(context, work),
        output=str(_output(context, work)),
        repository=image.repository,
        digest=image.digest,
        platform=image.platform,
        layers=str(context.registries.layers),
    )
    what = f"{work.spec.address}/{image.repository}:{image.tag}"
    packed = await _unchanged(context, work, _asked(job, READ_SECONDS, what, limits.INVENTORY_COMPRESSED_BYTES))
    return await asyncio.to_thread(unpack, packed)


async def _asked(job: ListJob | ReadJob, seconds: float, what: str, most: int) -> bytes:
    """What the process left; raises what it was refused."""
    output = Path(job.output)
    try:
        answer = await apart.ask(_READER, job, Answer, seconds, what)
        if answer.code:
            kind = _NATURES.get(answer.nature, Unavailable)
            after = {} if answer.retry_after is None else {"retry_after": answer.retry_after}
            raise kind(answer.message, answer.code, **after)
        return await asyncio.to_thread(_bounded, output, most)
    finally:
        await asyncio.to_thread(output.unlink, missing_ok=True)


def _bounded(path: Path, most: int) -> bytes:
    with path.open("rb") as file:
        content = file.read(most + 1)
    if len(content) > most:
        raise LimitReached(f"what was found is larger than {most} bytes", "registry.too-much")
    return content


async def _unchanged(context: Context, work: RegistryWork, asking: Coroutine[Any, Any, T]) -> T:
    """The outcome, unless somebody forgets or changes the registry meanwhile: then it is broken off."""
    task = asyncio.ensure_future(asking)
    try:
        while not (await asyncio.wait({task}, timeout=LOOK_SECONDS))[0]:
            with contextlib.suppress(Unavailable):  # a database that is busy is asked the next time
                async with context.storage.reading(context.scope) as tx:
                    if (await Registries(tx).work(work.id)).version != work.version:
                        raise ChangedError
        return task.result()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def _password(context: Context, work: RegistryWork) -> str | None:
    if work.password is None:
        return None
    return context.registries.vault.unseal(work.password, purpose(context.scope.tenant, work.id, work.spec))


def _output(context: Context, work: RegistryWork) -> Path:
    return context.registries.scratch / f"registry-{work.id}"


def _first_doubt(inventory: Inventory) -> str:
    doubts = [each for each in inventory.unknowns if each.incomplete] or list(inventory.unknowns)
    return f"{doubts[0].what}: {doubts[0].why}" if doubts else ""


async def _failed(context: Context, registry: str, refused: HullguardError) -> None:
    async with context.storage.transaction(context.scope) as tx:
        await Registries(tx).failed(registry, Trouble(refused.code, str(refused)))
    await context.announce("registry", registry)
