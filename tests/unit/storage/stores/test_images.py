from datetime import timedelta

import pytest
from msgspec import structs
from tests.support.database import START
from tests.support.records import (
    APP,
    BASE,
    IMAGE,
    OTHER_IMAGE,
    PACKAGES,
    VULNERABILITIES,
    container,
    enrolled,
    inventory,
    matched,
    package,
    report,
    vulnerability,
    waiting,
)

from hullguard.model.content import LicenseUse, Secret
from hullguard.model.errors import NotFound
from hullguard.model.identity import Scope
from hullguard.model.inventory import unread
from hullguard.model.package import PackageType, Unknown
from hullguard.model.severity import Severity
from hullguard.storage import PageRequest, Transaction
from hullguard.storage.stores import (
    Containers,
    ImageFilter,
    Images,
    Judged,
    KnownImages,
    Lister,
    Matching,
    PackageFilter,
    VulnerabilityFilter,
)
from hullguard.storage.stores.overview import overview

REQUEST = PageRequest()


@pytest.fixture
async def images(tx: Transaction) -> Images:
    """One matched image on one node, running."""
    await enrolled(tx)
    found = Images(tx)
    assert await found.present("node-1", [(IMAGE, ["nginx:1.25"])]) == [IMAGE]
    assert await found.store_inventory(IMAGE, inventory())
    await matched(found._tx, IMAGE, report())
    await Containers(tx).replace("node-1", [container()])
    return found


async def names(images: Images, wanted: ImageFilter, request: PageRequest = REQUEST) -> list[str]:
    page = await images.page(wanted, request)
    assert page.total == len(page.items)
    return [image.id for image in page.items]


async def test_only_unknown_contents_are_asked_for(tx: Transaction) -> None:
    await enrolled(tx, "a")
    await enrolled(tx, "b")
    images = Images(tx)
    assert await images.present("a", [(OTHER_IMAGE, []), (IMAGE, ["x"])]) == [IMAGE, OTHER_IMAGE]
    await images.store_inventory(IMAGE, inventory())
    assert await images.present("a", [(IMAGE, ["x"]), (OTHER_IMAGE, [])]) == [OTHER_IMAGE]
    assert await images.present("b", [(IMAGE, ["y"])]) == []


async def test_an_image_has_the_names_of_all_nodes_that_have_it(tx: Transaction) -> None:
    await enrolled(tx, "a")
    await enrolled(tx, "b")
    images = Images(tx)
    await images.present("a", [(IMAGE, ["web:2", "web:1"])])
    await images.present("b", [(IMAGE, ["shop:9", "web:1"])])
    summary = (await images.page(ImageFilter(), REQUEST)).items[0]
    assert (summary.names, summary.nodes) == (("shop:9", "web:1", "web:2"), 2)
    await images.present("b", [(IMAGE, ["web:1"])])
    assert (await images.detail(IMAGE)).names == ("web:1", "web:2")
    await images.present("a", [])
    assert (await images.detail(IMAGE)).names == ("web:1",)
    await images.present("b", [])
    assert (await images.page(ImageFilter(), REQUEST)).total == 0
    assert (await images.detail(IMAGE)).nodes == 0
    await images.present("b", [(IMAGE, ["back:1"])])
    assert await names(images, ImageFilter()) == [IMAGE]


async def test_a_build_host_with_thousands_of_names_is_bounded(tx: Transaction) -> None:
    await enrolled(tx)
    await Images(tx).present("node-1", [(IMAGE, [f"ci:{number}" for number in range(5000)])])
    assert len((await Images(tx).detail(IMAGE)).names) == 100


async def test_a_node_with_many_images_is_taken_in_at_once(tx: Transaction) -> None:
    await enrolled(tx)
    listed = [(f"sha256:{number:064x}", [f"app:{number}"]) for number in range(1200)]
    assert len(await Images(tx).present("node-1", listed)) == 1200
    assert (await Images(tx).page(ImageFilter(), PageRequest(1))).total == 1200


async def test_an_inventory_is_kept_once_unless_it_was_incomplete(tx: Transaction) -> None:
    await enrolled(tx)
    images = Images(tx)
    await images.present("node-1", [(IMAGE, [])])
    assert await images.store_inventory(IMAGE, inventory(PACKAGES[:1], complete=False))
    assert await images.store_inventory(IMAGE, inventory())
    assert not await images.store_inventory(IMAGE, inventory(()))
    assert await images.inventory(IMAGE) == inventory()
    assert (await images.packages(IMAGE, PackageFilter(), REQUEST)).total == len(PACKAGES)


async def test_what_an_older_reader_made_gives_way_to_a_newer_one_and_not_the_reverse(images: Images) -> None:
    older, newer = inventory(PACKAGES[:2], reader=1), inventory(PACKAGES[:3], reader=2)
    assert await images.outdated([IMAGE, OTHER_IMAGE], 1) == [IMAGE], "nothing is stored of the other"
    assert await images.store_inventory(IMAGE, newer)
    assert await images.outdated([IMAGE], 2) == []
    assert await images.outdated([IMAGE], 3) == [IMAGE]
    assert not await images.store_inventory(IMAGE, older)
    assert not await images.store_inventory(IMAGE, structs.replace(newer, packages=()))
    assert await images.inventory(IMAGE) == newer
    assert not await images.store_inventory(IMAGE, older, again=True)
    assert await images.store_inventory(IMAGE, structs.replace(newer, packages=PACKAGES[:1]), again=True)
    assert (await images.packages(IMAGE, PackageFilter(), REQUEST)).total == 1


async def test_a_newer_reader_that_can_read_nothing_takes_nothing_away(images: Images) -> None:
    nothing = structs.replace(unread(IMAGE, "the disk failed"), reader=5)
    assert not await images.store_inventory(IMAGE, nothing)
    assert not await images.store_inventory(IMAGE, structs.replace(nothing, reader=0), again=True)
    assert await images.inventory(IMAGE) == inventory()
    assert (await images.report(IMAGE)).vulnerabilities, "what is wrong with it is still told"


async def test_what_stays_wrong_after_another_reading_is_as_old_as_it_was(images: Images) -> None:
    tx = images._tx
    tx.now += timedelta(days=3)
    assert await images.store_inventory(IMAGE, inventory(reader=2))
    assert len((await images.vulnerabilities(IMAGE, VulnerabilityFilter(), REQUEST)).items) == len(VULNERABILITIES), (
        "the last report stands until the image is matched again"
    )
    assert await waiting(tx) == [IMAGE]
    assert (await images.detail(IMAGE)).matched is None, "but it says nothing of what was read since"
    assert (await overview(tx)).doubts.unmatched == 1
    fresh = vulnerability("CVE-2024-9999", Severity.HIGH)
    await matched(tx, IMAGE, structs.replace(report(), vulnerabilities=(*VULNERABILITIES[1:], fresh)))
    assert (await images.detail(IMAGE)).matched == tx.now
    assert (await overview(tx)).doubts.unmatched == 0
    found = (await images.vulnerabilities(IMAGE, VulnerabilityFilter(), REQUEST)).items
    assert {each.id: each.first_found for each in found} == {
        **{each.id: START for each in VULNERABILITIES[1:]},
        fresh.id: START + timedelta(days=3),
    }
    assert [each.id for each in found if each.new] == [fresh.id]


async def test_an_inventory_may_come_before_any_node_lists_the_image(tx: Transaction) -> None:
    await enrolled(tx)
    images = Images(tx)
    assert await images.store_inventory(IMAGE, inventory())
    assert await names(images, ImageFilter()) == []
    assert await images.present("node-1", [(IMAGE, ["a"])]) == []
    assert await names(images, ImageFilter()) == [IMAGE]


async def test_the_summary_says_what_the_lists_show(images: Images) -> None:
    summary = (await images.page(ImageFilter(), REQUEST)).items[0]
    assert summary.vulnerabilities == {
        Severity.CRITICAL: 1,
        Severity.HIGH: 2,
        Severity.MEDIUM: 1,
        Severity.LOW: 1,
        Severity.NEGLIGIBLE: 0,
        Severity.UNKNOWN: 0,
    }
    for severity, count in summary.vulnerabilities.items():
        wanted = VulnerabilityFilter(severity=frozenset({severity}))
        assert (await images.vulnerabilities(IMAGE, wanted, REQUEST)).total == count
    fixable = await images.vulnerabilities(IMAGE, VulnerabilityFilter(fixable=True), REQUEST)
    assert (summary.fixable, summary.packages) == (fixable.total, 4)
    assert (summary.nodes, summary.containers, summary.size) == (1, 1, 75_000_000)
    assert (summary.platform, summary.os, summary.complete) == ("linux/amd64", inventory().os, True)
    assert (summary.scanned, summary.matched, summary.advisories_built) == (START, START, START)


async def test_vulnerabilities_come_worst_first_and_exploited_before_others(images: Images) -> None:
    page = await images.vulnerabilities(IMAGE, VulnerabilityFilter(), REQUEST)
    assert [found.id[-1] for found in page.items] == ["1", "4", "2", "3", "5"]
    assert {each.id for each in page.items} == {each.id for each in VULNERABILITIES}
    first = await images.vulnerabilities(IMAGE, VulnerabilityFilter(), PageRequest(2))
    rest = await images.vulnerabilities(IMAGE, VulnerabilityFilter(), PageRequest(50, first.cursor))
    assert [*first.items, *rest.items] == page.items


@pytest.mark.parametrize(
    ("wanted", "q", "found"),
    [
        (VulnerabilityFilter(fixable=True), None, "12"),
        (VulnerabilityFilter(fixable=False), None, "435"),
        (VulnerabilityFilter(package="nginx"), None, "42"),
        (VulnerabilityFilter(layer=APP), None, "42"),
        (VulnerabilityFilter(layer=BASE, severity=frozenset({Severity.CRITICAL, Severity.LOW})), None, "15"),
        (VulnerabilityFilter(), "0003", "3"),
        (VulnerabilityFilter(), "libssl", "13"),
        (VulnerabilityFilter(layer="sha256:0"), None, ""),
    ],
)
async def test_vulnerabilities_filter(images: Images, wanted: VulnerabilityFilter, q: str | None, found: str) -> None:
    page = await images.vulnerabilities(IMAGE, wanted, PageRequest(q=q))
    assert ("".join(each.id[-1] for each in page.items), page.total) == (found, len(found))


@pytest.mark.parametrize(
    ("wanted", "q", "found"),
    [
        (PackageFilter(), None, ["bash", "libssl3", "nginx", "zlib1g"]),
        (PackageFilter(layer=APP), None, ["nginx"]),
        (PackageFilter(type=PackageType.DEB), "ssl", ["libssl3"]),
        (PackageFilter(type=PackageType.APK), None, []),
    ],
)
async def test_packages_filter(images: Images, wanted: PackageFilter, q: str | None, found: list[str]) -> None:
    page = await images.packages(IMAGE, wanted, PageRequest(q=q))
    assert [each.name for each in page.items] == found
    assert all(each.purl.endswith(f"{each.name}@{each.version}") for each in page.items)


async def test_a_listed_package_shows_its_licences(tx: Transaction) -> None:
    await enrolled(tx)
    images = Images(tx)
    await images.present("node-1", [(IMAGE, [])])
    await images.store_inventory(IMAGE, inventory((structs.replace(PACKAGES[0], licenses=("Apache-2.0",)),)))
    (listed,) = (await images.packages(IMAGE, PackageFilter(), REQUEST)).items
    assert (listed.purl, listed.licenses) == (PACKAGES[0].purl, ("Apache-2.0",))


async def test_a_layer_shows_what_it_brought(images: Images) -> None:
    detail = await images.detail(IMAGE)
    assert [(share.layer.diff_id, share.packages) for share in detail.layers] == [(BASE, 3), (APP, 1)]
    assert detail.layers[1].vulnerabilities == {Severity.HIGH: 2}
    assert sum(sum(share.vulnerabilities.values()) for share in detail.layers) == len(VULNERABILITIES)


async def test_an_image_that_is_not_matched_yet_shows_its_layers_all_the_same(tx: Transaction) -> None:
    await enrolled(tx)
    images = Images(tx)
    await images.present("node-1", [(IMAGE, [])])
    assert (await images.detail(IMAGE)).layers == ()
    with pytest.raises(NotFound, match="taken stock"):
        await images.inventory(IMAGE)
    await images.store_inventory(IMAGE, inventory())
    detail = await images.detail(IMAGE)
    assert ([share.packages for share in detail.layers], detail.matched) == ([3, 1], None)
    assert (await images.vulnerabilities(IMAGE, VulnerabilityFilter(), REQUEST)).total == 0
    with pytest.raises(NotFound, match="matched"):
        await images.report(IMAGE)


async def test_what_is_wrong_beside_packages_is_known_before_and_after_matching(tx: Transaction) -> None:
    secret = Secret("aws-key", "AWS key", Severity.HIGH, "app/.env", 3, "KEY=AKIA…", APP, deleted=True)
    await enrolled(tx)
    images = Images(tx)
    await images.present("node-1", [(IMAGE, [])])
    with pytest.raises(NotFound, match="taken stock"):
        await images.content(IMAGE)
    await images.store_inventory(IMAGE, structs.replace(inventory(), secrets=(secret,)))
    before = await images.content(IMAGE)
    assert (before.secrets, before.licenses) == ((secret,), ())

    uses = LicenseUse("MIT", "permissive", ("pkg:pypi/a@1",))
    await matched(images._tx, IMAGE, structs.replace(report(), secrets=(secret,), licenses=(uses,)))
    after = await images.content(IMAGE)
    assert (after.secrets, after.licenses, after.suppressed) == ((secret,), (uses,), ())


async def test_a_new_report_replaces_the_one_before(images: Images) -> None:
    only = vulnerability("CVE-2025-1", Severity.NEGLIGIBLE)
    later = report((only,))
    await matched(images._tx, IMAGE, later)
    assert [each.id for each in (await images.vulnerabilities(IMAGE, VulnerabilityFilter(), REQUEST)).items] == [
        only.id
    ]
    told = await images.report(IMAGE)
    assert told == structs.replace(later, target=structs.replace(later.target, ref=told.target.ref))
    assert (await images.detail(IMAGE)).vulnerabilities[Severity.CRITICAL] == 0


async def test_what_could_not_be_decided_is_kept(images: Images) -> None:
    unknown = Unknown("package foo", "its version cannot be ordered")
    bad = report()
    await matched(images._tx, IMAGE, type(bad)(**{**_fields(bad), "unknowns": (unknown,), "complete": False}))
    detail = await images.detail(IMAGE)
    assert (detail.unknowns, detail.complete) == ((unknown,), False)


async def test_packages_that_nobody_judged_are_counted(images: Images) -> None:
    judged = report()
    gap = Unknown("Debian:99", "the advisory database has no advisories for it", unjudged=96)
    await matched(images._tx, IMAGE, type(judged)(**{**_fields(judged), "unknowns": (gap,)}))

    assert (await images.detail(IMAGE)).unjudged == 96


@pytest.mark.parametrize(("claimed", "kept"), [(3, 3), (2**64 - 1, 2**63 - 1), (-1, 0)])
async def test_what_may_hold_packages_and_was_not_read_is_counted_as_far_as_a_column_goes(
    images: Images, claimed: int, kept: int
) -> None:
    gap = Unknown("Debian:99", "the advisory database has no advisories for it", unjudged=claimed)
    told = structs.replace(report(), unknowns=(gap,))
    await Matching(images._tx).store([Judged(IMAGE, told, unread=claimed)])

    detail = await images.detail(IMAGE)
    assert (detail.complete, detail.unread, detail.unjudged) == (True, kept, kept)
    known = await KnownImages(images._tx).of(IMAGE)
    assert known is not None
    assert known.unread == kept
    assert await names(images, ImageFilter(whole=False)) == ([IMAGE] if kept else [])

    await matched(images._tx, IMAGE, report())
    assert (await images.detail(IMAGE)).unread == 0
    assert await names(images, ImageFilter(whole=True)) == [IMAGE]


def _fields(of: object) -> dict[str, object]:
    return {name: getattr(of, name) for name in of.__struct_fields__}  # type: ignore[attr-defined]


async def test_the_image_list_filters_and_sorts(images: Images, tx: Transaction) -> None:
    await enrolled(tx, "node-2")
    await images.present("node-2", [(OTHER_IMAGE, ["alpine:3"])])
    high, critical = frozenset({Severity.HIGH}), frozenset({Severity.CRITICAL, Severity.NEGLIGIBLE})
    for wanted, found in (
        (ImageFilter(), [IMAGE, OTHER_IMAGE]),
        (ImageFilter(severity=high), [IMAGE]),
        (ImageFilter(severity=critical), [IMAGE]),
        (ImageFilter(severity=frozenset({Severity.UNKNOWN})), []),
        (ImageFilter(fixable=True), [IMAGE]),
        (ImageFilter(fixable=False), [OTHER_IMAGE]),
        (ImageFilter(running=True), [IMAGE]),
        (ImageFilter(running=False), [OTHER_IMAGE]),
        (ImageFilter(node="node-2"), [OTHER_IMAGE]),
        (ImageFilter(scanned=True), [IMAGE]),
        (ImageFilter(scanned=False), [OTHER_IMAGE]),
    ):
        assert await names(images, wanted) == found, wanted
    assert await names(images, ImageFilter(), PageRequest(q="ALP")) == [OTHER_IMAGE]
    for sort in ("name", "size", "-scanned", "vulnerabilities"):
        assert len(await names(images, ImageFilter(), PageRequest(sort=sort))) == 2
    assert await names(images, ImageFilter(), PageRequest(sort="name")) == [OTHER_IMAGE, IMAGE]


async def test_one_critical_outweighs_any_number_of_high_ones(tx: Transaction) -> None:
    await enrolled(tx)
    images = Images(tx)
    await images.present("node-1", [(IMAGE, []), (OTHER_IMAGE, [])])
    for image in (IMAGE, OTHER_IMAGE):
        await images.store_inventory(image, inventory())
    many = tuple(vulnerability(f"CVE-{number}", Severity.HIGH) for number in range(300))
    await matched(images._tx, IMAGE, report(many))
    await matched(images._tx, OTHER_IMAGE, report((vulnerability("CVE-1", Severity.CRITICAL),)))
    assert await names(images, ImageFilter()) == [OTHER_IMAGE, IMAGE]


async def test_a_scope_of_clusters_sees_the_images_of_its_nodes(images: Images, tx: Transaction) -> None:
    await enrolled(tx, "node-2", cluster="green")
    await images.present("node-2", [(OTHER_IMAGE, ["alpine:3"])])
    green = Images(tx.within(Scope("default", frozenset({"green"}))))
    assert await names(green, ImageFilter()) == [OTHER_IMAGE]
    with pytest.raises(NotFound):
        await green.detail(IMAGE)
    with pytest.raises(NotFound):
        await green.report(IMAGE)


async def test_a_large_inventory_is_small_at_rest(tx: Transaction) -> None:
    many = tuple(package(f"package-{number}", source=f"source-{number % 50}") for number in range(3000))
    await Images(tx).store_inventory(IMAGE, inventory(many))
    connection = tx._connection
    size = (await connection.exec_driver_sql("SELECT length(inventory) FROM inventories")).scalar_one()
    assert size < 100_000
    assert (await Images(tx).inventory(IMAGE)).packages == many


async def test_an_image_that_a_registry_lists_is_there_without_any_node(tx: Transaction) -> None:
    images = Images(tx)
    await images.listed(Lister.REGISTRY, "r1", {IMAGE: ["example.com/shop:1"]})

    page = await images.page(ImageFilter(), REQUEST)

    assert [(each.id, each.names, each.nodes, each.registries) for each in page.items] == [
        (IMAGE, ("example.com/shop:1",), 0, 1)
    ]


async def test_an_image_has_the_names_of_nodes_and_registries_and_none_that_was_submitted(images: Images) -> None:
    await images.listed(Lister.REGISTRY, "r1", {IMAGE: ["example.com/shop:1"]})
    await images.listed(Lister.REGISTRY, "r2", {IMAGE: ["example.org/shop:1"]})
    await images.listed(Lister.SUBMISSION, "s1", {IMAGE: ["shop of the build"]})

    found = await images.detail(IMAGE)

    assert found.names == ("example.com/shop:1", "example.org/shop:1", "nginx:1.25")
    assert (found.nodes, found.registries, found.submissions) == (1, 2, 1)


async def test_an_image_is_gone_when_neither_a_node_nor_anything_else_has_it(images: Images) -> None:
    await images.listed(Lister.REGISTRY, "r1", {IMAGE: ["example.com/shop:1"]})
    await images.present("node-1", [])
    assert await names(images, ImageFilter()) == [IMAGE]

    await images.forget(Lister.REGISTRY, "r1")

    assert await names(images, ImageFilter()) == []


async def test_what_a_registry_no_longer_lists_leaves_and_the_rest_stays(tx: Transaction) -> None:
    images = Images(tx)
    await images.listed(Lister.REGISTRY, "r1", {IMAGE: ["example.com/shop:1"], OTHER_IMAGE: ["example.com/shop:2"]})
    await images.listed(Lister.REGISTRY, "r2", {OTHER_IMAGE: ["example.org/shop"]})

    await images.listed(Lister.REGISTRY, "r1", {IMAGE: ["example.com/shop:latest"]})

    assert await names(images, ImageFilter(registry="r1")) == [IMAGE]
    assert await names(images, ImageFilter(registry="r2")) == [OTHER_IMAGE]
    assert (await images.detail(IMAGE)).names == ("example.com/shop:latest",)
    assert (await images.detail(OTHER_IMAGE)).names == ("example.org/shop",)


async def test_images_are_found_by_what_lists_them(images: Images) -> None:
    await images.listed(Lister.SUBMISSION, "s1", {OTHER_IMAGE: ["build 7"]})

    assert await names(images, ImageFilter(lister=Lister.SUBMISSION)) == [OTHER_IMAGE]
    assert await names(images, ImageFilter(lister=Lister.REGISTRY)) == []


async def test_a_node_is_not_asked_for_what_a_registry_gave(tx: Transaction) -> None:
    await enrolled(tx, "a")
    images = Images(tx)
    await images.listed(Lister.REGISTRY, "r1", {IMAGE: ["example.com/shop:1"]})
    await images.store_inventory(IMAGE, inventory())

    assert await images.present("a", [(IMAGE, ["shop:1"])]) == []


async def test_images_are_found_by_a_vulnerability_or_an_alias_of_it(images: Images, tx: Transaction) -> None:
    bad = vulnerability("CVE-2022-34265", Severity.HIGH)
    other = structs.replace(bad, id="GHSA-p64x-8rxx-wf6q", advisory="GHSA-p64x-8rxx-wf6q", aliases=("CVE-2022-99",))
    await images.present("node-1", [(IMAGE, ["nginx:1.25"]), (OTHER_IMAGE, ["shop:1"])])
    await images.store_inventory(OTHER_IMAGE, inventory())
    await matched(tx, OTHER_IMAGE, report((bad, other)))
    for name in ("CVE-2022-34265", "cve-2022-34265", "DEBIAN-CVE-2022-34265", "CVE-2022-99", "ghsa-P64X-8rxx-wf6q"):
        assert await names(images, ImageFilter(vulnerability=name)) == [OTHER_IMAGE], name
        assert await names(images, ImageFilter(), PageRequest(q=f" {name} ")) == [OTHER_IMAGE], name
        inside = await images.vulnerabilities(OTHER_IMAGE, VulnerabilityFilter(), PageRequest(q=name))
        assert inside.total == 1, name
    assert await names(images, ImageFilter(vulnerability="CVE-2024-0001")) == [IMAGE]
    for name in ("CVE-2022-3426", "CVE-2022-342655", "", "x" * 300):
        assert await names(images, ImageFilter(vulnerability=name)) == [], name
    assert await names(images, ImageFilter(), PageRequest(q="CVE-2022-3426")) == []
    await matched(tx, OTHER_IMAGE, report((other,)))
    assert await names(images, ImageFilter(vulnerability="CVE-2022-34265")) == []


async def test_images_are_found_by_a_package_or_its_source_package(images: Images) -> None:
    await images.present("node-1", [(IMAGE, ["nginx:1.25"]), (OTHER_IMAGE, ["shop:1"])])
    await images.store_inventory(OTHER_IMAGE, inventory(packages=(package("libfoo3", source="foo-src"),)))
    for name in ("libfoo3", "foo-src"):
        assert await names(images, ImageFilter(package=name)) == [OTHER_IMAGE], name
    assert await names(images, ImageFilter(package=PACKAGES[0].name)) == [IMAGE]
    assert await names(images, ImageFilter(package="libfoo")) == []


async def test_images_that_lie_in_one_place_only_are_counted_by_the_database(tx: Transaction) -> None:
    images, third = Images(tx), "sha256:" + "3" * 64
    node = await enrolled(tx)
    await images.present(node, [(IMAGE, ["nginx:1"])])
    await images.listed(Lister.REGISTRY, "r1", {each: ["example.com/x"] for each in (IMAGE, OTHER_IMAGE, third)})
    await images.listed(Lister.SUBMISSION, "s1", {OTHER_IMAGE: ["build"]})

    for alone, expected in ((True, [third]), (False, [OTHER_IMAGE, IMAGE]), (None, [OTHER_IMAGE, third, IMAGE])):
        assert sorted(await names(images, ImageFilter(registry="r1", alone=alone))) == sorted(expected)
    elsewhere = Images(tx.within(structs.replace(tx.scope, clusters=frozenset({"other"}))))
    assert await names(elsewhere, ImageFilter(alone=True)) == []
    await images.forget(Lister.REGISTRY, "r1")
    assert third not in await names(images, ImageFilter())
