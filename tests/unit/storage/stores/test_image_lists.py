"""Images on several nodes, and their list, against a plain model of both."""

from collections import Counter
from collections.abc import Callable
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import Struct, structs
from tests.support.database import START, walked
from tests.support.records import (
    APP,
    BASE,
    IMAGE,
    container,
    enrolled,
    facts,
    inventory,
    matched,
    package,
    report,
    vulnerability,
)

from hullguard.model.image import Layer
from hullguard.model.package import PackageType
from hullguard.model.report import Vulnerability
from hullguard.model.severity import Severity
from hullguard.model.view import ImageSummary
from hullguard.storage import PageRequest, Transaction
from hullguard.storage.stores import (
    ContainerFilter,
    Containers,
    ImageFilter,
    Images,
    Nodes,
    PackageFilter,
    VulnerabilityFilter,
    overview,
)

IDS = tuple(f"sha256:{digit * 64}" for digit in "0123")
NAMES = ("网页:1", "a%b_c\\:2", "NGINX:1.25", "z:9")
NODES = ("a", "b")
PACKAGES = (package("openssl"), package("网", "2", layer=APP), package("bash", source="bash-src"), package("zlib"))
FRESH = count()
relaxed = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


class Drawn(Struct, frozen=True):
    """One image as the model knows it: where it lies, what it has, what runs of it."""

    lies: dict[str, tuple[str, ...]]
    scanned: bool
    found: tuple[Vulnerability, ...] | None
    running: int
    exited: int

    def tally(self, severity: Severity) -> int:
        return sum(each.severity is severity for each in self.found or ())

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(sorted({name for names in self.lies.values() for name in names}))

    @property
    def fixable(self) -> int:
        return sum(each.fixed is not None for each in self.found or ())


vulnerabilities = st.lists(
    st.tuples(st.sampled_from(Severity), st.sampled_from(PACKAGES), st.booleans(), st.booleans()), max_size=6
).map(
    lambda drawn: tuple(
        vulnerability(f"CVE-{number}", severity, of=of, fixed="9" if fixed else None, kev=kev)
        for number, (severity, of, fixed, kev) in enumerate(drawn)
    )
)
drawn_images = st.builds(
    Drawn,
    lies=st.dictionaries(
        st.sampled_from(NODES), st.lists(st.sampled_from(NAMES), max_size=2, unique=True).map(tuple), max_size=2
    ),
    scanned=st.booleans(),
    found=st.one_of(st.none(), vulnerabilities),
    running=st.integers(0, 2),
    exited=st.integers(0, 1),
).map(lambda each: each if each.scanned else structs.replace(each, found=None))
image_filters = st.builds(
    ImageFilter,
    severity=st.frozensets(st.sampled_from(Severity), max_size=2),
    fixable=st.sampled_from([None, True, False]),
    running=st.sampled_from([None, None, True, False]),
    node=st.sampled_from([None, None, *NODES, ""]),
    scanned=st.sampled_from([None, None, True, False]),
    alone=st.sampled_from([None, None, True, False]),
)


async def house(tx: Transaction, drawn: dict[str, Drawn]) -> Transaction:
    """A tenant of its own with these images."""
    own = tx.within(structs.replace(tx.scope, tenant=f"tenant-{next(FRESH)}"))
    for node in NODES:
        await Nodes(own).enrol(node, "default", facts(node), f"{own.scope.tenant}-{node}", START)
        await Images(own).present(
            node, [(image, each.lies[node]) for image, each in drawn.items() if node in each.lies]
        )
    placed = []
    for image, each in drawn.items():
        if each.scanned:
            await Images(own).store_inventory(image, inventory(PACKAGES))
        if each.found is not None:
            await matched(own, image, report(each.found, of=inventory(PACKAGES)))
        placed += [(image, "running")] * each.running + [(image, "exited")] * each.exited
    await Containers(own).replace(
        "a", [container(number, image=image, state=state) for number, (image, state) in enumerate(placed)]
    )
    return own


def admits(wanted: ImageFilter, image: str, each: Drawn, q: str | None) -> bool:
    text = (q or "").strip().lower()
    return (
        bool(each.lies)
        and (not wanted.severity or any(each.tally(severity) for severity in wanted.severity))
        and wanted.fixable in {None, each.fixable > 0}
        and wanted.running in {None, each.running > 0}
        and (wanted.node is None or wanted.node in each.lies)
        and wanted.scanned in {None, each.scanned}
        and wanted.alone in {None, len(each.lies) == 1}
        and (not text or text in " ".join(each.names).lower() or text in image)
    )


ORDERS: dict[str, Callable[[ImageSummary], Any]] = {
    "risk": lambda each: [each.vulnerabilities[severity] for severity in list(Severity)[:3]],
    "name": lambda each: (each.names or ("",))[0],
    "size": lambda each: each.size,
    "packages": lambda each: each.packages,
    "vulnerabilities": lambda each: sum(each.vulnerabilities.values()),
    "critical": lambda each: each.vulnerabilities[Severity.CRITICAL],
    "fixable": lambda each: each.fixable,
    "scanned": lambda each: each.scanned or START,
}


@relaxed
@given(
    st.dictionaries(st.sampled_from(IDS), drawn_images),
    st.lists(
        st.tuples(
            image_filters,
            st.sampled_from([None, None, "%", "_", "\\", "网页", "nginx", IDS[0]]),
            st.sampled_from([*ORDERS, *(f"-{name}" for name in ORDERS)]),
        ),
        min_size=1,
        max_size=6,
    ),
)
async def test_the_list_of_images_and_the_first_screen_agree_with_a_plain_loop(
    tx: Transaction, drawn: dict[str, Drawn], asked: list[tuple[ImageFilter, str | None, str]]
) -> None:
    own = await house(tx, drawn)
    for wanted, q, sort in asked:
        found = await walked(lambda step, wanted=wanted: Images(own).page(wanted, step), 2, sort=sort, q=q)
        assert {each.id for each in found} == {image for image, each in drawn.items() if admits(wanted, image, each, q)}
        order = ORDERS[sort.removeprefix("-")]
        assert found == sorted(found, key=lambda each: (order(each), each.id), reverse=sort.startswith("-"))
        for each in found:
            model = drawn[each.id]
            assert (each.names, each.nodes, each.containers) == (model.names, len(model.lies), model.running)
            assert (each.fixable, each.packages) == (model.fixable, len(PACKAGES) if model.scanned else 0)
            assert each.vulnerabilities == {severity: model.tally(severity) for severity in Severity}
    figures = await overview(own)
    here = {image: each for image, each in drawn.items() if each.lies}
    running = [each for each in here.values() if each.running]
    serious = (Severity.CRITICAL, Severity.HIGH)
    assert (figures.images, figures.images_running) == (len(here), len(running))
    assert figures.containers == sum(each.running for each in drawn.values())
    assert figures.vulnerabilities == {severity: sum(each.tally(severity) for each in running) for severity in Severity}
    assert figures.images_at_risk == sum(
        any(found.severity in serious and found.fixed for found in each.found or ()) for each in running
    )


@relaxed
@given(
    vulnerabilities,
    st.frozensets(st.sampled_from(Severity), max_size=3),
    st.sampled_from([None, True, False]),
    st.sampled_from([None, *PACKAGES]),
    st.sampled_from([None, BASE, APP, ""]),
    st.sampled_from(["severity", "-severity", "id", "-id", "package", "-package"]),
)
async def test_the_vulnerabilities_of_one_image_agree_with_its_report(
    tx: Transaction,
    found: tuple[Vulnerability, ...],
    severity: frozenset[Severity],
    fixable: bool | None,
    of: Any,
    layer: str | None,
    sort: str,
) -> None:
    images, held = Images(tx), inventory(PACKAGES)
    await images.store_inventory(IMAGE, held)
    await matched(images._tx, IMAGE, report(found, of=held))
    wanted = VulnerabilityFilter(severity, fixable, None if of is None else of.name, layer)
    shown = await walked(lambda step: images.vulnerabilities(IMAGE, wanted, step), 2, sort=sort)
    expected = [
        each
        for each in found
        if (not severity or each.severity in severity)
        and fixable in {None, each.fixed is not None}
        and (of is None or each.package == of.purl)
        and layer in {None, each.layer}
    ]
    assert Counter(each.id for each in shown) == Counter(each.id for each in expected)
    name_of = {each.purl: each.name for each in PACKAGES}
    keys: dict[str, Callable[[Vulnerability], Any]] = {
        "severity": lambda each: (-each.severity.rank, not each.kev),
        "id": lambda each: each.id,
        "package": lambda each: name_of[each.package],
    }
    ordered = list(map(keys[sort.removeprefix("-")], shown))
    assert ordered == sorted(ordered, reverse=sort.startswith("-"))
    detail = await images.detail(IMAGE)
    for which in Severity:
        of_layers = sum(share.vulnerabilities.get(which, 0) for share in detail.layers)
        of_list = (await images.vulnerabilities(IMAGE, VulnerabilityFilter(frozenset({which})), PageRequest(1))).total
        assert detail.vulnerabilities[which] == of_layers == of_list
    assert sum(share.packages for share in detail.layers) == detail.packages == len(PACKAGES)


@pytest.mark.parametrize("limit", [1, 50])
@pytest.mark.parametrize("sort", ["-first_found", "first_found", "package"])
async def test_of_vulnerabilities_that_are_alike_the_gravest_come_first(tx: Transaction, sort: str, limit: int) -> None:
    held = inventory(PACKAGES)
    found = tuple(vulnerability(f"CVE-{9 - number}", severity) for number, severity in enumerate(reversed(Severity)))
    await Images(tx).store_inventory(IMAGE, held)
    await matched(tx, IMAGE, report(found, of=held))
    wanted = VulnerabilityFilter()
    shown = await walked(lambda step: Images(tx).vulnerabilities(IMAGE, wanted, step), limit, sort=sort)
    assert [each.severity for each in shown] == sorted(Severity, key=lambda each: -each.rank)


@pytest.mark.parametrize("judged", [False, True])
async def test_two_layers_with_one_content_share_what_it_brought_only_once(tx: Transaction, judged: bool) -> None:
    twice = structs.replace(inventory(), layers=(Layer(BASE, size=1), Layer(APP, size=2), Layer(BASE, size=1)))
    await Images(tx).store_inventory(IMAGE, twice)
    if judged:
        await matched(tx, IMAGE, report(of=twice))
    detail = await Images(tx).detail(IMAGE)
    assert [share.layer.diff_id for share in detail.layers] == [BASE, APP, BASE]
    assert sum(share.packages for share in detail.layers) == detail.packages
    for severity in Severity:
        assert (
            sum(share.vulnerabilities.get(severity, 0) for share in detail.layers) == detail.vulnerabilities[severity]
        )


async def test_an_image_goes_with_its_last_node_only(tx: Transaction) -> None:
    for node in NODES:
        await enrolled(tx, node)
        await Images(tx).present(node, [(IMAGE, [f"{node}:1", "both:1"])])
    await Containers(tx).replace("b", [container(1), container(2)])
    assert (await Images(tx).detail(IMAGE)).names == ("a:1", "b:1", "both:1")
    await Nodes(tx).remove("b")
    detail = await Images(tx).detail(IMAGE)
    assert (detail.names, detail.nodes, detail.containers) == (("a:1", "both:1"), 1, 0)
    assert (await Containers(tx).page(ContainerFilter(image=IMAGE), PageRequest())).total == 0
    await Nodes(tx).remove("a")
    assert (await Images(tx).page(ImageFilter(), PageRequest())).total == 0


@pytest.mark.parametrize("sort", ["name", "-name", "type", "-type"])
async def test_packages_of_one_name_are_each_shown_once(tx: Transaction, sort: str) -> None:
    many = (*(package("same", f"{number}") for number in range(5)), package("same", "1", layer=APP))
    await Images(tx).store_inventory(IMAGE, inventory(many))
    shown = await walked(lambda step: Images(tx).packages(IMAGE, PackageFilter(), step), 2, sort=sort)
    assert Counter((each.version, each.layer) for each in shown) == Counter((each.version, each.layer) for each in many)
    in_app = await Images(tx).packages(IMAGE, PackageFilter(PackageType.DEB, APP), PageRequest())
    assert [(each.version, each.layer) for each in in_app.items] == [("1", APP)]
