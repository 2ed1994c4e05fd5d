"""Registries as the console's tests see them: one that is being read, one that failed, one that was just added."""

from tests.support import console_fleet as fleet
from tests.support.registries import listed, registry_listing, registry_spec

from hullguard.model.inventory import READER
from hullguard.model.registry import ImageState, RegistryState, Trouble
from hullguard.storage import PageRequest, Transaction
from hullguard.storage.stores import Registries, RegistryImages

HOST = "registry.example"
SHOP = "Shop production"
LAB = "Lab"
UNREACHABLE = Trouble(
    "registry.unreachable", "the registry lab.example:5000 cannot be reached: [Errno 111] Connection refused"
)
_CHART = "registry.example/shop/chart:1.0 is no container image, its configuration is application/vnd.cncf.helm.config"
_MOVED = f"layer sha256:{'a' * 64} is not what its digest says: sha256:{'a' * 64} is named, sha256:{'b' * 64} was read"


async def all_registries(tx: Transaction) -> dict[str, str]:
    """The ids of the registries by their names; the shop's images are those of the fleet, and three that only it has."""
    before = await Registries(tx).page(PageRequest(10))
    if before.total:
        return {each.spec.name: each.id for each in before.items}
    shop = await Registries(tx).create(
        registry_spec(
            SHOP, address=HOST, repositories=["shop/*", "platform/log-shipper"], username="scanner", every_hours=24
        ),
        "user:alice",
        "The shop's own.",
        password=b"sealed by the tests",
    )
    work = await Registries(tx).work(shop.id)
    known = [name.removeprefix(f"{HOST}/") for name in fleet.IMAGES if name.startswith(HOST)]
    found = [
        listed(tag, repository, digest=fleet.image_id(name), image_id=fleet.image_id(f"{HOST}/{name}"))
        for name in known
        for repository, _, tag in [name.partition(":")]
    ]
    found += [
        listed(tag, "shop/till", digest=fleet.image_id(f"till{tag}"), image_id=None) for tag in ("1.0", "1.1", "1.2")
    ]
    odd = {"state": ImageState.UNSUPPORTED, "code": "image.not-an-image", "why": _CHART}
    found.append(listed("1.0", "shop/chart", digest=fleet.image_id("chart"), image_id=None, **odd))
    listing = registry_listing(*found)
    await RegistryImages(tx, shop.id).replace(work, listing, READER)
    await Registries(tx).listed(work, listing)
    first = await RegistryImages(tx, shop.id).waiting()
    assert first
    why = {"code": "image.digest-mismatch", "why": _MOVED}
    await RegistryImages(tx, shop.id).ended(first, ImageState.FAILED, image_id=None, **why)
    lab = await Registries(tx).create(
        registry_spec(LAB, address="lab.example:5000", repositories=["base"], insecure=True), "user:omar"
    )
    await Registries(tx).failed(lab.id, UNREACHABLE)
    hub = await Registries(tx).create(
        registry_spec("Docker Hub", address="docker.io", repositories=["library/nginx"], tags=["1.*"]), "user:alice"
    )
    assert hub.state is RegistryState.WAITING
    return {each.spec.name: each.id for each in (shop, lab, hub)}
