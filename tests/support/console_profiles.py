"""A profile for the console's tests: learned, and one that monitors and has something to show."""

import msgspec
from tests.support.records import observation, tally

from hullguard.detect import DEPARTURE
from hullguard.model.event import ImageRef
from hullguard.model.incident import PolicyRef
from hullguard.model.policy import Action, Binding, DetectorSettings, PolicySpec
from hullguard.model.profile import Behaviour, LearningTerms, ProfileState
from hullguard.storage import PageRequest, Transaction
from hullguard.storage.stores import Incidents, Policies, ProfileFilter, Profiles, Told

NODE, LISTED = "prod-web-01", "listed"
IMAGE = "registry.example/shop/web"


async def learned(tx: Transaction) -> str:
    """The image's profile with three entries; the same one if it is there."""
    found = await Profiles(tx).page(ProfileFilter(), PageRequest(10, q=IMAGE))
    if found.items:
        return found.items[0].id
    made = await Profiles(tx).create(IMAGE, LearningTerms(), "user:omar")
    told = (
        tally("/usr/sbin/nginx", 18, 18),
        tally("/var/log/nginx/access.log", 17, 17, Behaviour.WRITE),
        tally("tcp 10.0.3.0/24 5432", 18, 240, Behaviour.CONNECT),
        tally("/usr/bin/curl", 1, 2),
    )
    await Profiles(tx).learn(made.id, 1, Told(18, 3, told))
    return made.id


async def monitored(tx: Transaction) -> str:
    """The profile monitors, a policy denies what departs from it, and something did in one container."""
    profile = await learned(tx)
    store = Profiles(tx)
    if (await store.get(profile)).state is ProfileState.MONITOR and await _denied(tx):
        return profile
    for state in (ProfileState.REVIEW, ProfileState.MONITOR):
        if state in (await store.get(profile)).allowed:
            await store.move(profile, state, "user:omar")
    detectors = {DEPARTURE: DetectorSettings(action=Action.DENY)}
    policy = await Policies(tx).create(PolicySpec(LISTED, detectors=detectors, binding=Binding(["*"])), "user:omar")
    departed = (
        msgspec.structs.replace(
            observation(970 + number, at=tx.now, rule=DEPARTURE, on="d" * 64, node=NODE),
            image=ImageRef("sha256:1", f"{IMAGE}:2"),
            policy=PolicyRef(policy.id, policy.version),
            would=Action.DENY,
            details={"deed": "exec", "what": "/tmp/x", "program": "/bin/sh", "profile": IMAGE},
        )
        for number in range(2)
    )
    await Incidents(tx).insert(NODE, list(departed), tx.now)
    return profile


async def _denied(tx: Transaction) -> bool:
    return any(each.spec.name == LISTED for each in await Policies(tx).enabled())
