"""What each message of an agent does to the database. Everything here runs inside the caller's transaction.

A message that comes twice changes nothing the second time: records are numbered, and the rest replaces a whole.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec
from msgspec import Struct

from hullguard import audit
from hullguard.detect import PROFILE_ROLLED_BACK, ROLLED_BACK
from hullguard.hostmgr.rollback import roll_back, roll_back_profile
from hullguard.model.command import Command, CommandState
from hullguard.model.errors import NotFound
from hullguard.model.event import Event
from hullguard.model.ids import derived_id
from hullguard.model.incident import Observation
from hullguard.model.inventory import READER, Inventory
from hullguard.model.node import Heartbeat
from hullguard.storage import Transaction
from hullguard.storage.stores import (
    Commands,
    Containers,
    Images,
    ImageUses,
    Incidents,
    Jobs,
    Nodes,
    Profiles,
    Progress,
    Told,
    Watched,
)
from hullguard.wire import limits
from hullguard.wire import messages as say
from hullguard.wire.violation import Code, Violation


class Speaker(Struct, frozen=True):
    """Who said it, by certificate and hello."""

    node: str
    tenant: str
    cluster: str
    stream: str

    @property
    def actor(self) -> str:
        """As the audit names the agent."""
        return f"node:{self.node}"


class StoredInventory(Struct, frozen=True):
    """An inventory whose slices have all come."""

    image_id: str
    inventory: Inventory


class Seen(Struct, frozen=True):
    """A heartbeat that is worth a write. ``at`` is when it came."""

    heartbeat: Heartbeat
    at: datetime


Item = (
    say.Incidents
    | say.CommandUpdate
    | say.OwnCommand
    | say.Learned
    | say.Facts
    | say.Containers
    | say.ImageList
    | say.Used
    | StoredInventory
    | Seen
)


class Outcome(Struct):
    """What follows once the transaction is committed; filled while messages are taken in."""

    events: dict[tuple[str, str], None] = {}
    """(kind, id) for the consoles' streams, in order, each once."""
    missing: tuple[str, ...] = ()
    """Images of which nothing is stored."""
    outdated: tuple[str, ...] = ()
    """Images of which an older reader's inventory is stored than the agent's."""
    refused: Violation | None = None
    jobs: bool = False
    duplicate: bool = False

    def tell(self, kind: str, thing: str) -> None:
        """Let open consoles know."""
        self.events[kind, thing] = None


async def take_in(tx: Transaction, speaker: Speaker, said: Sequence[tuple[Item, int | None]]) -> list[Outcome]:
    """Store what one session said, in its order; an outcome for each. An outcome may be a refusal."""
    numbers = [sequence for _, sequence in said if sequence is not None]
    new = await Progress(tx).accept_all(speaker.node, speaker.stream, numbers) if numbers else frozenset()
    outcomes = []
    found: list[Observation] = []
    events: dict[str, Event] = {}
    for item, sequence in said:
        outcome = Outcome(duplicate=sequence is not None and sequence not in new)
        outcomes.append(outcome)
        if outcome.duplicate:
            continue
        if isinstance(item, say.Learned):
            await _learned(tx, item, outcome)
        elif isinstance(item, say.Incidents):
            # In one go at the end: a burst of incidents is many records, and what costs is each statement.
            found.extend(item.observations)
            events.update({each.observation: each.event for each in item.events})
        else:
            await _take_in(tx, speaker, item, outcome)
    if found:
        await _incidents(tx, speaker, found, events, outcomes[-1])
    return outcomes


async def _take_in(tx: Transaction, speaker: Speaker, item: Item, outcome: Outcome) -> None:
    match item:
        case say.CommandUpdate():
            await _command(tx, speaker, item, outcome)
        case say.OwnCommand(command=command):
            await _own_command(tx, speaker, command, outcome)
        case say.Facts(facts=facts):
            await Nodes(tx).facts(speaker.node, facts)
            outcome.tell("node", speaker.node)
        case say.Containers(containers=containers):
            await Containers(tx).replace(speaker.node, list(containers))
            outcome.tell("container", speaker.node)
        case say.ImageList():
            await _images(tx, speaker, item, outcome)
        case say.Used():
            await _used(tx, speaker, item, outcome)
        case StoredInventory(image_id=image_id, inventory=inventory):
            await _inventory(tx, speaker, image_id, inventory)
            await Jobs(tx).enqueue("match")
            outcome.jobs = True
            outcome.tell("image", image_id)
        case Seen(heartbeat=heartbeat, at=at):
            if await Nodes(tx).heartbeat(speaker.node, heartbeat, at):
                outcome.tell("node", speaker.node)


async def _incidents(
    tx: Transaction, speaker: Speaker, found: Sequence[Observation], events: Mapping[str, Event], outcome: Outcome
) -> None:
    # An id is made from the node's own: no node can take another's ids, and so make its incidents disappear as known.
    own = [msgspec.structs.replace(each, id=derived_id(speaker.node, each.id)) for each in found]
    recorded = {derived_id(speaker.node, observation): event for observation, event in events.items()}
    for incident in await Incidents(tx).insert(speaker.node, own, tx.now, recorded):
        outcome.tell("incident", incident)
    for each in own:
        # The same word twice finds the policy rolled back already.
        if each.rule == ROLLED_BACK and await roll_back(tx, speaker.node, each) and each.policy:
            outcome.tell("policy", each.policy.id)
        if each.rule == PROFILE_ROLLED_BACK and (profile := await roll_back_profile(tx, speaker.node, each)):
            outcome.tell("profile", profile)


async def _learned(tx: Transaction, learned: say.Learned, outcome: Outcome) -> None:
    # What a node says is a proposal: a person sees it before anything is measured by it.
    told = Told(learned.containers, learned.dropped, learned.tallies)
    if await Profiles(tx).learn(learned.profile, learned.generation, told):
        outcome.tell("profile", learned.profile)


async def _images(tx: Transaction, speaker: Speaker, listed: say.ImageList, outcome: Outcome) -> None:
    images = Images(tx)
    missing = await images.present(speaker.node, [(image.id, image.names) for image in listed.images])
    outcome.tell("image", speaker.node)
    outcome.missing = tuple(missing[: limits.IMAGES])
    if reader := _generation(listed.reader):
        outdated = await images.outdated([image.id for image in listed.images], reader)
        outcome.outdated = tuple(set(outdated).difference(missing))


async def _inventory(tx: Transaction, speaker: Speaker, image_id: str, inventory: Inventory) -> None:
    made = msgspec.structs.replace(inventory, reader=_generation(inventory.reader))
    images = Images(tx)
    # Only who was told so by a person may put a second inventory in the place of a complete one.
    if not await images.store_inventory(image_id, made) and await Commands(tx).reads_again(speaker.node):
        await images.store_inventory(image_id, made, again=True)


def _generation(said: int) -> int:
    """Nobody's reader counts for newer than the platform's own: no node can keep others from ever being asked again."""
    return max(0, min(said, READER))


async def _used(tx: Transaction, speaker: Speaker, used: say.Used, outcome: Outcome) -> None:
    told = Watched(used.image_id, used.since, used.containers, used.whole, used.files)
    if await ImageUses(tx).told(speaker.node, told):
        await Jobs(tx).enqueue("match")
        outcome.jobs = True


async def _command(tx: Transaction, speaker: Speaker, update: say.CommandUpdate, outcome: Outcome) -> None:
    commands = Commands(tx)
    try:
        command = await commands.get(update.id)
    except NotFound:
        # A database restored from a backup may have lost it; the agent must not stop over that.
        return
    if command.node != speaker.node:
        outcome.refused = Violation(Code.NODE_FOREIGN, f"command {update.id} is not one of node {speaker.node}")
        return
    state = CommandState(update.state)
    if state is CommandState.ACKNOWLEDGED:
        await commands.acknowledged(update.id)
    elif state is CommandState.RUNNING:
        await commands.progress(update.id, update.progress, update.message)
    elif await commands.finish(update.id, state, update.result, tx.now):
        await audit.record(
            tx,
            speaker.actor,
            f"command.{state}",
            f"command:{update.id}",
            outcome="done" if state is CommandState.DONE else "failed",
            reason=update.message,
            details={"kind": command.kind, "node": speaker.node},
        )
    outcome.tell("command", update.id)


async def _own_command(tx: Transaction, speaker: Speaker, command: Command, outcome: Outcome) -> None:
    # Like an incident's, its id is made from the node's own; and it can only say that a policy asked for a response.
    own = msgspec.structs.replace(
        command,
        id=derived_id(speaker.node, command.id),
        node=speaker.node,
        incident=derived_id(speaker.node, command.incident or ""),
    )
    if await Commands(tx).keep(own):
        done = own.state is CommandState.DONE
        await audit.record(
            tx,
            speaker.actor,
            f"command.{own.state}",
            f"command:{own.id}",
            outcome="done" if done else "failed",
            reason="" if done else str(own.result.get("message", "")),
            details={
                "kind": own.kind,
                "node": speaker.node,
                "by": own.created_by,
                "container": own.container or "",
                "incident": own.incident or "",
            },
        )
    outcome.tell("command", own.id)
