"""People, tokens, roles and what each may do."""

import enum
from datetime import datetime

from msgspec import Struct

DEFAULT_TENANT = "default"
DEFAULT_CLUSTER = "default"


class Permission(enum.StrEnum):
    """``thing:verb``; every route names one."""

    ADVISORIES_READ = "advisories:read"
    ADVISORIES_UPDATE = "advisories:update"
    ADVISORIES_WRITE = "advisories:write"
    AUDIT_READ = "audit:read"
    COMMANDS_READ = "commands:read"
    COMMANDS_WRITE = "commands:write"
    ENROLMENT_READ = "enrolment:read"
    ENROLMENT_WRITE = "enrolment:write"
    EXCEPTIONS_READ = "exceptions:read"
    EXCEPTIONS_WRITE = "exceptions:write"
    IMAGES_READ = "images:read"
    INCIDENTS_READ = "incidents:read"
    INCIDENTS_HANDLE = "incidents:handle"
    NODES_READ = "nodes:read"
    NODES_WRITE = "nodes:write"
    POLICIES_READ = "policies:read"
    POLICIES_WRITE = "policies:write"
    QUOTAS_WRITE = "quotas:write"
    REGISTRIES_READ = "registries:read"
    REGISTRIES_WRITE = "registries:write"
    SUBMISSIONS_SEND = "submissions:send"
    SUBMISSIONS_WRITE = "submissions:write"
    TOKENS_OWN = "tokens:own"
    USERS_READ = "users:read"
    USERS_WRITE = "users:write"


class Role(enum.StrEnum):
    """What a user is for; ``access/iam/roles.py`` says which permissions each holds."""

    ADMIN = "admin"
    OPERATOR = "operator"
    AUDITOR = "auditor"
    VIEWER = "viewer"
    SUBMITTER = "submitter"


class Scope(Struct, frozen=True):
    """Whose rows a statement may touch. ``clusters`` of None means every cluster of the tenant."""

    tenant: str
    clusters: frozenset[str] | None = None


class Actor(Struct, frozen=True):
    """Whoever asks: a signed-in user, an API token, the platform itself."""

    name: str
    """As the audit shows it: ``user:alice``, ``token:ID``, ``system``."""
    scope: Scope
    role: Role
    user: str | None = None
    must_change_password: bool = False
    source: str = ""


class User(Struct, frozen=True):
    """A local user; the password's hash never leaves storage."""

    id: str
    name: str
    role: Role
    disabled: bool
    must_change_password: bool
    created: datetime
    last_sign_in: datetime | None = None


class ApiToken(Struct, frozen=True):
    """An API token; its secret is shown once, when it is made."""

    id: str
    name: str
    user: str
    role: Role
    created: datetime
    expires: datetime
    last_used: datetime | None = None


class TokenName(Struct, frozen=True):
    """What a token is called, and whose it is: what was done with it stands under its id."""

    id: str
    name: str
    user: str
    """That user's name."""


class EnrolmentToken(Struct, frozen=True):
    """Lets a limited number of agents join a cluster until a time; its secret is shown once."""

    id: str
    name: str
    cluster: str
    created: datetime
    expires: datetime
    uses: int
    max_uses: int
    revoked: bool = False


class Quota(Struct, frozen=True):
    """Node units: protecting one node takes one."""

    total: int
    used: int
