from datetime import timedelta

from msgspec import structs
from tests.support.database import SCOPE, START
from tests.support.records import (
    IMAGE,
    OTHER_IMAGE,
    container,
    enrolled,
    heartbeat,
    inventory,
    matched,
    observation,
    report,
)
from tests.support.registries import listed, registry_listing, registry_spec

from hullguard.model.advisory_update import AdvisorySettings, RunState
from hullguard.model.identity import Scope
from hullguard.model.incident import IncidentStatus
from hullguard.model.node import NodeState
from hullguard.model.package import Unknown
from hullguard.model.policy import AppliedPolicies, policies_hash
from hullguard.model.registry import ImageState, RegistryListing, RegistryState, Trouble
from hullguard.model.report import AdvisoryState
from hullguard.model.severity import Severity
from hullguard.model.view import Doubts
from hullguard.storage import PageRequest, Storage, Transaction
from hullguard.storage.stores import (
    ADVISORIES,
    AdvisoryRuns,
    Containers,
    ImageFilter,
    Images,
    IncidentFilter,
    Incidents,
    Judged,
    Matching,
    NodeFilter,
    Nodes,
    Registries,
    RegistryImages,
    Settings,
    overview,
)


async def filled(tx: Transaction) -> None:
    nothing = AppliedPolicies(0, policies_hash(()))
    for node in ("a", "b", "c"):
        await enrolled(tx, node, protection=node != "c", cluster="green" if node == "c" else "blue")
    await Nodes(tx).heartbeat("a", heartbeat(applied=nothing), tx.now)
    await Nodes(tx).heartbeat("b", heartbeat(applied=AppliedPolicies(1, "other")), tx.now)
    await Nodes(tx).heartbeat("c", heartbeat(), tx.now)
    images = Images(tx)
    await images.present("a", [(IMAGE, ["nginx:1"]), (OTHER_IMAGE, ["old:1"])])
    for image in (IMAGE, OTHER_IMAGE):
        await images.store_inventory(image, inventory())
        await matched(images._tx, image, report())
    await Containers(tx).replace("a", [container(1), container(2), container(3, state="exited", image=OTHER_IMAGE)])
    seen = [observation(number, at=START - timedelta(days=number), severity=Severity.HIGH) for number in range(10)]
    ids = await Incidents(tx).insert("a", seen, tx.now)
    await Incidents(tx).handle(ids[0], IncidentStatus.RESOLVED, "", "user:a")
    await Settings(tx).set(ADVISORIES, AdvisoryState(START, ("Debian:12", "PyPI")))


async def test_an_empty_house_has_figures_too(tx: Transaction) -> None:
    found = await overview(tx)
    assert found.nodes == {"protected": 0, "degraded": 0, "unprotected": 0, "offline": 0, "total": 0}
    assert (found.quota_total, found.quota_used, found.images, found.containers) == (10, 0, 0, 0)
    assert (found.images_running, found.images_at_risk, found.top_images) == (0, 0, ())
    assert found.doubts == found.doubts_running == Doubts(**dict.fromkeys(Doubts.__struct_fields__, 0))
    assert set(found.vulnerabilities) == set(found.incidents_open) == set(Severity)
    assert [count for _, count in found.incidents_per_day] == [0] * 7
    assert (found.advisories_built, found.advisories_sources) == (None, ())
    assert (found.advisories_update, found.advisories_every_hours, found.registries_troubled) == (None, None, 0)


async def test_each_figure_is_the_length_of_its_list(storage: Storage) -> None:
    async with storage.transaction(SCOPE) as tx:
        await filled(tx)
    async with storage.reading(SCOPE) as tx:
        found, one = await overview(tx), PageRequest(1)
        for state in NodeState:
            assert found.nodes[state] == (await Nodes(tx).page(NodeFilter(state=frozenset({state})), one)).total
        assert found.nodes["total"] == 3
        assert found.nodes_drifting == (await Nodes(tx).page(NodeFilter(drift=True), one)).total == 1
        for severity in Severity:
            wanted = IncidentFilter(status=frozenset({IncidentStatus.OPEN}), severity=frozenset({severity}))
            assert found.incidents_open[severity] == (await Incidents(tx).page(wanted, one)).total
        assert found.images == (await Images(tx).page(ImageFilter(), one)).total == 2
        assert found.images_running == (await Images(tx).page(ImageFilter(running=True), one)).total == 1


async def test_the_figures_of_a_filled_house(tx: Transaction) -> None:
    await filled(tx)
    found = await overview(tx)
    assert found.nodes == {"protected": 1, "degraded": 1, "unprotected": 1, "offline": 0, "total": 3}
    assert (found.quota_used, found.containers, found.images_at_risk) == (2, 2, 1)
    assert found.incidents_open[Severity.HIGH] == 9
    assert found.incidents_per_day[0] == ("2026-02-23", 1)
    assert found.incidents_per_day[-1] == ("2026-03-01", 1)
    assert [count for _, count in found.incidents_per_day] == [1] * 7
    assert [image.id for image in found.top_images] == [IMAGE]
    assert found.vulnerabilities[Severity.HIGH] == 2
    assert (found.advisories_built, found.advisories_sources) == (START, ("Debian:12", "PyPI"))


async def test_a_scope_of_clusters_has_its_own_figures(tx: Transaction) -> None:
    await filled(tx)
    found = await overview(tx.within(Scope("default", frozenset({"green"}))))
    assert (found.nodes["total"], found.images, found.containers, found.incidents_open[Severity.HIGH]) == (1, 0, 0, 0)


async def test_how_the_last_update_of_the_advisories_ended_stands_beside_what_an_import_did(tx: Transaction) -> None:
    runs = AdvisoryRuns(tx)
    await runs.choose(AdvisorySettings(True, 6, "https://mirror.example", "", ""), expected_version=1)
    for state in (RunState.DONE, RunState.FAILED, RunState.PARTIAL):
        run = await runs.update("system")
        before = (await overview(tx)).advisories_update
        await runs.finish(structs.replace(await runs.begin(run.id), state=state))
        imported = await runs.load(f"import-{state}", "user:a", "a.json", 1)
        await runs.finish(structs.replace(imported, state=RunState.DONE))
        found = await overview(tx)
        assert (found.advisories_update, found.advisories_every_hours) == (state, 6)
        assert before is not state


async def test_registries_of_which_something_cannot_be_read_are_counted_until_it_can(tx: Transaction) -> None:
    registries, trouble = Registries(tx), Trouble("registry.unreachable", "it cannot be reached")
    away, partly, well = [
        (await registries.create(registry_spec(name), "user:a")).id for name in ("away", "partly", "well")
    ]
    assert (await overview(tx)).registries_troubled == 0

    await registries.failed(away, trouble)
    whole = RegistryListing(repositories=1, images=(), unchanged=(), unlisted=())
    await registries.listed(await registries.work(partly), structs.replace(whole, trouble=trouble))
    await registries.listed(await registries.work(well), whole)
    assert (await overview(tx)).registries_troubled == 2

    await registries.began(away, RegistryState.LISTING)
    assert (await overview(tx)).registries_troubled == 2
    await registries.listed(await registries.work(away), whole)
    assert (await overview(tx)).registries_troubled == 1


async def test_a_registry_of_which_images_failed_is_counted_though_it_was_listed_and_read(tx: Transaction) -> None:
    registry = (await Registries(tx).create(registry_spec("hub"), "user:a")).id
    other = (await Registries(tx).create(registry_spec("other"), "user:a")).id
    for each in (registry, other):
        await RegistryImages(tx, each).replace(await Registries(tx).work(each), registry_listing(listed()), 0)
    images = RegistryImages(tx, registry)
    first = await images.waiting()
    assert first is not None
    assert (await overview(tx)).registries_troubled == 0

    await images.ended(first, ImageState.FAILED, image_id=None, code="registry.cut-off", why="it was cut off")
    assert (await overview(tx)).registries_troubled == 1


async def test_images_of_which_not_all_is_known_are_counted_by_why_and_are_the_length_of_their_list(
    tx: Transaction,
) -> None:
    await enrolled(tx, "a")
    named = [f"sha256:{digit * 64}" for digit in "abcdef0"]
    whole, incomplete, unmatched, unjudged, unread, several, _unscanned = named
    images = Images(tx)
    await images.present("a", [(each, [f"{each[7:9]}:1"]) for each in named])
    cut, nobody = inventory(complete=False), (Unknown("Debian:99", "there are no advisories for it", unjudged=7),)
    for image in (whole, incomplete, unjudged, unread, several):
        taken = cut if image in (incomplete, several) else inventory()
        await images.store_inventory(image, taken)
        told = structs.replace(report((), of=taken), unknowns=nobody if image in (unjudged, several) else ())
        await Matching(tx).store([Judged(image, told, unread=int(image in (unread, several)))])
    await images.store_inventory(unmatched, inventory())
    await matched(tx, unmatched, report((), built=None))
    await Containers(tx).replace("a", [container(1, image=whole), container(2, image=several)])

    found = await overview(tx)
    assert found.doubts == Doubts(images=6, unscanned=1, incomplete=2, unmatched=1, unjudged=2, unread=2)
    assert found.doubts_running == Doubts(images=1, unscanned=0, incomplete=1, unmatched=0, unjudged=1, unread=1)
    assert (found.images_at_risk, sum(found.vulnerabilities.values())) == (0, 0)
    for running, figure in ((None, found.doubts), (True, found.doubts_running)):
        wanted = ImageFilter(running=running, whole=False)
        assert figure.images == (await images.page(wanted, PageRequest(1))).total
    assert [each.id for each in (await images.page(ImageFilter(whole=True), PageRequest(9))).items] == [whole]
