"""What agent and hostmgr say to each other. Each struct belongs to one direction; neither end can decode the other's.

Three classes, told apart by type so that a peer cannot choose:

* *records* (``RECORDS``) are numbered, spooled by the agent, acknowledged once they are in the database, stored once;
* *control* (``CONTROL``) keeps the session going: neither numbered nor charged to the credit;
* everything else is the present state: charged to the credit, and sent again after a reconnect.
"""

from datetime import datetime
from typing import Annotated, Final, Literal

from msgspec import Meta, Struct

from hullguard.model.command import Command
from hullguard.model.event import Event
from hullguard.model.incident import Observation
from hullguard.model.node import Container, Heartbeat, HostFacts
from hullguard.model.policy import AppliedPolicies, NodePolicies
from hullguard.model.profile import Tally
from hullguard.wire import limits
from hullguard.wire.capabilities import Names

Identifier = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*\Z")]
Digest = Annotated[str, Meta(pattern=r"^sha256:[0-9a-f]{64}\Z")]
Sha256 = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z")]
Sequence = Annotated[int, Meta(ge=1, le=(1 << 63) - 1)]
Count = Annotated[int, Meta(ge=0, le=(1 << 63) - 1)]
Pem = Annotated[str, Meta(max_length=16 << 10)]
Sentence = Annotated[str, Meta(max_length=2000)]

PART = Meta(max_length=limits.PART_BYTES)


class Grant(Struct, frozen=True):
    """How many messages and decompressed bytes the agent may have sent since the connection opened, in all."""

    messages: Count
    bytes: Count


# --- control, agent to server --------------------------------------------------------------------------------


class Hello(Struct, frozen=True, tag="hello"):
    """The agent's first message. ``stream`` names the numbering of its records; a new spool is a new stream."""

    node: Identifier
    stream: Identifier
    agent_version: Annotated[str, Meta(min_length=1, max_length=64)]
    protocol: int = limits.PROTOCOL
    applied: AppliedPolicies | None = None
    """What runs already: policies are sent only if others are wanted."""
    capabilities: Names = ()
    """What the agent understands: it is sent nothing else."""


class Beat(Struct, frozen=True, tag="beat"):
    """The heartbeat."""

    heartbeat: Heartbeat


# --- records, agent to server --------------------------------------------------------------------------------


class RecordedEvent(Struct, frozen=True):
    """The event that an observation was made of, to be judged again by rules that change."""

    observation: str
    event: Event


class Incidents(Struct, frozen=True, tag="incidents"):
    """What the detectors found, oldest first."""

    observations: Annotated[tuple[Observation, ...], Meta(min_length=1, max_length=limits.BATCH_OBSERVATIONS)]
    events: Annotated[tuple[RecordedEvent, ...], Meta(max_length=limits.BATCH_OBSERVATIONS)] = ()
    """Each event once, however many observations it made."""


class CommandUpdate(Struct, frozen=True, tag="command-update"):
    """How far a command is. ``acknowledged``: the agent has it on its own disk, so the server stops sending it."""

    id: Identifier
    state: Literal["acknowledged", "running", "done", "failed"]
    progress: Annotated[int, Meta(ge=0, le=100)] = 0
    message: Sentence = ""
    result: Annotated[dict[str, str | int], Meta(max_length=64)] = {}


class OwnCommand(Struct, frozen=True, tag="own-command"):
    """A response that a policy asked for: the agent gave itself the command, and this is it with its outcome.

    ``created_by`` names the policy (``policy:ID``), ``incident`` what it answers.
    """

    command: Command


class Learned(Struct, frozen=True, tag="learned"):
    """What containers of an image did on this node, beyond what the node has told of them already."""

    profile: Identifier
    generation: Count
    containers: Annotated[int, Meta(ge=0, le=4096)] = 0
    """So many were seen for the first time."""
    dropped: Annotated[int, Meta(ge=0, le=1 << 40)] = 0
    """Things that there was no room for."""
    tallies: Annotated[tuple[Tally, ...], Meta(max_length=limits.BATCH_TALLIES)] = ()


# --- state, agent to server ----------------------------------------------------------------------------------


class Facts(Struct, frozen=True, tag="facts"):
    """About the host; sent after each Welcome and when it changes."""

    facts: HostFacts


class Containers(Struct, frozen=True, tag="containers"):
    """Every container of the node; replaces what the server knew."""

    containers: Annotated[tuple[Container, ...], Meta(max_length=limits.CONTAINERS)]


class LocalImage(Struct, frozen=True):
    """An image in the node's store, with the names it goes by there."""

    id: Digest
    names: Annotated[tuple[Annotated[str, Meta(max_length=512)], ...], Meta(max_length=64)] = ()


class ImageList(Struct, frozen=True, tag="images"):
    """Every image of the node; replaces what the server knew.

    The server asks for the inventories that it lacks, and a few at a time for those that an older reader than this
    agent's made.
    """

    images: Annotated[tuple[LocalImage, ...], Meta(max_length=limits.IMAGES)]
    reader: Annotated[int, Meta(ge=0, le=limits.READERS)] = 0
    """The generation of the agent's reader; an agent that says none is not asked again for what is stored."""


class InventoryPart(Struct, frozen=True, tag="inventory"):
    """One slice of a compressed inventory (``wire.inventory``); slices come in order, one image at a time."""

    image_id: Digest
    part: Annotated[int, Meta(ge=0, lt=limits.INVENTORY_PARTS)]
    parts: Annotated[int, Meta(ge=1, le=limits.INVENTORY_PARTS)]
    data: Annotated[bytes, PART]


class Used(Struct, frozen=True, tag="used"):
    """What containers of one image on this node were seen to run, map or have open in the last day.

    Only for a server with the capability ``used``. ``files`` are the image's own, as the container names
    them; ``whole`` says that nothing was left out: no container, no process, no file.
    """

    image_id: Digest
    since: datetime
    """The agent watches the image's containers since then."""
    containers: Annotated[int, Meta(ge=0, le=limits.CONTAINERS)]
    """So many were looked at."""
    whole: bool
    files: Annotated[
        tuple[Annotated[str, Meta(min_length=2, max_length=limits.USED_PATH, pattern="^/")], ...],
        Meta(max_length=limits.USED_FILES),
    ] = ()


class RenewalRequest(Struct, frozen=True, tag="renew"):
    """Asks for the next certificate; due when two thirds of the present one's life have passed."""

    csr_pem: Pem


class BundleRequest(Struct, frozen=True, tag="bundle-request"):
    """Pulls one slice of an agent bundle; the agent asks for the next when it has written this one."""

    sha256: Sha256
    offset: Count


# --- server to agent -----------------------------------------------------------------------------------------


class Welcome(Struct, frozen=True, tag="welcome"):
    """The session is open. Records up to ``received_up_to`` are stored: the agent goes on after them."""

    session: Identifier
    received_up_to: Count
    credit: Grant
    heartbeat_seconds: Annotated[int, Meta(ge=1, le=3600)]
    server_version: str = ""
    capabilities: Names = ()
    """What the platform understands: it is told nothing else."""


class Ack(Struct, frozen=True, tag="ack"):
    """Records up to ``up_to`` are in the database: the spool may forget them."""

    up_to: Sequence


class Credit(Struct, frozen=True, tag="credit"):
    """A new, higher grant."""

    credit: Grant


class Refusal(Struct, frozen=True, tag="refusal"):
    """The last message of a session or an enrolment. ``code`` is a ``wire.violation.Code``."""

    code: str
    message: str
    retry_after: Annotated[int, Meta(ge=0)] | None = None
    """Seconds; null when trying again is pointless."""


class PolicySet(Struct, frozen=True, tag="policies"):
    """Every policy for this node; the heartbeat's ``applied`` confirms it."""

    policies: NodePolicies
    protection: bool = True
    """False: the node's protection is switched off, so the agent takes its sensor down and stops nothing."""


class CommandOrder(Struct, frozen=True, tag="command"):
    """Something to do. It may come twice: the agent knows a command by its id."""

    command: Command


class InventoryRequest(Struct, frozen=True, tag="inventory-request"):
    """The inventories that the platform lacks."""

    image_ids: Annotated[tuple[Digest, ...], Meta(min_length=1, max_length=limits.IMAGES)]


class CertificateRenewed(Struct, frozen=True, tag="renewed"):
    """The next certificate. The old one stays good until its own life ends."""

    certificate_pem: Pem
    expires: datetime


class RequestRefused(Struct, frozen=True, tag="request-refused"):
    """A request of the agent cannot be met; the session goes on."""

    request: Literal["renew", "bundle-request", "inventory"]
    subject: str
    code: str
    message: str


class BundlePart(Struct, frozen=True, tag="bundle"):
    """The slice of the bundle that begins at ``offset``; the bundle is ``size`` bytes."""

    sha256: Sha256
    offset: Count
    size: Count
    data: Annotated[bytes, PART]


# --- enrolment, on its own path --------------------------------------------------------------------------------


class Enrol(Struct, frozen=True, tag="enrol"):
    """Asks to join: the token, and a request for a certificate whose key never leaves the node."""

    token: Annotated[str, Meta(max_length=256)]
    csr_pem: Pem
    facts: HostFacts
    agent_version: Annotated[str, Meta(min_length=1, max_length=64)]


class Enrolled(Struct, frozen=True, tag="enrolled"):
    """The agent is a node now."""

    node: Identifier
    certificate_pem: Pem
    ca_pem: Pem
    release_key: Annotated[str, Meta(max_length=64)]
    """Ed25519, 32 bytes in hexadecimal: what signs the agent's updates."""
    expires: datetime


AgentMessage = (
    Hello
    | Beat
    | Incidents
    | CommandUpdate
    | OwnCommand
    | Learned
    | Facts
    | Containers
    | ImageList
    | InventoryPart
    | Used
    | RenewalRequest
    | BundleRequest
)
ServerMessage = (
    Welcome
    | Ack
    | Credit
    | Refusal
    | PolicySet
    | CommandOrder
    | InventoryRequest
    | CertificateRenewed
    | RequestRefused
    | BundlePart
)
EnrolmentRequest = Enrol
EnrolmentAnswer = Enrolled | Refusal

Record = Incidents | CommandUpdate | OwnCommand | Learned

RECORDS: Final = (Incidents, CommandUpdate, OwnCommand, Learned)
CONTROL: Final = (Hello, Beat)
"""Of the agent's messages; the credit is the server's, so its own messages are not charged."""
