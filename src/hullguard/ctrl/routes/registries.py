"""Registries: which the platform reads, how far it is, and what it found in them."""

from typing import Annotated, Final

from litestar import Response, delete, get, post, put
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, JSONBody
from msgspec import Meta, Struct

from hullguard.access.registries.asking import tried
from hullguard.access.registries.check import check_kept, checked, purpose
from hullguard.ctrl.call import Call
from hullguard.ctrl.listing import Searched, Short
from hullguard.ctrl.turns import Turns
from hullguard.ctrl.versions import if_match, tagged
from hullguard.model.identity import Permission
from hullguard.model.ids import new_id
from hullguard.model.page import Page
from hullguard.model.registry import (
    ImageState,
    Registry,
    RegistryAttempt,
    RegistryImage,
    RegistryInput,
    RegistrySpec,
)
from hullguard.storage import Transaction
from hullguard.storage.stores import Registries, RegistryImageFilter, RegistryImages, RegistryWork

_TESTS_AT_ONCE: Final = 4
_RETRY_SECONDS: Final = 10


class RegistryQuery(Searched, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which registries."""

    image: Short | None = None
    """The id of an image that they list."""


class RegistryImageQuery(Searched, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which images of a registry."""

    state: tuple[ImageState, ...] = ()


class RegistryScan(Struct, frozen=True, forbid_unknown_fields=True):
    """Have a registry listed and read at once."""

    again: bool = False
    """Also what was read before and has not changed."""
    comment: Annotated[str, Meta(max_length=500)] = ""


class RegistryTrial(RegistryInput, frozen=True, forbid_unknown_fields=True):
    """A registry's content before it is kept, and which registry is to become so, where one is changed."""

    registry: Annotated[str, Meta(max_length=64)] | None = None
    """Its password is used where none is given, under the rules of a change."""


@get("/registries", permission=Permission.REGISTRIES_READ)
async def list_registries(call: NamedDependency[Call], filters: NamedDependency[RegistryQuery]) -> Page[Registry]:
    """The registries, each with how far it is read."""
    async with call.reading() as tx:
        return await Registries(tx).page(filters.page(), image=filters.image)


@post("/registries", permission=Permission.REGISTRIES_WRITE, versioned=True, refusals=(409,))
async def create_registry(call: NamedDependency[Call], data: JSONBody[RegistryInput]) -> Response[Registry]:
    """Name a registry; it is listed and read at once. The password is kept sealed and never given out."""
    spec, made = checked(data), new_id()
    sealed = _sealed(call, made, spec, data.password)
    async with call.changing() as tx:
        registry = await Registries(tx).create(spec, call.actor.name, data.comment, registry=made, password=sealed)
        await _changed(call, tx, registry, "registry.create", data.comment)
    return tagged(registry, 201)


@get("/registries/{registry:str}", permission=Permission.REGISTRIES_READ, versioned=True)
async def get_registry(call: NamedDependency[Call], registry: FromPath[str]) -> Response[Registry]:
    """One registry; its ETag is what a change must send as If-Match."""
    async with call.reading() as tx:
        return tagged(await Registries(tx).get(registry))


@put(
    "/registries/{registry:str}",
    permission=Permission.REGISTRIES_WRITE,
    versioned=True,
    if_match=True,
    refusals=(409,),
)
async def update_registry(
    call: NamedDependency[Call], registry: FromPath[str], data: JSONBody[RegistryInput]
) -> Response[Registry]:
    """Change a registry, which is listed at once. 412 if somebody else changed it since it was read.

    Without a password the one that is kept stays, but not with another address, connection or authority.
    """
    expected, spec = if_match(call.request, "registry"), checked(data)
    async with call.changing() as tx:
        before = await Registries(tx).work(registry)
        kept = before.password
        if data.password is None and kept is not None:
            check_kept(before.spec, spec)
        else:
            kept = _sealed(call, registry, spec, data.password)
        made = await Registries(tx).update(
            registry, spec, call.actor.name, data.comment, expected_version=expected, password=kept
        )
        await _changed(call, tx, made, "registry.update", data.comment)
    return tagged(made)


@delete("/registries/{registry:str}", permission=Permission.REGISTRIES_WRITE, if_match=True)
async def delete_registry(call: NamedDependency[Call], registry: FromPath[str]) -> None:
    """Forget a registry. Images that lie nowhere else go with it."""
    expected = if_match(call.request, "registry")
    async with call.changing() as tx:
        before = await Registries(tx).work(registry)
        await Registries(tx).delete(registry, expected)
        await _changed(call, tx, before, "registry.delete", "")


@post("/registries/{registry:str}/scan", permission=Permission.REGISTRIES_WRITE, status_code=202, refusals=(409,))
async def scan_registry(call: NamedDependency[Call], registry: FromPath[str], data: JSONBody[RegistryScan]) -> Registry:
    """Have it listed at once, and what is new in it read. 409 while it is being listed or read."""
    async with call.changing() as tx:
        asked = await Registries(tx).ask(registry, again=data.again)
        await _changed(call, tx, asked, "registry.scan", data.comment)
    return asked


@post("/registries/test", permission=Permission.REGISTRIES_WRITE, status_code=200, refusals=(404, 503))
async def test_registry(call: NamedDependency[Call], data: JSONBody[RegistryTrial]) -> RegistryAttempt:
    """Ask a registry once, as a scan would begin, before it is named or changed.

    Whether it is reached, admits the user name, gives its catalog, and has what is named; what is wrong is in
    `trouble`, in the words of a scan. Nothing is kept but a record of the audit. It takes 15 seconds at most.
    """
    spec, password = checked(data), data.password
    async with call.changing() as tx:
        if data.registry is not None:
            before = await Registries(tx).work(data.registry)
            if password is None and before.password is not None:
                check_kept(before.spec, spec)
                password = _unsealed(call, before)
        await _tested(call, tx, spec, data.registry, data.comment)
    return await _tried(call, spec, password)


@post("/registries/{registry:str}/test", permission=Permission.REGISTRIES_WRITE, status_code=200, refusals=(404, 503))
async def test_kept_registry(call: NamedDependency[Call], registry: FromPath[str]) -> RegistryAttempt:
    """Ask a registry once as it is kept; it is neither listed nor read by that."""
    async with call.changing() as tx:
        kept = await Registries(tx).work(registry)
        password = _unsealed(call, kept)
        await _tested(call, tx, kept.spec, registry, "")
    return await _tried(call, kept.spec, password)


@get("/registries/{registry:str}/images", permission=Permission.REGISTRIES_READ)
async def list_registry_images(
    call: NamedDependency[Call], registry: FromPath[str], filters: NamedDependency[RegistryImageQuery]
) -> Page[RegistryImage]:
    """What was found in it: a row for each tag and platform, and what became of each."""
    async with call.reading() as tx:
        return await RegistryImages(tx, registry).page(filters.to(RegistryImageFilter), filters.page())


def _sealed(call: Call, registry: str, spec: RegistrySpec, password: str | None) -> bytes | None:
    if not password:
        return None
    return call.services.vault.seal(password, purpose(call.actor.scope.tenant, registry, spec))


def make_turns() -> Turns:
    """Those of registries that are tested: each takes a process for as long as the registry likes to, within bounds."""
    return Turns(_TESTS_AT_ONCE, 0, retry_seconds=_RETRY_SECONDS)


async def _tried(call: Call, spec: RegistrySpec, password: str | None) -> RegistryAttempt:
    turns: Turns = call.request.app.state.testing_registries
    async with turns.one("tests of registries"):
        return await tried(spec, password)


def _unsealed(call: Call, work: RegistryWork) -> str | None:
    if work.password is None:
        return None
    return call.services.vault.unseal(work.password, purpose(call.actor.scope.tenant, work.id, work.spec))


async def _tested(call: Call, tx: Transaction, spec: RegistrySpec, registry: str | None, comment: str) -> None:
    """Before it is asked: what somebody has the platform connect to is known whatever comes of it."""
    subject = "registries" if registry is None else f"registry:{registry}"
    details = {"name": spec.name, "address": spec.address}
    await call.record(tx, "registry.test", subject, reason=comment, details=details)


async def _changed(call: Call, tx: Transaction, registry: Registry | RegistryWork, action: str, comment: str) -> None:
    details = {"name": registry.spec.name, "address": registry.spec.address, "version": str(registry.version)}
    await call.record(tx, action, f"registry:{registry.id}", reason=comment, details=details)
    call.announce(tx, "registry", registry.id)
    call.wake_workers(tx)


ROUTES: Final[tuple[HTTPRouteHandler, ...]] = (
    list_registries,
    create_registry,
    get_registry,
    update_registry,
    delete_registry,
    scan_registry,
    test_registry,
    test_kept_registry,
    list_registry_images,
)
