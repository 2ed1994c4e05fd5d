"""What is told of an image as a whole: its report in every format, its bill of materials, how it differs from another.

Making one takes a processor for a while: it happens in a thread, for few at a time. What a file says was chosen by
whoever made the image, so it is sent as one that no browser shows as a page of the console's.
"""

import asyncio
import enum
import re
from typing import Annotated, Any, Final

import msgspec
from litestar import Response, get
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from msgspec import Meta, Struct

from hullguard.ctrl.call import Call
from hullguard.ctrl.turns import Turns
from hullguard.imagescan.diff import Difference, compare
from hullguard.imagescan.formats.catalog import FORMATS, format_of
from hullguard.imagescan.formats.format import Format, Page
from hullguard.imagescan.scan import bill
from hullguard.imagescan.select import narrow
from hullguard.model.identity import Permission
from hullguard.model.image import Target
from hullguard.model.inventory import Inventory
from hullguard.model.report import ScanReport
from hullguard.model.severity import Severity
from hullguard.storage.stores import Images

PLACES: Final = 1
WAITING: Final = 16
RETRY_SECONDS: Final = 5

FILE_POLICY: Final = "sandbox; default-src 'none'; frame-ancestors 'none'"
"""Instead of the console's own: a browser that shows a file after all gives it no origin, so neither the session nor
anything of the console's, runs nothing in it and loads nothing for it."""


class ReportFormat(enum.StrEnum):
    """What ``hullguard scan -f`` writes for programs and into files: all but the table."""

    JSON = "json"
    HTML = "html"
    SARIF = "sarif"
    CYCLONEDX = "cyclonedx"
    SPDX = "spdx"
    JUNIT = "junit"


class BillFormat(enum.StrEnum):
    """What ``hullguard sbom -f`` writes for them."""

    CYCLONEDX = "cyclonedx"
    SPDX = "spdx"
    JSON = "json"


_MEDIA: Final = {name: made.media for name in FORMATS if (made := format_of(name)) is not None}
_JSON: Final = "application/json"


class ReportQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which of an image's findings, and written how."""

    format: Annotated[ReportFormat, Meta(description="A file as `hullguard scan -f` writes it.")] | None = None
    severity: tuple[Severity, ...] = ()
    fixable: bool = False


class BillQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How packages are written down."""

    format: Annotated[BillFormat, Meta(description="As `hullguard sbom -f` takes it.")] = BillFormat.CYCLONEDX


class DifferenceQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Compared with what."""

    to: Annotated[str, Meta(min_length=1, max_length=128, description="The id of the image that came after.")]


@get(
    "/images/{image:str}/report",
    permission=Permission.IMAGES_READ,
    refusals=(409, 503),
    files=tuple(_MEDIA[name] for name in ReportFormat),
)
async def get_image_report(
    call: NamedDependency[Call], image: FromPath[str], filters: NamedDependency[ReportQuery]
) -> Response[ScanReport]:
    """The whole scan report; 404 while there is none.

    With `format` it is a file, the same that `hullguard scan -f FORMAT -o FILE` writes. Without, it is the report as
    JSON. `severity` and `fixable` leave findings out as `--severity` and `--ignore-unfixed` do. Few are made at a time:
    503 with Retry-After says that too many wait already.
    """
    async with turns(call).one("reports"):
        async with call.reading() as tx:
            report = await Images(tx).report(image)
        return await asyncio.to_thread(_report, report, filters)


@get(
    "/images/{image:str}/sbom",
    permission=Permission.IMAGES_READ,
    refusals=(503,),
    files=tuple(dict.fromkeys(_MEDIA[name] for name in BillFormat)),
)
async def get_image_sbom(
    call: NamedDependency[Call], image: FromPath[str], filters: NamedDependency[BillQuery]
) -> Response[bytes]:
    """The packages of one image, without what is wrong with them: as `hullguard sbom` writes it.

    It is there as soon as the image was read, whether or not it was matched. 503 as for the report.
    """
    async with turns(call).one("reports"):
        async with call.reading() as tx:
            inventory = await Images(tx).bill(image)
        return await asyncio.to_thread(_bill, inventory, filters.format)


@get("/images/{image:str}/difference", permission=Permission.IMAGES_READ, refusals=(503,))
async def get_image_difference(
    call: NamedDependency[Call], image: FromPath[str], filters: NamedDependency[DifferenceQuery]
) -> Response[Difference]:
    """What became of this image in the image `to`: better or worse, and which updates help most.

    As `hullguard diff -f json` says it. 404 while one of them was not matched; 503 as for the report.
    """
    async with turns(call).one("reports"):
        async with call.reading() as tx:
            before, after = await Images(tx).report(image), await Images(tx).report(filters.to)
        return await asyncio.to_thread(_difference, before, after)


def make_turns() -> Turns:
    """The places of one replica."""
    return Turns(PLACES, WAITING, retry_seconds=RETRY_SECONDS)


def turns(call: Call) -> Turns:
    """Whoever makes a report, or compares two, takes one."""
    found: Turns = call.request.app.state.reporting
    return found


def _report(report: ScanReport, wanted: ReportQuery) -> Response[Any]:
    chosen, hidden = narrow(report, frozenset(wanted.severity), fixable_only=wanted.fixable)
    if wanted.format is None:
        return _encoded(chosen)
    written = _format(wanted.format)
    return _file(report.target, written.render(chosen, Page(hidden=hidden)), written.suffix, written.media)


def _bill(inventory: Inventory, wanted: BillFormat) -> Response[bytes]:
    if wanted is BillFormat.JSON:
        return _file(
            inventory.target, msgspec.json.format(msgspec.json.encode(inventory), indent=2) + b"\n", "json", _JSON
        )
    written = _format(wanted)
    return _file(inventory.target, written.render(bill(inventory), Page()), written.suffix, written.media)


def _difference(before: ScanReport, after: ScanReport) -> Response[Any]:
    return _encoded(compare(before, after))


def _encoded(answer: Struct) -> Response[Any]:
    return Response(msgspec.json.encode(answer), media_type=_JSON)


def _format(name: str) -> Format:
    found = format_of(name)
    if found is None:
        raise LookupError(name)
    return found


def _file(target: Target, content: bytes, suffix: str, media: str) -> Response[bytes]:
    stem = re.sub(r"[^A-Za-z0-9._-]+", "_", target.ref).strip("._")[:120] or "image"
    headers = {
        "content-disposition": f'attachment; filename="{stem}.{suffix}"',
        "content-security-policy": FILE_POLICY,
    }
    return Response(content, media_type=media, headers=headers)


ROUTES: Final[tuple[HTTPRouteHandler, ...]] = (get_image_report, get_image_sbom, get_image_difference)
