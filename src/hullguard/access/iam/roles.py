"""What each role may do: the whole table, to be read at a glance."""

from typing import Final

from hullguard.model.identity import Permission, Role

_READS: Final = frozenset(
    {
        Permission.ADVISORIES_READ,
        Permission.NODES_READ,
        Permission.IMAGES_READ,
        Permission.INCIDENTS_READ,
        Permission.POLICIES_READ,
        Permission.COMMANDS_READ,
        Permission.REGISTRIES_READ,
        Permission.EXCEPTIONS_READ,
    }
)
_SEES_EVERYTHING: Final = _READS | {Permission.ENROLMENT_READ, Permission.USERS_READ, Permission.AUDIT_READ}
_ACTS: Final = frozenset(
    {
        Permission.ADVISORIES_UPDATE,  # not to say where from, or what else is believed
        Permission.NODES_WRITE,
        Permission.INCIDENTS_HANDLE,
        Permission.POLICIES_WRITE,
        Permission.COMMANDS_WRITE,
        Permission.REGISTRIES_WRITE,
        Permission.EXCEPTIONS_WRITE,
        Permission.SUBMISSIONS_SEND,
        Permission.SUBMISSIONS_WRITE,
        Permission.ENROLMENT_READ,
        Permission.ENROLMENT_WRITE,
    }
)

PERMISSIONS: Final[dict[Role, frozenset[Permission]]] = {
    Role.ADMIN: frozenset(Permission),
    Role.OPERATOR: _READS | _ACTS | {Permission.TOKENS_OWN},
    Role.AUDITOR: _SEES_EVERYTHING | {Permission.TOKENS_OWN},
    Role.VIEWER: _READS | {Permission.TOKENS_OWN},
    # For the token of a build: it sees what came of what its own user sent, and nothing else of the platform.
    Role.SUBMITTER: frozenset({Permission.SUBMISSIONS_SEND}),
}


def permissions(role: Role) -> frozenset[Permission]:
    """What the role may do."""
    return PERMISSIONS[role]


def at_most(role: Role, limit: Role) -> bool:
    """``role`` may do nothing that ``limit`` may not. Roles are sets, not a ladder."""
    return PERMISSIONS[role] <= PERMISSIONS[limit]
