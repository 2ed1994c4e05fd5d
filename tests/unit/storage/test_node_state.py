from datetime import timedelta

import pytest
from msgspec import structs
from tests.support.database import START

from hullguard.model.node import NodeState, Reason, SensorHealth, SensorState
from hullguard.model.policy import AppliedPolicies
from hullguard.storage.node_state import Signs, drifts, judge, online

WANTED = AppliedPolicies(3, "hash")
SOUND = Signs(
    protection=True,
    last_seen=START,
    sensor=SensorHealth(SensorState.ACTIVE),
    runtime_reachable=True,
    reasons=(),
    spool_dropped=0,
    wanted=WANTED,
    applied=WANTED,
)


def codes(signs: Signs, seconds: float = 0) -> tuple[NodeState, list[str]]:
    state, reasons = judge(signs, START + timedelta(seconds=seconds))
    return state, [reason.code for reason in reasons]


def test_a_sound_node_is_protected_without_a_reason() -> None:
    assert codes(SOUND) == (NodeState.PROTECTED, [])


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"sensor": SensorHealth(SensorState.OFF)}, "sensor.off"),
        ({"sensor": SensorHealth(SensorState.DEGRADED)}, "sensor.degraded"),
        ({"sensor": SensorHealth(SensorState.OFF, (Reason("bpf.denied", "no right"),))}, "bpf.denied"),
        ({"sensor": None}, "agent.starting"),
        ({"runtime_reachable": False}, "runtime.unreachable"),
        ({"reasons": (Reason("disk.full", "the disk is full"),)}, "disk.full"),
        ({"spool_dropped": 4}, "spool.dropping"),
        ({"applied": AppliedPolicies(3, "other")}, "policy.drift"),
        ({"applied": None}, "policy.drift"),
    ],
)
def test_each_fault_degrades_and_says_so(change: dict[str, object], code: str) -> None:
    assert codes(structs.replace(SOUND, **change)) == (NodeState.DEGRADED, [code])


def test_several_faults_are_all_named() -> None:
    bad = structs.replace(SOUND, runtime_reachable=False, spool_dropped=1, applied=None)
    assert codes(bad)[1] == ["runtime.unreachable", "spool.dropping", "policy.drift"]


def test_ninety_seconds_of_silence_make_a_node_offline_whatever_else_is_wrong() -> None:
    assert codes(SOUND, 90)[0] is NodeState.PROTECTED
    assert codes(structs.replace(SOUND, protection=False), 90.001) == (NodeState.OFFLINE, ["node.silent"])
    assert codes(structs.replace(SOUND, last_seen=None)) == (NodeState.OFFLINE, ["node.never-seen"])
    # It may have connected: only what it reports is seen.
    assert judge(structs.replace(SOUND, last_seen=None), START)[1][0].message == (
        "the agent enrolled, but has never reported its state"
    )
    assert judge(SOUND, START + timedelta(seconds=200))[1][0].params == {"seconds": 200}


def test_a_clock_that_runs_ahead_does_not_make_a_node_offline() -> None:
    assert online(START + timedelta(hours=1), START)


def test_switched_off_protection_is_its_own_state() -> None:
    off = structs.replace(SOUND, protection=False, spool_dropped=3)
    assert codes(off) == (NodeState.UNPROTECTED, ["protection.off"])


def test_an_equal_hash_is_no_drift_even_at_another_revision() -> None:
    assert not drifts(structs.replace(SOUND, applied=AppliedPolicies(1, "hash")))


def test_a_node_without_protection_drifts_only_if_it_still_applies_something() -> None:
    off = structs.replace(SOUND, protection=False, wanted=AppliedPolicies(3, "nothing"))
    assert drifts(off)
    assert not drifts(structs.replace(off, applied=None))
