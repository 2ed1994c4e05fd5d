"""What the command line has submitted. A submission is a claim: nothing of it takes the place of what was seen."""

from collections.abc import Collection, Sequence
from datetime import timedelta

import sqlalchemy as sa
from msgspec import Struct

from hullguard.model.errors import Conflict, NotFound
from hullguard.model.inventory import Inventory
from hullguard.model.page import Page
from hullguard.model.submission import Submission, layers_digest
from hullguard.storage.paging import Listing, PageRequest, fetch
from hullguard.storage.stores import claims
from hullguard.storage.stores.image_places import Lister
from hullguard.storage.stores.images import Images
from hullguard.storage.stores.wait import TRIES, Wait
from hullguard.storage.tables import images, submissions, tokens, users
from hullguard.storage.transaction import Row, Transaction
from hullguard.words.plain import plain

MOST = 10_000
MOST_BYTES = 8 << 30
"""Of a tenant, compressed as they came: whoever may submit must not be able to fill the disk."""

_FORGOTTEN_AT_ONCE = 100
_BUILD = "token:"
_NAMED = {"image", "user", "token", "seen"}
"""What a submission does not have from the columns of these names."""
_LISTING = Listing(
    key=submissions.c.id,
    sorts={"submitted": submissions.c.submitted, "name": submissions.c.name, "expires": submissions.c.expires},
    default="-submitted",
    search=(submissions.c.name, submissions.c.host, submissions.c.image_id),
)


class SubmissionFilter(Struct, frozen=True):
    """Which submissions."""

    image: str | None = None
    """Of the image with this id."""


class Claim(Struct, frozen=True, kw_only=True):
    """What is submitted, and by whom."""

    id: str
    name: str
    names: Sequence[str]
    """Of the image."""
    image: str
    is_image: bool
    inventory: Inventory
    host: str
    by: str
    user: str
    source: str
    size: int
    days: int
    over: bool = False
    """Whether it may take what another user has submitted: a name, or what is told of an image."""


class Submissions:
    """The submissions of a tenant."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    async def keep(self, claim: Claim) -> Submission:
        """Put it in the place of the one of its name.

        Raises ``Conflict`` where what is submitted as an image has other layers than that image has, or says otherwise
        than what another user has submitted of it, where the name is another user's, and where there are too many.
        """
        tx = self._tx
        before = await tx.first(sa.select(submissions).where(tx.mine(submissions), submissions.c.id == claim.id))
        _require_own_name(claim, before)
        await self._require_room(claim, before)
        kept = await Images(tx).claim(
            claim.image,
            claim.inventory,
            is_image=claim.is_image,
            submission=claim.id,
            user=claim.user,
            over=claim.over,
        )
        row = {
            "id": claim.id,
            "name": claim.name,
            "kind": claim.inventory.target.kind,
            "image_id": claim.image,
            "host": claim.host,
            "by": claim.by,
            "user": claim.user,
            "source": claim.source,
            "size": claim.size,
            "kept": kept,
            "layers": layers_digest(claim.inventory.layers) if claim.is_image else "",
            "first": tx.now if before is None else before.first,
            "submitted": tx.now,
            "expires": tx.now + timedelta(days=claim.days),
        }
        await tx.upsert(submissions, row, update=[name for name in row if name not in {"id", "first"}])
        await Images(tx).listed(Lister.SUBMISSION, claim.id, {claim.image: claim.names})
        if before is not None and before.image_id != claim.image:
            await claims.settle(tx, [before.image_id])
        return await self.get(claim.id)

    async def _require_room(self, claim: Claim, before: Row | None) -> None:
        select = sa.select(
            sa.func.count().label("many"), sa.func.coalesce(sa.func.sum(submissions.c.size), 0).label("size")
        )
        held = await self._tx.first(select.where(self._tx.mine(submissions)))
        count, size = (0, 0) if held is None else (held.many, held.size)
        if before is not None:
            count, size = count - 1, size - before.size
        if count >= MOST or size + claim.size > MOST_BYTES:
            raise Conflict(
                f"{count} submissions of {size} bytes are kept already, and no more than {MOST} of {MOST_BYTES} bytes "
                "are: delete some, or let them expire sooner",
                "submission.too-many",
                maximum=MOST,
            )

    async def get(self, submission: str) -> Submission:
        """One by its id."""
        return (await self._all([await self._row(submission)]))[0]

    async def page(self, wanted: SubmissionFilter, request: PageRequest) -> Page[Submission]:
        """A page of them, the newest first."""
        where = [self._tx.mine(submissions)]
        where += [] if wanted.image is None else [submissions.c.image_id == wanted.image]
        found = await fetch(self._tx, sa.select(submissions).where(*where), _LISTING, request)
        return Page(await self._all(found.rows), found.total, found.cursor)

    async def settled(self, submission: str, *, user: str | None) -> Submission:
        """One whose image was matched since it was submitted; with ``user``, only of one of that user's.

        Raises ``Conflict`` while it waits, where it was tried in vain, where nothing is told of that image any more,
        and where what is told of it by now is what another user claims and this one did not, or neither what was
        submitted nor of the same layers: it may be of an image that the sender has never had.
        """
        row = await self._row(submission)
        if user is not None and row.user != user:
            raise _absent(submission)
        name = plain(row.name)
        columns = ("scanned", "matched", "waits", "tries", "submitted", "claimant")
        select = sa.select(*(images.c[column] for column in columns))
        image = await self._tx.first(select.where(self._tx.mine(images), images.c.id == row.image_id))
        if image is None:
            raise _absent(submission)
        if image.scanned is None:
            raise Conflict(
                f"nothing is known here any more of what was submitted as {name}: submit it again", "submission.unread"
            )
        if (
            image.submitted
            and not row.kept
            and row.user not in await claims.users(self._tx, row.image_id, image.claimant)
        ):
            raise Conflict(
                f"what is known here of {name} by now is what another user has submitted, and that says otherwise: "
                "if that is wrong, have an operator forget it on the image's page, then submit this again",
                "submission.says-otherwise",
            )
        if image.tries >= TRIES:
            raise Conflict(
                f"what was submitted as {name} could not be matched; the log of the worker says why",
                "submission.given-up",
            )
        if image.matched is None or image.waits > Wait.REFRESH:
            raise Conflict(
                f"what was submitted as {name} waits to be matched against the advisories",
                "submission.waits",
                retry_after=1,
            )
        if image.claimant != row.id:
            told = await Images(self._tx).inventory(row.image_id)
            if row.layers != layers_digest(told.layers):
                raise Conflict(
                    f"what is known here of {name} by now is of something else than what was submitted: read it again "
                    "and submit that",
                    "submission.not-that-image",
                )
        return (await self._all([row]))[0]

    async def delete(self, submission: str) -> Submission:
        """Forget one, and what it says of the image, unless another one says the same."""
        gone = await self.get(submission)
        await self._forget(gone.id, gone.image)
        return gone

    async def forget_expired(self) -> int:
        """Forget a bounded number of those that nobody has sent again in time; how many."""
        tx = self._tx
        select = sa.select(submissions.c.id, submissions.c.image_id)
        select = select.where(tx.tenants(submissions), submissions.c.expires <= tx.now)
        old = await tx.all(select.order_by(submissions.c.expires).limit(_FORGOTTEN_AT_ONCE))
        for row in old:
            await self._forget(row.id, row.image_id)
        return len(old)

    async def _forget(self, submission: str, image: str) -> None:
        tx = self._tx
        await tx.run(sa.delete(submissions).where(tx.mine(submissions), submissions.c.id == submission))
        await Images(tx).forget(Lister.SUBMISSION, submission)
        await claims.settle(tx, [image])

    async def _all(self, rows: Sequence[Row]) -> list[Submission]:
        people = await self._names(users, {row.user for row in rows})
        given = await self._names(tokens, {row.by.removeprefix(_BUILD) for row in rows})
        seen = await self._seen({row.image_id for row in rows})
        return [
            _submission(row, people.get(row.user), given.get(row.by.removeprefix(_BUILD)), seen=row.image_id in seen)
            for row in rows
        ]

    async def _seen(self, ids: Collection[str]) -> set[str]:
        """Those of these images that a node or a registry has told of."""
        read = (self._tx.mine(images), images.c.scanned.is_not(None), sa.not_(images.c.submitted))
        rows = await self._tx.all(sa.select(images.c.id).where(*read, images.c.id.in_(sorted(ids)))) if ids else []
        return {row.id for row in rows}

    async def _names(self, table: sa.Table, ids: Collection[str]) -> dict[str, str]:
        select = sa.select(table.c.id, table.c.name).where(self._tx.mine(table), table.c.id.in_(sorted(ids)))
        return {row.id: row.name for row in await self._tx.all(select)} if ids else {}

    async def _row(self, submission: str) -> Row:
        row = await self._tx.first(
            sa.select(submissions).where(self._tx.mine(submissions), submissions.c.id == submission)
        )
        if row is None:
            raise _absent(submission)
        return row


def _require_own_name(claim: Claim, before: Row | None) -> None:
    if before is not None and before.user != claim.user and not claim.over:
        raise Conflict(
            f"another user has submitted something as {claim.name}: choose another name, or have an operator forget "
            "that submission on its image's page",
            "submission.name-taken",
        )


def _absent(submission: str) -> NotFound:
    return NotFound(f"there is no submission {submission[:64]}", "submission.not-found")


def _submission(row: Row, user: str | None, token: str | None, *, seen: bool) -> Submission:
    fields = {name: getattr(row, name) for name in Submission.__struct_fields__ if name not in _NAMED}
    # Earlier releases kept what would turn or hide what stands beside it.
    fields |= {"name": plain(row.name), "host": plain(row.host)}
    return Submission(image=row.image_id, user=user, token=token, seen=seen, **fields)
