"""The advisory database: what is known, how it is kept up to date, and files for networks without a way out."""

import asyncio
import hashlib
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Final
from urllib.parse import urlsplit

import msgspec
from litestar import Response, get, post, put
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import JSONBody
from msgspec import Meta, Struct, structs

from hullguard.advisories.errands.messages import Look, in_force
from hullguard.advisories.errands.parent import carried_out
from hullguard.advisories.update.mirror import require_name, require_url
from hullguard.ctrl.call import Call
from hullguard.ctrl.errors import NotAcceptable
from hullguard.ctrl.receiving import receive
from hullguard.ctrl.versions import if_match, tagged
from hullguard.model.advisory_update import (
    AdvisoryDatabase,
    AdvisoryProgress,
    AdvisoryRun,
    AdvisorySettings,
    AdvisoryStatus,
    ChosenSettings,
    RunKind,
    RunState,
)
from hullguard.model.decoding import from_msgpack
from hullguard.model.errors import HullguardError, Invalid, TooMany, Unavailable
from hullguard.model.identity import Permission
from hullguard.model.ids import new_id
from hullguard.net.allowed import link_local
from hullguard.storage import Transaction
from hullguard.storage.stores import ADVISORIES_TROUBLE, AdvisoryRuns, Jobs, Settings
from hullguard.storage.stores.advisory_runs import PROGRESS, SCHEDULE, Plan

UPLOAD_MAX: Final = 4 << 30
"""Everything that osv.dev has is a third of it."""
UPLOAD_SECONDS: Final = 3600
LOOK_SECONDS: Final = 120.0


class Named(Struct, frozen=True, forbid_unknown_fields=True):
    """What an uploaded file is called by who brings it; it names nothing here."""

    name: Annotated[str, Meta(min_length=1, max_length=200)] = "upload"


@get("/advisories", permission=Permission.ADVISORIES_READ)
async def get_advisories(call: NamedDependency[Call]) -> AdvisoryStatus:
    """What the workers know, from which sources, and how it is kept up to date: under way, next and last."""
    async with call.reading() as tx:
        runs = AdvisoryRuns(tx)
        plan, database = await runs.plan(), await runs.database()
        settings = in_force(await runs.chosen()).settings
        trouble = await Settings(tx).get(ADVISORIES_TROUBLE, str) or None
    first = min(plan.waiting, key=lambda run: run.state is not RunState.RUNNING, default=None)
    running = first is not None and first.state is RunState.RUNNING
    return AdvisoryStatus(
        database=None if database is None else _reported(database, plan),
        trouble=trouble,
        enabled=settings.enabled,
        every_hours=settings.every_hours,
        next_due=plan.due if settings.enabled else None,
        run=first,
        waiting=max(len(plan.waiting) - 1, 0),
        progress=await _progress(call) if running else None,
        runs=plan.done,
    )


@get("/advisories/settings", permission=Permission.ADVISORIES_READ, versioned=True)
async def get_advisory_settings(call: NamedDependency[Call]) -> Response[ChosenSettings]:
    """When the platform updates, and from where; the ETag is what a change must send as If-Match."""
    async with call.reading() as tx:
        return tagged(in_force(await AdvisoryRuns(tx).chosen()))


@put("/advisories/settings", permission=Permission.ADVISORIES_WRITE, versioned=True, if_match=True)
async def set_advisory_settings(
    call: NamedDependency[Call], data: JSONBody[AdvisorySettings]
) -> Response[ChosenSettings]:
    """Decide when and from where. Other sources, or updates switched on, are acted on at once.

    412 if somebody else changed the settings since they were read.
    """
    expected = if_match(call.request, "settings")
    settings = _checked(data)
    async with call.changing() as tx:
        runs = AdvisoryRuns(tx)
        before = in_force(await runs.chosen()).settings
        made = await runs.choose(settings, expected_version=expected)
        await _replan(tx, before, settings)
        details = {name: _written(value) for name, value in structs.asdict(settings).items()}
        await call.record(tx, "advisories.settings", "advisories:settings", details=details)
        _wake(call, tx, "settings")
    return tagged(made)


@post("/advisories/update", permission=Permission.ADVISORIES_UPDATE, status_code=202, refusals=(429,))
async def update_advisories(call: NamedDependency[Call]) -> AdvisoryRun:
    """Fetch what is new now. One that waits or is under way already is answered instead."""
    async with call.changing() as tx:
        run = await AdvisoryRuns(tx).update(call.actor.name)
        await call.record(tx, "advisories.update", f"advisories:{run.id}")
        _wake(call, tx, run.id)
    return run


@post(
    "/advisories/import",
    permission=Permission.ADVISORIES_WRITE,
    status_code=202,
    binary_body=True,
    refusals=(408, 413, 415, 429, 503),
    request_max_body_size=UPLOAD_MAX,
)
async def import_advisories(call: NamedDependency[Call], filters: NamedDependency[Named]) -> AdvisoryRun:
    """Upload one file of at most 4 GiB, such as `hullguard db import` takes; it is imported when it is its turn.

    A bundle must be signed with a key that the settings trust. What cannot be imported at all is refused at once; what
    became of the rest is in the run's outcome.
    """
    if call.request.headers.get("content-type", "") != "application/octet-stream":
        raise NotAcceptable("Send the file as application/octet-stream.", "media-type")
    folder = call.services.settings.incoming
    if folder is None:
        raise Unavailable("This server has no place for uploaded advisories.", "upload-no-place")
    async with call.reading() as tx:
        runs = AdvisoryRuns(tx)
        (await runs.plan()).require_room()
        chosen = in_force(await runs.chosen()).settings
    turn: asyncio.Lock = call.request.app.state.uploading_advisories
    if turn.locked():
        raise TooMany("Another file is being uploaded. Try again when it is done.", "upload-busy", retry_after=30)
    identifier, name = new_id(), filters.name
    async with turn, _received(call, folder, identifier) as upload:
        keys = tuple(one.key for one in chosen.trusted_keys)
        looked = await carried_out(Look(str(upload.path), name, keys), LOOK_SECONDS)
        if looked.fault is not None:
            raise Invalid(looked.fault, looked.code or "advisories.unusable", field="$")
        async with call.changing() as tx:
            run = await AdvisoryRuns(tx).load(identifier, call.actor.name, name, upload.size)
            details = {"name": name, "size": str(upload.size), "sha256": upload.sha256}
            await call.record(tx, "advisories.import", f"advisories:{run.id}", details=details)
            _wake(call, tx, run.id)
        upload.keep = True
    return run


class _Upload:
    """A file on its way to where a worker finds it."""

    def __init__(self, path: Path) -> None:
        self.path, self.size, self.keep = path, 0, False
        self._digest = hashlib.sha256()

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()

    def write(self, piece: bytes) -> None:
        """Called in a thread: a slow disk must not stop the loop."""
        try:
            with self.path.open("ab") as file:
                file.write(piece)
        except OSError as cause:
            raise Unavailable(f"The upload cannot be kept: {cause.strerror}.", "upload-not-kept") from cause
        self.size += len(piece)
        self._digest.update(piece)


@asynccontextmanager
async def _received(call: Call, folder: Path, identifier: str) -> AsyncIterator[_Upload]:
    """The body in a file, which is gone afterwards unless it is to be kept."""
    length = call.request.headers.get("content-length", "")
    await asyncio.to_thread(_room, folder, int(length) if length.isdecimal() else 0)
    upload = _Upload(folder / identifier)
    try:
        await receive(call.request, upload.write, "file", UPLOAD_SECONDS)
        yield upload
    finally:
        if not upload.keep:
            upload.path.unlink(missing_ok=True)


def _room(folder: Path, size: int) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        free = shutil.disk_usage(folder).free
    except OSError as cause:
        raise Unavailable(f"The upload cannot be kept: {cause.strerror}.", "upload-not-kept") from cause
    if size > free:
        raise Unavailable("The upload cannot be kept: No space left on device.", "upload-not-kept")


def _reported(database: AdvisoryDatabase, plan: Plan) -> AdvisoryDatabase:
    sources = (structs.replace(each, report=plan.reports.get(each.name)) for each in database.sources)
    return structs.replace(database, sources=tuple(sources))


async def _progress(call: Call) -> AdvisoryProgress | None:
    """Without a cache nobody knows how far it is; that it is under way is known."""
    try:
        content = await call.services.cache.get(PROGRESS)
        return None if content is None else from_msgpack(content, AdvisoryProgress)
    except (HullguardError, msgspec.MsgspecError):
        return None


def _checked(settings: AdvisorySettings) -> AdvisorySettings:
    for field in ("mirror", "kev", "epss"):
        url = getattr(settings, field)
        if not url and field != "mirror":
            continue
        try:
            require_url(url)
        except Invalid as wrong:
            raise Invalid(str(wrong), wrong.code, field=f"$.{field}") from wrong
        if link_local(urlsplit(url).hostname or ""):
            sentence = f"{urlsplit(url).hostname} is an address that only answers this machine; nothing is asked there"
            raise Invalid(sentence, "update.forbidden-address", field=f"$.{field}")
        if "@" in url.partition("//")[2].partition("/")[0]:
            # Everybody who may read the settings, or why an update failed, would read it.
            raise Invalid(
                "An address carries no name or password; let the mirror know this host.",
                "update.secret",
                field=f"$.{field}",
            )
    names = []
    for number, name in enumerate(settings.ecosystems):
        try:
            names.append(require_name(name))
        except Invalid as wrong:
            raise Invalid(str(wrong), wrong.code, field=f"$.ecosystems[{number}]") from wrong
    return structs.replace(settings, ecosystems=tuple(dict.fromkeys(names)))


async def _replan(tx: Transaction, before: AdvisorySettings, settings: AdvisorySettings) -> None:
    """Have what follows from the change happen soon, and not when the old settings would have had it."""
    runs = AdvisoryRuns(tx)
    plan = await runs.plan()
    fetched = ("mirror", "kev", "epss", "ecosystems")
    others = not before.enabled or any(getattr(before, each) != getattr(settings, each) for each in fetched)
    if not settings.enabled:
        due = None
    elif others:
        due = tx.now
    elif before.every_hours != settings.every_hours:
        last = next((run.finished for run in plan.done if run.kind is RunKind.UPDATE), None)
        due = plan.due if last is None else max(tx.now, last + plan.pause(timedelta(hours=settings.every_hours)))
    else:
        due = plan.due
    await runs.due(due)
    await Jobs(tx).enqueue(SCHEDULE)


def _written(value: object) -> str:
    """A setting as the audit shows it."""
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _wake(call: Call, tx: Transaction, thing: str) -> None:
    """Wake a worker, and have open consoles look again."""
    call.announce(tx, "advisories", thing)
    call.wake_workers(tx)


ROUTES: Final[tuple[HTTPRouteHandler, ...]] = (
    get_advisories,
    get_advisory_settings,
    set_advisory_settings,
    update_advisories,
    import_advisories,
)
