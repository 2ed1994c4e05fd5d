"""Submissions: what the command line read and sent, so that the platform watches it as it watches images."""

import asyncio
import hashlib
import re
from pathlib import Path
from typing import Annotated, Final

import msgspec
from litestar import Response, delete, get, post
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from msgspec import Meta, structs

from hullguard.access.iam import denials
from hullguard.access.iam.authorize import may
from hullguard.ctrl.call import Call
from hullguard.ctrl.errors import NotAcceptable
from hullguard.ctrl.listing import Searched, Short
from hullguard.ctrl.receiving import received
from hullguard.ctrl.routes.image_reports import turns
from hullguard.ctrl.turns import Turns
from hullguard.model.errors import Conflict, Invalid
from hullguard.model.identity import Permission
from hullguard.model.inventory import Inventory
from hullguard.model.package import Unknown
from hullguard.model.page import Page
from hullguard.model.report import ScanReport
from hullguard.model.submission import Submission, image_of, submission_id
from hullguard.storage import Transaction
from hullguard.storage.stores import Claim, Idempotency, Images, Jobs, SubmissionFilter, Submissions
from hullguard.wire import limits
from hullguard.wire import submission as wire
from hullguard.wire.submission import Looked, Sent
from hullguard.words.plain import fault_of_name

UPLOAD_SECONDS: Final = 120.0
RECEIVED_AT_ONCE: Final = 8
"""Bodies on the disk; of these one at a time is unpacked into memory."""
RETRY_SECONDS: Final = 5

_IMAGE_ID: Final = re.compile(r"sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}")
_KIND: Final = re.compile(r"[a-z][a-z-]{0,31}")
_NOT_LOOKED: Final = "nobody looked for this in what was submitted"
_DISPUTED: Final = {
    "submission.says-otherwise": "image",
    "submission.not-that-image": "image",
    "submission.name-taken": "submission",
}
"""Refusals because of what somebody has submitted before, and of what they are told."""
_WHAT: Final = {Looked.SECRET: "secrets", Looked.MALWARE: "malware", Looked.CONFIG: "configuration"}


class SubmissionQuery(Searched, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which submissions."""

    image: Annotated[Short, Meta(description="Of the image with this id.")] | None = None


@get("/submissions", permission=Permission.IMAGES_READ)
async def list_submissions(call: NamedDependency[Call], filters: NamedDependency[SubmissionQuery]) -> Page[Submission]:
    """The submissions, the latest first."""
    async with call.reading() as tx:
        return await Submissions(tx).page(filters.to(SubmissionFilter), filters.page())


@post(
    "/submissions",
    permission=Permission.SUBMISSIONS_SEND,
    idempotent=True,
    packed_body=Sent,
    refusals=(400, 409, 413, 415, 503),
    request_max_body_size=limits.INVENTORY_COMPRESSED_BYTES,
)
async def create_submission(call: NamedDependency[Call]) -> Submission:
    """Submit what was read: `hullguard submit` does.

    The body is JSON, under `Content-Encoding: zstd` or `gzip` or as it is, of at most 16 MiB, and 64 MiB unpacked; its
    `inventory` is what `hullguard sbom -f json` writes. It takes the place of what the same user submitted under
    the same name, and is matched against the advisories soon, and again whenever they change. What nodes and registries
    have read of an image stays (`kept` is false, `seen` true), and so does what the same user has submitted of it and
    had read more completely (`kept` is false). 409 where the name is another user's, where the image is known with
    other layers (`submission.not-that-image`), and where another user's submission of it says otherwise
    (`submission.says-otherwise`): an operator finds the refusal in the audit, and can delete that one on the image's
    page or by `DELETE /submissions/{id}`. Sent again with the same Idempotency-Key within a
    day, it answers as the first time.
    """
    encoding = _encoding(call)
    async with _arriving(call).one("submissions"):
        folder = call.services.settings.scratch
        async with (
            received(call.request, folder, "submission", UPLOAD_SECONDS) as path,
            _unpacking(call).one("submissions"),
        ):
            digest, size, sent = await asyncio.to_thread(_read, path, encoding)
            return await _keep(call, sent, digest, size)


@get("/submissions/{submission:str}/report", permission=Permission.SUBMISSIONS_SEND, refusals=(409, 503))
async def get_submission_report(call: NamedDependency[Call], submission: FromPath[str]) -> Response[ScanReport]:
    """What is wrong with what was submitted; 409 with Retry-After until it was matched.

    409 without Retry-After where what is known of the image by now has other layers than were submitted
    (`submission.not-that-image`), is what another user has submitted and says otherwise (`submission.says-otherwise`),
    and where nothing is known of it any more (`submission.unread`).
    Its `target.ref` is the name under which it was submitted. Who may read no images gets it of what the same user has
    submitted, and of nothing else.
    """
    own = None if may(call.actor, Permission.IMAGES_READ) else call.caller.user.id
    async with turns(call).one("reports"):
        async with call.reading() as tx:
            made = await Submissions(tx).settled(submission, user=own)
            report = await Images(tx).report(made.image, made.name)
        content = await asyncio.to_thread(msgspec.json.encode, report)
    return Response(content, media_type="application/json")  # type: ignore[arg-type]


@delete("/submissions/{submission:str}", permission=Permission.SUBMISSIONS_WRITE)
async def delete_submission(call: NamedDependency[Call], submission: FromPath[str]) -> None:
    """Forget a submission.

    What only it told of the image goes with it: where something else lists the image, that is not read any more.
    """
    async with call.changing() as tx:
        gone = await Submissions(tx).delete(submission)
        await call.record(tx, "submission.delete", f"submission:{gone.id}", details=_details(gone))
        call.announce(tx, "image", gone.image)


def make_turns() -> tuple[Turns, Turns]:
    """Those of bodies that arrive, and of those that are unpacked."""
    return (
        Turns(RECEIVED_AT_ONCE, 0, retry_seconds=RETRY_SECONDS),
        Turns(1, RECEIVED_AT_ONCE, retry_seconds=RETRY_SECONDS),
    )


def _arriving(call: Call) -> Turns:
    found: Turns = call.request.app.state.submitting[0]
    return found


def _unpacking(call: Call) -> Turns:
    found: Turns = call.request.app.state.submitting[1]
    return found


def _encoding(call: Call) -> str:
    headers = call.request.headers
    if headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise NotAcceptable("Send the submission as application/json.", "media-type")
    encoding = headers.get("content-encoding", "identity").strip().lower()
    if encoding not in (wire.ZSTD, wire.GZIP, "identity"):
        raise NotAcceptable("Of a submission's Content-Encoding only zstd and gzip are understood.", "content-encoding")
    return encoding


def _read(path: Path, encoding: str) -> tuple[str, int, Sent]:
    body = path.read_bytes()
    return hashlib.sha256(encoding.encode() + b"\0" + body).hexdigest(), len(body), wire.unpack(body, encoding)


async def _keep(call: Call, sent: Sent, digest: str, size: int) -> Submission:
    key = call.request.headers.get("idempotency-key")
    claim = _claim(call, sent, size)
    try:
        return await _kept(call, claim, key, digest)
    except Conflict as refused:
        if (subject := _DISPUTED.get(refused.code)) is not None:
            # Only a person can say who is right: an operator finds it there, and the image from there.
            services, name = call.services, f"{subject}:{claim.image if subject == 'image' else claim.id}"
            await denials.record(
                services.storage, services.cache, call.actor, "submission.create", name, reason=refused.code
            )
        raise


async def _kept(call: Call, claim: Claim, key: str | None, digest: str) -> Submission:
    async with call.changing() as tx:
        if key is not None and (known := await _first_answer(call, tx, key, digest)) is not None:
            return known
        kept = await Submissions(tx).keep(claim)
        if key is not None:
            await Idempotency(tx).remember(call.actor.name, key, digest, kept.id)
        await call.record(tx, "submission.create", f"submission:{kept.id}", details=_details(kept))
        await Jobs(tx).enqueue("match")
        call.announce(tx, "image", kept.image)
        call.wake_workers(tx)
    return kept


async def _first_answer(call: Call, tx: Transaction, key: str, digest: str) -> Submission | None:
    try:
        made = await Idempotency(tx).find(call.actor.name, key, digest)
    except Conflict as reused:
        raise Invalid(str(reused), reused.code, field="Idempotency-Key") from reused
    return None if made is None else await Submissions(tx).get(made)


def _claim(call: Call, sent: Sent, size: int) -> Claim:
    target = sent.inventory.target
    if not _KIND.fullmatch(target.kind):
        raise Invalid("A kind is a word as targets of the command line begin.", field="$.inventory.target.kind")
    image = target.image_id
    if image is not None and not _IMAGE_ID.fullmatch(image):
        raise Invalid("An image's id is a digest such as sha256:… .", field="$.inventory.target.image_id")
    tags = [tag for tag in target.tags if len(tag) <= wire.NAME and fault_of_name(tag, "tag") is None]
    return Claim(
        id=submission_id(None if image else target.kind, sent.name),
        name=sent.name,
        names=(sent.name, *tags) if image else (sent.name,),
        image=image or image_of(target.kind, sent.name),
        is_image=image is not None,
        inventory=_told(sent),
        host=sent.host,
        by=call.actor.name,
        user=call.caller.user.id,
        source=call.source,
        size=size,
        days=sent.keep_days,
        over=may(call.actor, Permission.SUBMISSIONS_WRITE),
    )


def _told(sent: Sent) -> Inventory:
    """What was not looked for is unknown rather than absent; and of which reader it is, nobody vouches for."""
    missing = tuple(Unknown(_WHAT[each], _NOT_LOOKED) for each in Looked if each not in sent.looked_for)
    return structs.replace(sent.inventory, unknowns=(*sent.inventory.unknowns, *missing), reader=0)


def _details(submission: Submission) -> dict[str, str]:
    return {
        "name": submission.name,
        "kind": submission.kind,
        "image": submission.image,
        "host": submission.host,
        "kept": str(submission.kept).lower(),
    }


ROUTES: Final[tuple[HTTPRouteHandler, ...]] = (
    list_submissions,
    create_submission,
    get_submission_report,
    delete_submission,
)
