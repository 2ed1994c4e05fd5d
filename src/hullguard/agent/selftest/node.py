"""The self-test of this node: which rules are in force, who hears, what becomes of each."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterable
from typing import Final

from msgspec import Struct

from hullguard.agent import facts, identity, policies, status
from hullguard.agent.runtime.docker import image_name
from hullguard.agent.runtime.scratch import Scratch
from hullguard.agent.selftest.deeds import Deed, deed_of, of_detectors
from hullguard.agent.selftest.images import NAMES, busybox_root, debian_root
from hullguard.agent.selftest.marks import alone
from hullguard.agent.selftest.run import AT_ONCE, PATIENCE, Outcome, SelfTest, sweep
from hullguard.agent.selftest.witness import OwnSensor, RunningAgent, own_sensor, running_agent
from hullguard.agent.state import StateDir
from hullguard.detect import Engine, default_policies
from hullguard.detect.choice import choose
from hullguard.detect.rulebook import rulebook
from hullguard.model.errors import Invalid, Unavailable
from hullguard.model.event import ImageRef
from hullguard.model.policy import NodePolicies

_LOOKS: Final = 50
_LOOK_SECONDS: Final = 0.2
_MAKE: Final = {"busybox": busybox_root, "debian": debian_root}


class Wishes(Struct, frozen=True):
    """What is to be tried, and how."""

    state: StateDir
    docker_host: str
    rules: tuple[str, ...] = ()
    """Only these; all that are in force where there are none."""
    image: str | None = None
    """An image that the engine has, for every deed; else two are made."""
    own_rights: bool = False
    """Rules of a team's own may have the rights that their self-tests ask for."""
    patience: float = PATIENCE
    at_once: int = AT_ONCE


class Report(Struct, frozen=True):
    """What became of each rule."""

    agent: bool
    """The running agent heard it; else a sensor of the self-test's own."""
    outcomes: list[Outcome]
    unacknowledged: int | None = None
    """What the agent has told and the platform not confirmed; None where no agent ran, or it has no connection."""


class Progress(Struct, frozen=True):
    """Told of what happens: how many deeds there are, then each as it is done."""

    begin: Callable[[int], None]
    done: Callable[[], None]


async def examine(wishes: Wishes, progress: Progress) -> Report:
    """Raises Unavailable where there is no engine or no sensor, Invalid for a rule that is not in force.

    However it ends, no container and no image of it is left.
    """
    agent = status.running(wishes.state)
    node, given = _node(wishes.state)
    deeds = _deeds(wishes, given, node)
    scratch = Scratch(wishes.docker_host)
    with alone(wishes.docker_host):
        await scratch.check()
        try:
            images, why_not = await _images(scratch, wishes, {deed.image for deed in deeds})
            async with _witness(wishes, given, node, agent=agent) as witness:
                progress.begin(len(deeds))
                test = SelfTest(scratch, witness, images, why_not)
                outcomes = await test.run(
                    deeds, lambda _: progress.done(), patience=wishes.patience, at_once=wishes.at_once
                )
                left = await _unacknowledged(witness)
        finally:
            await asyncio.shield(sweep(scratch, () if wishes.image else NAMES.values()))
    return Report(agent, outcomes, left)


def _node(state: StateDir) -> tuple[str, NodePolicies]:
    """What this node runs: the policies that its agent keeps, else the default one."""
    node = identity.load(state).node if state.enrolled else "node"
    wanted = policies.load(state) if state.enrolled else None
    if wanted is not None and not wanted.protection:
        raise Unavailable("Protection is switched off for this node, so nothing can fire.", "selftest.protection-off")
    return node, wanted.policies if wanted is not None else default_policies()


def _deeds(wishes: Wishes, given: NodePolicies, node: str) -> list[Deed]:
    """Of everything that is in force for the images in which it is tried."""
    found: dict[str, Deed] = {}
    for kind, name in NAMES.items():
        policy = choose(given.policies, ImageRef("", image_name(wishes.image or name)), node)
        if policy is None:
            continue
        on = [rule for rule in rulebook(policy.spec.rules).rules.rules if rule.enabled]
        enabled = [name for name, settings in policy.spec.detectors.items() if settings.enabled]
        deeds = [*of_detectors(enabled), *(deed_of(rule, trusted=wishes.own_rights) for rule in on)]
        found.update({deed.rule: deed for deed in deeds if deed.image == kind})
    if not found:
        raise Unavailable("No policy of this node holds for the self-test's containers.", "selftest.no-policy")
    missing = [name for name in wishes.rules if name not in found]
    if missing:
        raise Invalid(f"There is no rule {missing[0]!r} in force on this node.", "selftest.rule-unknown")
    return [deed for name, deed in sorted(found.items()) if not wishes.rules or name in wishes.rules]


async def _images(scratch: Scratch, wishes: Wishes, kinds: Iterable[str]) -> tuple[dict[str, str], dict[str, str]]:
    """Names by kind, and why there are not more."""
    if wishes.image is not None:
        if not await scratch.has_image(wishes.image):
            raise Unavailable(
                f"The engine has no image {wishes.image}; it is not pulled for this: pull it, or leave out --image.",
                "selftest.no-image",
            )
        return dict.fromkeys(NAMES, wishes.image), {}
    images, why_not = {}, {}
    for kind in kinds:
        try:
            await scratch.import_image(NAMES[kind], await asyncio.to_thread(_MAKE[kind]))
        except Unavailable as why:
            why_not[kind] = str(why)
        else:
            images[kind] = NAMES[kind]
    if not images and why_not:
        raise Unavailable(next(iter(why_not.values())), "selftest.no-image")
    return images, why_not


@contextlib.asynccontextmanager
async def _witness(
    wishes: Wishes, given: NodePolicies, node: str, *, agent: bool
) -> AsyncIterator[OwnSensor | RunningAgent]:
    if agent:
        with running_agent(wishes.state) as running:
            yield running
        return
    engine = Engine(node, facts.boot_id())
    engine.load(given)
    with own_sensor(wishes.docker_host, engine) as own:
        yield own


async def _unacknowledged(witness: OwnSensor | RunningAgent) -> int | None:
    """Whether the platform has them, too, which takes a moment; an agent without a connection keeps them for later."""
    if isinstance(witness, OwnSensor):
        return None
    for _ in range(_LOOKS):
        if not (left := witness.waiting()):
            return left
        await asyncio.sleep(_LOOK_SECONDS)
    return witness.waiting()
