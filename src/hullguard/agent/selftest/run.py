"""Does the deeds of rules in scratch containers, a few at a time, and waits until each was heard, or for so long."""

import asyncio
import enum
from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec
from msgspec import Struct

from hullguard.agent.runtime.scratch import Scratch
from hullguard.agent.selftest.deeds import Deed
from hullguard.agent.selftest.marks import Heard
from hullguard.agent.selftest.witness import Witness
from hullguard.model.errors import HullguardError

PATIENCE = 30.0
"""Seconds until a rule counts as silent; a machine may be slow."""
AT_ONCE = 4
_LOOK_SECONDS = 0.05
_LONGEST_OUTPUT = 2000
_TRIES = 3
"""A deed that nobody saw is done again where events were lost meanwhile: that is a busy machine, no blind rule."""


class Verdict(enum.StrEnum):
    """What became of one rule's deed."""

    FIRED = "fired"
    SILENT = "not fired"
    UNTRIED = "not tried"


class Outcome(Struct, frozen=True):
    """One rule's."""

    rule: str
    verdict: Verdict
    why: str = ""
    """Why it was not tried, or what the deed printed where nothing was heard of it."""
    milliseconds: float | None = None
    """From the deed in the kernel to the incident."""
    incident: str = ""
    others: tuple[str, ...] = ()
    """What else was heard of the same container."""
    container: str = ""
    lost: int = 0
    """Events of the whole machine that were lost meanwhile."""
    tries: int = 1


class SelfTest:
    """``images`` are names of images by what a deed asks for; an image that is missing leaves its deeds untried."""

    def __init__(
        self, scratch: Scratch, witness: Witness, images: Mapping[str, str], why_no_image: Mapping[str, str]
    ) -> None:
        self._scratch, self._witness = scratch, witness
        self._images, self._why_no_image = images, why_no_image

    async def run(
        self,
        deeds: Sequence[Deed],
        done: Callable[[Outcome], None] = lambda _: None,
        *,
        patience: float = PATIENCE,
        at_once: int = AT_ONCE,
    ) -> list[Outcome]:
        """In the order given. However it ends, no container of it is left."""
        free = asyncio.Semaphore(at_once)

        async def one(deed: Deed) -> Outcome:
            async with free:
                outcome = await self._seen(deed, patience)
            done(outcome)
            return outcome

        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one(deed), name=deed.rule) for deed in deeds]
        return [task.result() for task in tasks]

    async def _seen(self, deed: Deed, patience: float) -> Outcome:
        before, tries = self._witness.lost(), 1
        while True:
            lost = self._witness.lost()
            outcome = await self._try(deed, patience)
            if outcome.verdict is not Verdict.SILENT or tries == _TRIES or self._witness.lost() == lost:
                return msgspec.structs.replace(outcome, lost=self._witness.lost() - before, tries=tries)
            tries += 1

    async def _try(self, deed: Deed, patience: float) -> Outcome:
        image = self._images.get(deed.image)
        why = deed.why_not or ("" if image else self._why_no_image.get(deed.image, f"there is no image {deed.image}"))
        if why or image is None:
            return Outcome(deed.rule, Verdict.UNTRIED, why)
        command = ("/bin/sh", "-c", deed.script)
        try:
            container = await self._scratch.create(image, command, deed.rights, terminal=deed.terminal)
        except HullguardError as refused:
            return Outcome(deed.rule, Verdict.UNTRIED, str(refused))
        try:
            return await self._do(deed, container, patience)
        finally:
            # Also when this is cancelled, and then once more by who cancels again.
            await asyncio.shield(self._scratch.remove(container))

    async def _do(self, deed: Deed, container: str, patience: float) -> Outcome:
        self._witness.expect(container)
        try:
            await self._scratch.start(container)
        except HullguardError as refused:
            return Outcome(deed.rule, Verdict.UNTRIED, str(refused), container=container)
        loop = asyncio.get_running_loop()
        deadline = loop.time() + patience
        while True:
            mine = [one for one in self._witness.heard() if one.container == container]
            first = next((one for one in mine if one.rule == deed.rule), None)
            others = tuple(dict.fromkeys(one.rule for one in mine if one.rule != deed.rule))
            if first is not None:
                return _fired(deed, first, others, container)
            broken = self._witness.broken()
            if broken or loop.time() > deadline:
                why = broken or await self._explained(container)
                return Outcome(deed.rule, Verdict.SILENT, why, others=others, container=container)
            await asyncio.sleep(_LOOK_SECONDS)

    async def _explained(self, container: str) -> str:
        """What the deed printed, for people who look why it was not heard."""
        try:
            printed = await self._scratch.printed(container)
        except HullguardError as bad:
            return str(bad)
        return printed.strip()[-_LONGEST_OUTPUT:]


def _fired(deed: Deed, first: Heard, others: tuple[str, ...], container: str) -> Outcome:
    return Outcome(
        deed.rule,
        Verdict.FIRED,
        milliseconds=round(first.seconds * 1000, 1),
        incident=first.incident,
        others=others,
        container=container,
    )


async def sweep(scratch: Scratch, images: Iterable[str] = ()) -> int:
    """Remove containers and images of this kind, of this run and of any that was killed; how many containers."""
    left = await scratch.left()
    for container in left:
        await scratch.remove(container)
    for image in images:
        await scratch.remove_image(image)
    return len(left)
