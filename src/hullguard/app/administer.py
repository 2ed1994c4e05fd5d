"""What ``hullguard admin`` does, in the platform's own data directory."""

import contextlib
import tempfile
import zipfile
import zlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hullguard import audit
from hullguard.access import enrolment
from hullguard.access.iam import users
from hullguard.access.iam.actors import system
from hullguard.access.iam.passwords import Passwords
from hullguard.app.settings import Layout
from hullguard.audit import Verification
from hullguard.hostmgr.authority import Authority
from hullguard.model.errors import Invalid, NotFound
from hullguard.storage import Storage
from hullguard.storage.stores import Sessions, Users
from hullguard.wire import bundle

_WHEEL_FILES, _WHEEL_BYTES = 10_000, 256 * 1024 * 1024
_AGENT = "hullguard/agent/child.py"
"""Without it every agent would refuse the bundle, after it had gone to all of them."""


@contextlib.asynccontextmanager
async def _opened(layout: Layout) -> AsyncIterator[Storage]:
    storage = Storage.open(layout.database_url)
    try:
        await storage.migrate()
        yield storage
    finally:
        await storage.close()


async def verify_audit(layout: Layout) -> Verification:
    """Whether the whole chain holds."""
    async with _opened(layout) as storage, storage.reading(system().scope) as tx:
        return await audit.verify(tx, audit.read_anchors(layout.anchors))


async def reset_password(layout: Layout, name: str) -> str:
    """A new one-time password; every session of the user ends."""
    made = await users.one_time(Passwords())
    async with _opened(layout) as storage, storage.transaction(system().scope) as tx:
        found = await Users(tx).credentials(name)
        if found is None:
            raise NotFound(f"there is no user {name!r}")
        await Users(tx).set_password(found.user.id, made.hash, must_change_password=True)
        await Sessions(tx).delete_for_user(found.user.id)
        await audit.record(tx, system(), "user.reset-password", f"user:{name}", reason="command line")
    return made.password


async def enrolment_token(layout: Layout, *, name: str, cluster: str, life: timedelta, uses: int) -> str:
    """The text of a new token; it cannot be shown again."""
    authority = Authority.open(layout.authority, datetime.now(UTC))
    async with _opened(layout) as storage, storage.transaction(system().scope) as tx:
        _, text = await enrolment.create(
            tx, system(), name=name, cluster=cluster, expires=tx.now + life, max_uses=uses, pin=authority.pin
        )
    return text


def agent_bundle(layout: Layout, wheel: Path, output: Path) -> str:
    """Sign the content of a wheel as an agent bundle; the version that it installs."""
    authority = Authority.open(layout.authority, datetime.now(UTC))
    try:
        version = wheel.name.split("-")[1]
        archive = zipfile.ZipFile(wheel)
    except (IndexError, OSError, zipfile.BadZipFile) as cause:
        raise Invalid(f"{wheel} is not a wheel; `make package` makes one in dist/") from cause
    if output.is_dir() or not output.absolute().parent.is_dir():
        archive.close()
        raise Invalid(f"cannot write {output}: it is a directory, or lies in none")
    with archive, tempfile.TemporaryDirectory(prefix="hullguard-bundle-") as work:
        files = [entry for entry in archive.infolist() if not entry.is_dir()]
        if len(files) > _WHEEL_FILES or sum(entry.file_size for entry in files) > _WHEEL_BYTES:
            raise Invalid(f"{wheel} is larger than any agent is")
        payload: dict[str, Path] = {}
        for number, entry in enumerate(files):
            # Names in an archive are only names: what is written goes to a numbered file.
            path = Path(work) / str(number)
            path.write_bytes(_content(archive, entry))
            payload[entry.filename] = path
        if _AGENT not in payload:
            raise Invalid(f"{wheel} holds no agent ({_AGENT}); name a wheel of Hullguard")
        bundle.build(
            output, payload, version=version, min_version="0.0.1", created=datetime.now(UTC), key=authority.release
        )
    return version


def _content(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    try:
        return archive.read(entry)
    # What zipfile raises for what is damaged, encrypted, or compressed in a way that it does not know.
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, OSError, ValueError) as cause:
        raise Invalid(f"{archive.filename} is damaged: {entry.filename} cannot be read: {cause}") from cause
