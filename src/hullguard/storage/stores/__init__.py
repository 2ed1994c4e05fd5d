"""The stores: each is made from a transaction, sees its scope's rows only, and answers in model objects.

| store | answers |
|---|---|
| ``Nodes``, ``NodeFilter``, ``NodeIdentity``, ``Certificates`` | enrolment, heartbeats, protection, state |
| ``Containers``, ``ContainerFilter`` | what runs on each node |
| ``Images``, ``ImageFilter`` and filters of findings, packages | where images lie, what is in them, what is wrong |
| ``Incidents``, ``IncidentFilter`` | what detectors found and how it was handled |
| ``Policies`` | versions, and what each node should run |
| ``Profiles``, ``ProfileFilter``, ``EntryFilter``, ``Told`` | what containers of images do, as learned and reviewed |
| ``Simulations`` | what policies would have stopped |
| ``Commands``, ``CommandFilter``, ``About``, ``Idempotency`` | what people ask of agents |
| ``Recordings``, ``Recorded`` | events that rules can be tried on |
| ``Progress`` | which of an agent's messages were taken in |
| ``Quotas`` | node units |
| ``Users``, ``Credentials``, ``Sessions``, ``Session``, ``Tokens``, ``TokenHolder`` | who may sign in |
| ``EnrolmentTokens``, ``Redeemed`` | which agents may join |
| ``Audit``, ``AuditFilter`` | the rows under ``hullguard.audit`` |
| ``Blobs``, ``Blob`` | agent bundles |
| ``Registries``, ``RegistryWork`` | which registries are read, and how far |
| ``RegistryImages``, ``RegistryImageFilter``, ``Awaited`` | the images that they have |
| ``Matching``, ``Claimed``, ``Judged`` | which images wait for the advisories, and what came of it |
| ``KnownImages`` | the reports of images, each read once in a transaction |
| ``Exceptions``, ``ExceptionFilter``, ``VexDocuments``, ``Statements`` | what of the findings does not count, and why |
| ``Submissions``, ``SubmissionFilter``, ``Claim`` | what the command line submitted |
| ``AdvisoryRuns`` | how the advisory database is kept: settings, what waits, what became of it |
| ``Jobs``, ``Job`` | the workers' queue and schedules |
| ``Settings`` | named values |
| ``overview`` | the first screen's figures |

Lists are ``page(filter, PageRequest) -> Page``. A missing thing raises ``NotFound``, a forbidden change ``Conflict``.
"""

from hullguard.storage.stores.advisory_runs import AdvisoryRuns
from hullguard.storage.stores.audit import Audit, AuditFilter, Head, Unreadable
from hullguard.storage.stores.blobs import Blob, Blobs
from hullguard.storage.stores.certificates import Certificates, NodeIdentity
from hullguard.storage.stores.commands import About, CommandFilter, Commands
from hullguard.storage.stores.containers import ContainerFilter, Containers
from hullguard.storage.stores.enrolment import EnrolmentTokens, Redeemed
from hullguard.storage.stores.exceptions import ExceptionFilter, Exceptions
from hullguard.storage.stores.idempotency import Idempotency
from hullguard.storage.stores.image_places import Lister
from hullguard.storage.stores.image_rows import ImageFilter
from hullguard.storage.stores.image_uses import ImageUses, Watched
from hullguard.storage.stores.images import Images, PackageFilter, VulnerabilityFilter
from hullguard.storage.stores.incidents import IncidentFilter, Incidents
from hullguard.storage.stores.jobs import Job, Jobs
from hullguard.storage.stores.known_images import KnownImages
from hullguard.storage.stores.matching import Claimed, Judged, Matching
from hullguard.storage.stores.nodes import NodeFilter, Nodes
from hullguard.storage.stores.overview import overview
from hullguard.storage.stores.policies import Policies
from hullguard.storage.stores.profiles import EntryFilter, ProfileFilter, Profiles, Told
from hullguard.storage.stores.progress import Progress
from hullguard.storage.stores.quotas import Quotas
from hullguard.storage.stores.recordings import Recorded, Recordings
from hullguard.storage.stores.registries import READ_REGISTRY, Registries, RegistryWork
from hullguard.storage.stores.registry_images import Awaited, RegistryImageFilter, RegistryImages
from hullguard.storage.stores.sessions import Session, Sessions, TokenHolder, Tokens
from hullguard.storage.stores.settings import ADVISORIES, ADVISORIES_TROUBLE, Settings
from hullguard.storage.stores.simulations import Simulations
from hullguard.storage.stores.submissions import Claim, SubmissionFilter, Submissions
from hullguard.storage.stores.users import Credentials, Users
from hullguard.storage.stores.vex_documents import Statements, VexDocuments

__all__ = [
    "ADVISORIES",
    "ADVISORIES_TROUBLE",
    "READ_REGISTRY",
    "About",
    "AdvisoryRuns",
    "Audit",
    "AuditFilter",
    "Awaited",
    "Blob",
    "Blobs",
    "Certificates",
    "Claim",
    "Claimed",
    "CommandFilter",
    "Commands",
    "ContainerFilter",
    "Containers",
    "Credentials",
    "EnrolmentTokens",
    "EntryFilter",
    "ExceptionFilter",
    "Exceptions",
    "Head",
    "Idempotency",
    "ImageFilter",
    "ImageUses",
    "Images",
    "IncidentFilter",
    "Incidents",
    "Job",
    "Jobs",
    "Judged",
    "KnownImages",
    "Lister",
    "Matching",
    "NodeFilter",
    "NodeIdentity",
    "Nodes",
    "PackageFilter",
    "Policies",
    "ProfileFilter",
    "Profiles",
    "Progress",
    "Quotas",
    "Recorded",
    "Recordings",
    "Redeemed",
    "Registries",
    "RegistryImageFilter",
    "RegistryImages",
    "RegistryWork",
    "Session",
    "Sessions",
    "Settings",
    "Simulations",
    "Statements",
    "SubmissionFilter",
    "Submissions",
    "TokenHolder",
    "Tokens",
    "Told",
    "Unreadable",
    "Users",
    "VexDocuments",
    "VulnerabilityFilter",
    "Watched",
    "overview",
]
