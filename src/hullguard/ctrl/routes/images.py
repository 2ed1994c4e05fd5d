"""Images: what is in them and what is wrong with it."""

from typing import Annotated, Final

from litestar import get
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from msgspec import Meta

from hullguard.ctrl.call import Call
from hullguard.ctrl.listing import Instant, Searched, Short
from hullguard.model.identity import Permission
from hullguard.model.package import PackageType
from hullguard.model.page import Page
from hullguard.model.report import ReportedPackage
from hullguard.model.severity import Severity
from hullguard.model.use import Use
from hullguard.model.view import FoundVulnerability, ImageContent, ImageDetail, ImageSummary
from hullguard.storage.stores import ImageFilter, Images, Lister, PackageFilter, VulnerabilityFilter


class ImageQuery(Searched, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which images. ``severity``: has at least one vulnerability of one of them."""

    severity: tuple[Severity, ...] = ()
    fixable: bool | None = None
    running: bool | None = None
    node: Short | None = None
    registry: Short | None = None
    """The id of a registry that lists them."""
    lister: Lister | None = None
    """Listed by a registry, or by a submission."""
    exception: Short | None = None
    """The id of an exception or a VEX document because of which something in them does not count."""
    vulnerability: Short | None = None
    """The id or an alias of a vulnerability that counts in them; what exceptions cover does not."""
    package: Short | None = None
    """The name of a package in them, its own or that of its source package."""
    scanned: bool | None = None
    whole: Annotated[bool, Meta(description="All of it was read and judged.")] | None = None
    alone: Annotated[bool, Meta(description="One node, registry or submission has it, and nothing else.")] | None = None


class VulnerabilityQuery(Searched, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which vulnerabilities of an image."""

    severity: tuple[Severity, ...] = ()
    fixable: bool | None = None
    package: Short | None = None
    layer: Short | None = None
    since: Annotated[Instant, Meta(description="Found at this instant for the first time, or later.")] | None = None
    use: tuple[Use, ...] = ()
    """What is known of the packages' use at run time."""


class PackageQuery(Searched, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which packages of an image."""

    type: PackageType | None = None
    layer: Short | None = None


@get("/images", permission=Permission.IMAGES_READ)
async def list_images(call: NamedDependency[Call], filters: NamedDependency[ImageQuery]) -> Page[ImageSummary]:
    """The images, wherever they lie; `sort=-risk` puts the dangerous ones first.

    `q` looks in names and ids, and finds those in which the vulnerability counts whose id or alias it is.
    """
    async with call.reading() as tx:
        return await Images(tx).page(filters.to(ImageFilter), filters.page())


@get("/images/{image:str}", permission=Permission.IMAGES_READ)
async def get_image(call: NamedDependency[Call], image: FromPath[str]) -> ImageDetail:
    """One image with its layers, what each brought in, and what could not be decided."""
    async with call.reading() as tx:
        return await Images(tx).detail(image)


@get("/images/{image:str}/vulnerabilities", permission=Permission.IMAGES_READ)
async def list_image_vulnerabilities(
    call: NamedDependency[Call], image: FromPath[str], filters: NamedDependency[VulnerabilityQuery]
) -> Page[FoundVulnerability]:
    """The vulnerabilities of one image, since when they are known, and whether their packages are loaded.

    `sort=-first_found` puts the newest first, `sort=-priority` those to be acted on first.
    """
    async with call.reading() as tx:
        return await Images(tx).vulnerabilities(image, filters.to(VulnerabilityFilter), filters.page())


@get("/images/{image:str}/packages", permission=Permission.IMAGES_READ)
async def list_image_packages(
    call: NamedDependency[Call], image: FromPath[str], filters: NamedDependency[PackageQuery]
) -> Page[ReportedPackage]:
    """The packages of one image."""
    async with call.reading() as tx:
        return await Images(tx).packages(image, filters.to(PackageFilter), filters.page())


@get("/images/{image:str}/content", permission=Permission.IMAGES_READ)
async def get_image_content(call: NamedDependency[Call], image: FromPath[str]) -> ImageContent:
    """Secrets, malware, configuration and licences of one image; 404 until its inventory was taken."""
    async with call.reading() as tx:
        return await Images(tx).content(image)


ROUTES: Final[tuple[HTTPRouteHandler, ...]] = (
    list_images,
    get_image,
    list_image_vulnerabilities,
    list_image_packages,
    get_image_content,
)
