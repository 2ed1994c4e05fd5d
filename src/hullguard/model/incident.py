"""What the agent observed, and the incident that observations become, with its story."""

import enum
from datetime import datetime

from msgspec import Struct

from hullguard.model.attack import Tactic
from hullguard.model.event import ContainerRef, Endpoint, EventKind, ImageRef, Process
from hullguard.model.policy import Action
from hullguard.model.severity import Severity


class IncidentStatus(enum.StrEnum):
    """How a person handled it."""

    OPEN = "open"
    IGNORED = "ignored"
    RESOLVED = "resolved"


class PolicyRef(Struct, frozen=True):
    """The policy, and its version, that was in force."""

    id: str
    version: int


class Deed(Struct, frozen=True, omit_defaults=True):
    """What the event was, in the few words that a story needs."""

    kind: EventKind
    path: str | None = None
    target: str | None = None
    """The second path, of a rename or link; what is mounted."""
    remote: Endpoint | None = None
    """The other end of a connection."""
    inbound: bool = False
    reads: bool = False
    writes: bool = False
    new_file: bool = False
    """EXEC: the image does not have the program, or not so."""


class Loaded(Struct, frozen=True):
    """The shared libraries and other programs' files that processes had mapped to run from."""

    files: tuple[str, ...] = ()
    """Their paths in the container, as far as the container did not change them."""
    whole: bool = False
    """Whether they are all that every one of the processes had loaded; it may have ended before it was looked at."""


class Observation(Struct, frozen=True, kw_only=True):
    """What the agent reports. ``id`` is derived from node, kernel boot, event and rule: twice seen is once stored."""

    id: str
    at: datetime
    rule: str
    severity: Severity
    technique: str
    """MITRE ATT&CK technique, for example ``T1059``."""
    action: Action
    stopped: bool
    container: ContainerRef
    image: ImageRef | None
    lineage: tuple[Process, ...]
    """Outermost ancestor first; the last is the process that did it."""
    details: dict[str, str] = {}
    """Facts that fill the rule's sentence, for example ``path``."""
    policy: PolicyRef | None = None
    would: Action | None = None
    """What the policy would have done, were it not only simulated."""
    deed: Deed | None = None
    """None where no event of the kernel stands behind it: what the agent says of itself, what was refused or lost."""
    title: str = ""
    """What a rule calls itself; empty for detectors, whose titles are the catalogue's."""
    title_zh: str = ""
    self_test: bool = False
    """It was made on purpose, by the node's own self-test: nobody has to look at it."""
    loaded: Loaded | None = None
    """What the processes of the lineage had loaded; the platform tells it in the story only."""


class Step(Struct, frozen=True, kw_only=True):
    """One entry of an incident's time line: what happened once, or again and again in the same way."""

    id: str
    """Of its first observation."""
    at: datetime
    last: datetime
    count: int
    """How often: the same rule, program and object."""
    rule: str
    title: str
    title_zh: str
    severity: Severity
    technique: str
    tactic: Tactic | None
    action: Action
    stopped: bool
    would: Action | None
    deed: Deed | None
    lineage: tuple[str, ...]
    """Keys of its processes, outermost first; the last is the one that did it."""
    details: dict[str, str]


class StoryProcess(Struct, frozen=True):
    """A process of the tree; ``parent`` is the key of another one."""

    key: str
    parent: str | None
    process: Process


class FileSeen(Struct, frozen=True):
    """A file of the story, and what was done with it."""

    path: str
    how: tuple[str, ...]
    """Of ``run``, ``run-new``, ``read``, ``write``, or the kind of event."""
    count: int


class SocketSeen(Struct, frozen=True):
    """The other end of connections."""

    address: str
    port: int
    name: str
    inbound: bool
    count: int


class UserSeen(Struct, frozen=True):
    """Who the processes that did something ran as."""

    uid: int
    name: str
    login: str
    """Who had signed in; empty where nobody had."""


class AtStake(Struct, frozen=True):
    """A known vulnerability of the image in a program that ran in this incident, or in a library that it had loaded."""

    vulnerability: str
    severity: Severity
    package: str
    installed: str
    fixed: str | None
    exploited: bool
    """Known to be exploited in the wild (KEV)."""
    program: str
    """The path of the program, or of the library."""
    by: str
    """How its package was found: ``location`` (it is this file), ``file`` (the package lists it), ``directory`` (it
    lies in that of a language's package) or ``name`` (the distribution's of that name)."""
    library: bool = False


class Raise(Struct, frozen=True):
    """Why an incident is graver than its gravest rule: ``tactics`` or ``vulnerable``."""

    why: str
    by: int
    """Steps of severity."""
    count: int
    """Of tactics that were chained, or of vulnerabilities at stake."""


class NotKnown(Struct, frozen=True):
    """Something that the story cannot say, by code."""

    code: str
    params: dict[str, str | int] = {}


class Story(Struct, frozen=True, kw_only=True):
    """How an incident went. Lists are bounded; what did not fit is counted."""

    steps: tuple[Step, ...] = ()
    """By time."""
    left_out: int = 0
    """Observations of steps that did not fit."""
    processes: tuple[StoryProcess, ...] = ()
    processes_left_out: int = 0
    files: tuple[FileSeen, ...] = ()
    sockets: tuple[SocketSeen, ...] = ()
    users: tuple[UserSeen, ...] = ()
    loaded: Loaded = Loaded()
    at_stake: tuple[AtStake, ...] = ()
    """The gravest first."""
    at_stake_left_out: int = 0
    unknowns: tuple[NotKnown, ...] = ()


class Incident(Observation, frozen=True, kw_only=True):
    """Observations that belong together, as the platform keeps them.

    What an observation says, the incident says of its gravest one; ``at`` is when the latest was made, and ``severity``
    that of the gravest rule with what ``raised`` adds.
    """

    node: str
    node_name: str
    cluster: str
    received: datetime
    began: datetime
    observations: int = 1
    rules: tuple[str, ...] = ()
    """Every rule that objected, up to a bound."""
    tactics: tuple[Tactic, ...] = ()
    """What the attack has reached, in ATT&CK's order."""
    raised: tuple[Raise, ...] = ()
    story: Story | None = None
    """Only of a single incident, not in lists."""
    status: IncidentStatus = IncidentStatus.OPEN
    handled_by: str | None = None
    handled_at: datetime | None = None
    note: str | None = None
    allowed: tuple[IncidentStatus, ...] = ()
    """The statuses that may follow now; the console offers no others."""
