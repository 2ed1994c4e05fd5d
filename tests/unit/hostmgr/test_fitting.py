"""What an older agent is sent, and what its node is then said to run."""

import hashlib
from datetime import UTC, datetime

import msgspec
from tests.support.records import heartbeat

from hullguard.hostmgr.fitting import fit
from hullguard.model.node import Reason
from hullguard.model.policy import AppliedPolicies, NodePolicies, Policy, PolicySpec, policies_hash
from hullguard.model.profile import Profile, ProfileState
from hullguard.wire import capabilities

NOW = datetime(2026, 1, 1, tzinfo=UTC)
POLICY = Policy("p", 1, 1, PolicySpec("default"), NOW, "user:a")
PROFILES = (Profile("a", "web", ProfileState.PROTECT, 1), Profile("b", "db", ProfileState.LEARNING, 1))
WHOLE = NodePolicies(7, policies_hash((POLICY,), PROFILES), (POLICY,), PROFILES)


def test_who_understands_it_is_sent_everything_and_believed_as_it_speaks():
    sent, made = fit(WHOLE, capabilities.KNOWN)
    said = heartbeat(applied=AppliedPolicies(7, WHOLE.hash))
    assert sent is WHOLE
    assert made.told(said) is said


def test_an_agent_without_profiles_is_sent_the_policies_under_the_hash_that_it_computes():
    sent, _ = fit(WHOLE, frozenset())
    assert (sent.policies, sent.profiles, sent.revision) == ((POLICY,), (), 7)
    before = msgspec.msgpack.encode((POLICY,), order="deterministic")
    assert sent.hash == hashlib.sha256(before).hexdigest()


def test_what_it_confirms_counts_for_the_whole_and_what_is_missing_is_a_reason():
    sent, made = fit(WHOLE, frozenset())
    own = Reason("spool.disk", "The disk is full.")
    told = made.told(msgspec.structs.replace(heartbeat(applied=AppliedPolicies(7, sent.hash)), reasons=(own,)))
    assert told.applied == AppliedPolicies(7, WHOLE.hash)
    first, second = told.reasons
    assert first == own
    assert (second.code, second.params) == ("policy.profiles-unsupported", {"profiles": "db, web"})


def test_what_it_does_not_confirm_stays_a_drift():
    _, made = fit(WHOLE, frozenset())
    for applied in (None, AppliedPolicies(6, 64 * "0")):
        assert made.told(heartbeat(applied=applied)).applied == applied


def test_without_profiles_nothing_is_left_out():
    bare = NodePolicies(7, policies_hash((POLICY,)), (POLICY,))
    sent, made = fit(bare, frozenset())
    said = heartbeat(applied=None)
    assert (sent, made.told(said)) == (bare, said)


def test_names_without_number_are_cut():
    many = tuple(Profile(str(number), f"image-{number:04}", ProfileState.MONITOR, 1) for number in range(500))
    _, made = fit(NodePolicies(7, policies_hash((), many), (), many), frozenset())
    (reason,) = made.reasons
    assert len(str(reason.params["profiles"])) == 500
