import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.events import policies, policy

from hullguard.detect import default_policies, plan
from hullguard.detect.choice import choose
from hullguard.detect.detectors.catalog import BY_ID
from hullguard.detect.detectors.interface import Transport, Wants
from hullguard.detect.detectors.read_sensitive import ReadSensitive
from hullguard.detect.plan import MOST_SLOTS, MOST_WANTS, NOTHING, UNKNOWN, SlotPlan, _bounded, _broadest
from hullguard.model.event import EventKind, ImageRef
from hullguard.model.policy import Action, DetectorSettings

DROP = "container.drop-and-execute"
READ = "file.read-sensitive"
NGINX = ImageRef("sha256:1", "nginx:1.25")
KILL = {DROP: DetectorSettings(action=Action.KILL, parameters={"exempt_paths": ["/opt/*"]})}
ALERT = {DROP: DetectorSettings()}


def reading(*paths: str) -> dict[str, DetectorSettings]:
    return {READ: DetectorSettings(parameters={"paths": list(paths)})}


def test_the_default_watches_files_and_kills_nothing():
    given_plan = plan(default_policies())

    assert "/etc/shadow" in given_plan.slots[UNKNOWN].opens
    assert not any(slot.kill_new for slot in given_plan.slots)
    assert given_plan.kinds >= {EventKind.EXEC, EventKind.FILE_OPEN}
    assert given_plan.host is None


def test_without_rules_only_execs_with_a_trait_are_sent():
    given_plan = plan(policies(policy("all", nodes=("*",), detectors={**ALERT, **reading("/etc/shadow")})))

    assert given_plan.kinds == {EventKind.EXEC, EventKind.FILE_OPEN, EventKind.FILE_RENAME}
    assert all(want.execs for slot in given_plan.slots for want in slot.wants if EventKind.EXEC in want.kinds)


def test_a_container_gets_its_images_slot():
    given_plan = plan(policies(policy("image", images=("nginx:*",), detectors=KILL), policy("all", nodes=("*",))))

    assert given_plan.slot(NGINX) == 2
    assert given_plan.slot(ImageRef("i", "redis:7")) == 3
    assert given_plan.slot(None) == UNKNOWN
    kill = msgspec.structs.replace(BY_ID[DROP].wants(KILL[DROP]), kill_new=False, exempt=())
    assert given_plan.slots[2] == SlotPlan(wants=(kill,), exempt=("/opt/*",), kill_new=True)


def test_what_no_policy_covers_wants_nothing():
    given_plan = plan(policies(policy("image", images=("nginx:*",), detectors=KILL)))

    assert given_plan.slot(ImageRef("i", "redis:7")) == NOTHING
    assert given_plan.slots[NOTHING] == SlotPlan()


def test_unknown_containers_are_watched_for_every_policy_that_may_hold():
    given_plan = plan(
        policies(
            policy("a", images=("a:*",), detectors=reading("/a")),
            policy("b", images=("b:*",), detectors=reading("/b")),
            policy("all", nodes=("*",), detectors=reading("/c")),
        )
    )

    assert given_plan.slots[UNKNOWN].opens == {"/a", "/b", "/c"}


def test_unknown_containers_are_killed_only_if_every_policy_that_may_hold_kills():
    everywhere = policy("all", nodes=("*",), detectors=KILL)

    assert plan(policies(everywhere)).slots[UNKNOWN].kill_new
    assert plan(policies(policy("i", images=("x",), detectors=KILL), everywhere)).slots[UNKNOWN].kill_new
    assert not plan(policies(policy("i", images=("x",), detectors=ALERT), everywhere)).slots[UNKNOWN].kill_new
    assert not plan(policies(policy("i", images=("x",), detectors=KILL))).slots[UNKNOWN].kill_new
    off = policy("off", images=("x",), detectors=ALERT, enabled=False)
    assert plan(policies(off, everywhere)).slots[UNKNOWN].kill_new


def test_exemptions_matter_only_where_something_is_killed():
    alerting = {DROP: DetectorSettings(parameters={"exempt_paths": ["/opt/*"]})}

    assert plan(policies(policy("all", nodes=("*",), detectors=alerting))).slots[UNKNOWN].exempt == ()


def test_disabled_detectors_and_policies_want_nothing():
    off = {READ: DetectorSettings(enabled=False)}

    assert plan(policies(policy("a", nodes=("*",), detectors=off))).kinds == frozenset()
    assert plan(policies(policy("a", nodes=("*",), detectors=reading("/a"), enabled=False))).kinds == frozenset()


def test_policies_beyond_the_last_slot_are_filtered_as_unknown():
    many = [policy(f"p{number}", images=(f"image{number}:*",), detectors=KILL) for number in range(MOST_SLOTS + 5)]
    given_plan = plan(policies(*many))

    assert len(given_plan.slots) == MOST_SLOTS
    assert given_plan.slot(ImageRef("i", f"image{MOST_SLOTS + 3}:1")) == UNKNOWN


def test_policies_that_differ_in_paths_only_share_a_want():
    many = [policy(f"p{n}", images=(f"i{n}:*",), detectors=reading(f"/{n}")) for n in range(MOST_WANTS + 9)]
    unknown = plan(policies(*many)).slots[UNKNOWN]

    assert len(unknown.wants) == 1
    assert unknown.opens == {f"/{n}" for n in range(MOST_WANTS + 9)}


def test_what_is_more_than_the_kernel_has_bits_for_becomes_one_that_asks_for_all(monkeypatch):
    numbers = iter(range(MOST_WANTS + 9))

    def wanted(detector, settings):
        number = next(numbers)
        return Wants(frozenset({EventKind.CONNECT}), paths=(f"/{number}",), ports=frozenset({number}))

    monkeypatch.setattr(ReadSensitive, "wants", wanted)
    many = [policy(f"p{n}", images=(f"i{n}:*",), detectors=reading("/a")) for n in range(MOST_WANTS + 9)]
    unknown = plan(policies(*many)).slots[UNKNOWN]

    assert len(unknown.wants) == MOST_WANTS
    assert {path for want in unknown.wants for path in want.paths} == {f"/{n}" for n in range(MOST_WANTS + 9)}


def test_programs_are_the_first_that_are_no_longer_told_apart(monkeypatch):
    numbers = iter(range(MOST_WANTS + 9))

    def wanted(detector, settings):
        number = next(numbers)
        opens = frozenset({EventKind.FILE_OPEN})
        return Wants(opens, paths=(f"/{number}",), programs=frozenset({f"p{number}"}))

    monkeypatch.setattr(ReadSensitive, "wants", wanted)
    many = [policy(f"p{n}", images=(f"i{n}:*",), detectors=reading("/a")) for n in range(MOST_WANTS + 9)]
    given_plan = plan(policies(*many))

    (want,) = given_plan.slots[UNKNOWN].wants
    assert set(want.paths) == {f"/{n}" for n in range(MOST_WANTS + 9)}
    assert want.programs == frozenset()
    assert given_plan.slots[2].wants[0].programs


def test_of_more_than_there_are_bits_for_execs_are_asked_for_by_what_all_of_them_have():
    execs = frozenset({EventKind.EXEC})
    narrow = [
        Wants(execs, executables=(f"/{n}",), texts=frozenset({f"text{n}"}), parents=("a", f"p{n}")) for n in range(99)
    ]
    wide = _bounded([*narrow, Wants(CONNECT, ports=frozenset({1}), transports=frozenset())])

    assert len(wide) == MOST_WANTS
    assert (len(wide[-1].executables), len(wide[-1].texts)) == (99 - MOST_WANTS + 1,) * 2
    assert _bounded([*narrow, Wants(execs)])[-1].texts == frozenset()


def test_the_default_policy_asks_for_no_exec_whatever_it_is():
    (usual,) = [slot for slot in plan(default_policies()).slots[2:] if slot.wants]
    for want in usual.wants:
        narrow = (
            want.programs,
            want.execs,
            want.executables,
            want.parents,
            want.directories,
            want.texts,
            want.variables,
        )
        assert EventKind.EXEC not in want.kinds or any(narrow)


CONNECT = frozenset({EventKind.CONNECT})


@pytest.mark.parametrize(
    ("given_wants", "field", "asked"),
    [
        ([Wants(CONNECT, ports=frozenset({1})), Wants(CONNECT, ports=frozenset({2}))], "ports", {1, 2}),
        ([Wants(CONNECT, ports=frozenset({1})), Wants(CONNECT)], "ports", set()),
        ([Wants(CONNECT, networks=("10.0.0.0/8",)), Wants(CONNECT, networks=("fd00::/8",))], "networks", None),
        ([Wants(CONNECT, networks=("!10.0.0.0/8",)), Wants(CONNECT, networks=("10.0.0.0/8",))], "networks", set()),
        ([Wants(CONNECT, paths=("/a",)), Wants(CONNECT)], "paths", {"*"}),
        ([Wants(CONNECT, programs=frozenset("a")), Wants(CONNECT, programs=frozenset("b"))], "programs", {"a", "b"}),
        ([Wants(CONNECT, programs=frozenset("a")), Wants(CONNECT)], "programs", set()),
        ([Wants(CONNECT, transports=frozenset({Transport.TCP}))] * 2, "transports", set(Transport)),
    ],
)
def test_the_broadest_want_asks_for_no_less_than_each(given_wants, field, asked):
    found = set(getattr(_broadest(given_wants), field))

    assert found == ({"10.0.0.0/8", "fd00::/8"} if asked is None else asked)


def test_the_broadest_want_asks_for_climbing_paths_only_where_all_do():
    level, climbing = (
        Wants(frozenset({EventKind.FILE_OPEN}), paths=("/*",), climbs=climbs) for climbs in (False, True)
    )

    assert not _broadest([level, climbing]).climbs
    assert _broadest([climbing, climbing]).climbs


def test_the_host_is_looked_at_only_if_a_rule_of_its_policy_asks(monkeypatch):
    everywhere = policies(policy("all", nodes=("*",), detectors=reading("/a")))
    assert plan(everywhere).host is None
    wanted = Wants(frozenset({EventKind.FILE_OPEN}), paths=("/a",), host=True)
    monkeypatch.setattr(ReadSensitive, "wants", lambda self, settings: wanted)

    assert plan(everywhere).host == SlotPlan(wants=(wanted,))
    assert plan(policies(policy("i", images=("x",), detectors=reading("/a")))).host is None


POLICY = st.builds(
    lambda name, nodes, images, kill, paths, enabled: policy(
        name,
        nodes=nodes,
        images=images,
        enabled=enabled,
        detectors={DROP: DetectorSettings(action=Action.KILL if kill else Action.ALERT), **reading(*paths)},
    ),
    st.uuids().map(str),
    st.sampled_from([(), ("*",), ("n1",), ("n2",)]),
    st.sampled_from([(), ("nginx:*",), ("redis:*",), ("*",)]),
    st.booleans(),
    st.lists(st.sampled_from(["/a", "/b/*", "/c"]), unique=True).map(tuple),
    st.booleans(),
)


def asks_for_no_more(want, other):
    return set(want.paths) <= set(other.paths) and want == msgspec.structs.replace(other, paths=want.paths)


@given(st.lists(POLICY, max_size=5), st.sampled_from(["nginx:1", "redis:7", "other:1"]))
def test_meeting_a_container_never_adds_a_filter_and_never_takes_a_kill_away(given_policies, image):
    compiled = plan(policies(*given_policies), "n1")
    unknown, final = compiled.slots[UNKNOWN], compiled.slots[compiled.slot(ImageRef("i", image))]

    assert all(any(asks_for_no_more(want, other) for other in unknown.wants) for want in final.wants)
    assert final.kinds <= unknown.kinds
    assert final.kill_new or not unknown.kill_new


@given(st.lists(POLICY, max_size=5), st.sampled_from(["nginx:1", "redis:7", "other:1"]))
def test_the_slot_is_that_of_the_policy_the_engine_chooses(given_policies, image):
    compiled = plan(policies(*given_policies), "n1")
    chosen = choose(given_policies, ImageRef("i", image), "n1")
    slot = compiled.slot(ImageRef("i", image))

    assert (slot == NOTHING) if chosen is None else (given_policies[slot - 2] == chosen)
