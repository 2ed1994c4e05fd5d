"""What agents tell of files in use, and what follows for findings: believed where it can be, forgotten in time."""

from collections.abc import Sequence
from datetime import timedelta

import pytest
from msgspec import structs
from tests.support.database import START
from tests.support.records import (
    IMAGE,
    OTHER_IMAGE,
    VULNERABILITIES,
    container,
    enrolled,
    inventory,
    report,
    waiting,
)

from hullguard.model.report import Priority
from hullguard.model.use import SETTLED, Unseen, Use
from hullguard.storage import PageRequest, Transaction
from hullguard.storage.stores import Containers, Images, ImageUses, Judged, Matching, VulnerabilityFilter, Watched
from hullguard.storage.stores.image_uses import FRESH, KEPT, MOST_FILES
from hullguard.storage.stores.removal import forget_node

LISTS = {"libssl3": ("usr/lib/libssl.so.3",), "nginx": ("usr/sbin/nginx",), "bash": ("bin/bash",)}
OPENSSL, NGINX = "/usr/lib/libssl.so.3", "/usr/sbin/nginx"
REPORT = report(tuple(structs.replace(each, priority=Priority(40, ("+40 so",))) for each in VULNERABILITIES))


@pytest.fixture
async def uses(tx: Transaction) -> ImageUses:
    """One matched image with its lists of files, running on one node."""
    await enrolled(tx)
    await Images(tx).present("node-1", [(IMAGE, ["nginx:1.25"])])
    await Images(tx).store_inventory(IMAGE, structs.replace(inventory(), loadable=LISTS))
    await Containers(tx).replace("node-1", [container()])
    await match(tx)
    return ImageUses(tx)


async def match(tx: Transaction) -> list[str]:
    """As the worker does it."""
    changed = await Matching(tx).store([Judged(IMAGE, REPORT)])
    return await ImageUses(tx).weigh([IMAGE], changed)


def said(tx: Transaction, *files: str, whole: bool = True, ago: timedelta = SETTLED, containers: int = 1) -> Watched:
    return Watched(IMAGE, tx.now - ago, containers, whole, files)


async def told(tx: Transaction, *files: str, node: str = "node-1", **how: object) -> bool:
    """Told, and matched if that is asked for; whether it was."""
    asked = await ImageUses(tx).told(node, said(tx, *files, **how))  # type: ignore[arg-type]
    if asked:
        assert IMAGE in await waiting(tx)
        await match(tx)
    return asked


async def found(tx: Transaction, sort: str | None = None, use: Sequence[Use] = ()) -> dict[str, tuple[Use, int]]:
    wanted = VulnerabilityFilter(use=frozenset(use))
    page = await Images(tx).vulnerabilities(IMAGE, wanted, PageRequest(sort=sort))
    assert page.total == len(page.items)
    return {each.id[-1]: (each.use.use, each.priority.score) for each in page.items}


async def test_loaded_raises_not_seen_lowers_and_kev_stands(tx: Transaction, uses: ImageUses) -> None:
    assert await found(tx) == dict.fromkeys("14235", (Use.UNKNOWN, 40))
    assert await told(tx, OPENSSL)
    assert await found(tx, "-priority") == {
        "1": (Use.LOADED, 50),
        "3": (Use.LOADED, 50),
        "4": (Use.NOT_SEEN, 40),
        "2": (Use.NOT_SEEN, 30),
        "5": (Use.NOT_SEEN, 30),
    }
    assert list(await found(tx, "-priority"))[2] == "4"
    assert set(await found(tx, use=[Use.LOADED])) == {"1", "3"}
    assert set(await found(tx, use=[Use.NOT_SEEN, Use.LOADED])) == set("14235")
    assert await found(tx, use=[Use.UNKNOWN]) == {}


async def test_the_report_and_the_list_say_the_same(tx: Transaction, uses: ImageUses) -> None:
    await told(tx, OPENSSL)
    listed = (await Images(tx).vulnerabilities(IMAGE, VulnerabilityFilter(), PageRequest())).items
    assert [each.priority for each in (await Images(tx).report(IMAGE)).vulnerabilities] == [
        each.priority for each in listed
    ]
    assert listed[0].priority.reasons == ("+40 so", "+10 loaded at run time")
    assert (listed[0].use.file, listed[0].use.last, listed[0].use.containers) == (OPENSSL, START, 1)
    assert listed[0].use.since == START - SETTLED


async def test_the_same_again_has_nothing_matched_again(tx: Transaction, uses: ImageUses) -> None:
    assert await told(tx, OPENSSL)
    assert not await told(tx, OPENSSL)
    assert await told(tx, OPENSSL, NGINX)
    assert not await told(tx, NGINX)


async def test_a_new_report_keeps_what_is_known(tx: Transaction, uses: ImageUses) -> None:
    await told(tx, OPENSSL)
    other = structs.replace(REPORT, vulnerabilities=REPORT.vulnerabilities[:2])
    changed = await Matching(tx).store([Judged(IMAGE, other)])
    await ImageUses(tx).weigh([IMAGE], changed)
    assert await found(tx) == {"1": (Use.LOADED, 50), "3": (Use.LOADED, 50)}


@pytest.mark.parametrize(
    ("how", "why"),
    [
        ({"whole": False}, Unseen.PARTLY),
        ({"ago": timedelta(minutes=59)}, Unseen.BRIEF),
        ({"ago": timedelta(minutes=-59)}, Unseen.BRIEF),
    ],
)
async def test_what_was_not_watched_is_unknown_and_what_was_seen_is_not(
    tx: Transaction, uses: ImageUses, how: dict[str, object], why: Unseen
) -> None:
    await told(tx, OPENSSL, **how)
    assert set((await found(tx)).values()) == {(Use.LOADED, 50), (Use.UNKNOWN, 40)}
    use = await ImageUses(tx).of(IMAGE)
    assert use.unsettled is why
    assert use.since is not None
    assert use.since <= tx.now


async def test_a_node_that_does_not_tell_leaves_the_rest_unknown(tx: Transaction, uses: ImageUses) -> None:
    await told(tx, OPENSSL)
    await enrolled(tx, "node-2")
    await Images(tx).present("node-2", [(IMAGE, [])])
    await Containers(tx).replace("node-2", [container(2)])
    assert await told(tx, OPENSSL)
    assert (await ImageUses(tx).of(IMAGE)).unsettled is Unseen.PARTLY
    await Containers(tx).replace("node-2", [container(2, state="exited")])
    assert await told(tx, OPENSSL)
    assert (await ImageUses(tx).of(IMAGE)).unsettled is None


async def test_an_agent_that_starts_anew_goes_on_and_one_that_was_away_begins_again(
    tx: Transaction, uses: ImageUses
) -> None:
    await told(tx, OPENSSL, containers=7)
    tx.now += timedelta(hours=20)
    await told(tx, ago=timedelta(0))
    use = await ImageUses(tx).of(IMAGE)
    assert (use.since, use.containers) == (START - SETTLED, 7)
    tx.now += FRESH + timedelta(hours=1)
    assert (await ImageUses(tx).of(IMAGE)).since is None, "nobody watches any more"
    await told(tx, ago=timedelta(0))
    use = await ImageUses(tx).of(IMAGE)
    assert (use.since, use.containers, use.unsettled) == (tx.now, 1, Unseen.BRIEF)


async def test_only_a_node_that_has_the_image_is_believed(tx: Transaction, uses: ImageUses) -> None:
    await enrolled(tx, "node-2")
    assert not await told(tx, OPENSSL, node="node-2")
    assert await found(tx) == dict.fromkeys("14235", (Use.UNKNOWN, 40))


async def test_too_many_files_are_too_many_to_say_what_is_not_there(tx: Transaction, uses: ImageUses) -> None:
    for start in range(0, MOST_FILES, 2048):
        await told(tx, *(f"/opt/{number}" for number in range(start, start + 2048)))
    await told(tx, OPENSSL)
    assert (await ImageUses(tx).of(IMAGE)).unsettled is Unseen.PARTLY
    assert set((await found(tx)).values()) == {(Use.UNKNOWN, 40)}


async def test_what_is_not_seen_for_long_is_forgotten(tx: Transaction, uses: ImageUses) -> None:
    await told(tx, OPENSSL, NGINX)
    for _ in range(KEPT // FRESH):
        tx.now += FRESH
        await told(tx, NGINX)
    assert (await found(tx))["1"] == (Use.NOT_SEEN, 30)
    assert (await found(tx))["2"] == (Use.LOADED, 50)
    tx.now += KEPT
    assert await ImageUses(tx).forget() == 2
    assert await found(tx) == dict.fromkeys("14235", (Use.UNKNOWN, 40))
    assert await ImageUses(tx).forget() == 0


async def test_an_image_that_leaves_a_node_is_not_watched_there(tx: Transaction, uses: ImageUses) -> None:
    await told(tx, OPENSSL)
    await Images(tx).present("node-1", [(OTHER_IMAGE, [])])
    assert (await ImageUses(tx).of(IMAGE)).since is None
    await Images(tx).present("node-1", [(IMAGE, [])])
    await told(tx, OPENSSL)
    await forget_node(tx, "node-1")
    assert (await ImageUses(tx).of(IMAGE)).since is None


async def test_what_is_told_before_the_image_is_read_waits_for_it(tx: Transaction) -> None:
    await enrolled(tx)
    await Images(tx).present("node-1", [(IMAGE, ["nginx:1.25"])])
    assert not await ImageUses(tx).told("node-1", said(tx, OPENSSL))
    await Images(tx).store_inventory(IMAGE, structs.replace(inventory(), loadable=LISTS))
    assert await match(tx) == [IMAGE]
    assert (await found(tx))["1"] == (Use.LOADED, 50)
