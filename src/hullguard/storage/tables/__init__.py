"""Every table, one module per subject."""

from hullguard.storage.tables.exceptions import exceptions, suppressions, vex_documents, vulnerability_names
from hullguard.storage.tables.images import (
    findings,
    image_nodes,
    image_packages,
    image_sources,
    image_subjects,
    image_uses,
    image_watches,
    images,
    inventories,
    reports,
)
from hullguard.storage.tables.incidents import (
    Evidence,
    Joined,
    incident_counts,
    incident_keys,
    incident_rules,
    incidents,
    observations,
    recorded_events,
)
from hullguard.storage.tables.intent import commands, idempotency, policies, policy_versions
from hullguard.storage.tables.metadata import metadata
from hullguard.storage.tables.nodes import certificates, containers, nodes, progress, quota_units, quotas
from hullguard.storage.tables.people import audit_heads, audit_records, enrolment_tokens, sessions, tokens, users
from hullguard.storage.tables.platform import blob_chunks, blobs, counters, jobs, schedules, settings
from hullguard.storage.tables.profiles import profile_entries, profiles
from hullguard.storage.tables.registries import registries, registry_images
from hullguard.storage.tables.submissions import submissions

__all__ = [
    "Evidence",
    "Joined",
    "audit_heads",
    "audit_records",
    "blob_chunks",
    "blobs",
    "certificates",
    "commands",
    "containers",
    "counters",
    "enrolment_tokens",
    "exceptions",
    "findings",
    "idempotency",
    "image_nodes",
    "image_packages",
    "image_sources",
    "image_subjects",
    "image_uses",
    "image_watches",
    "images",
    "incident_counts",
    "incident_keys",
    "incident_rules",
    "incidents",
    "inventories",
    "jobs",
    "metadata",
    "nodes",
    "observations",
    "policies",
    "policy_versions",
    "profile_entries",
    "profiles",
    "progress",
    "quota_units",
    "quotas",
    "recorded_events",
    "registries",
    "registry_images",
    "reports",
    "schedules",
    "sessions",
    "settings",
    "submissions",
    "suppressions",
    "tokens",
    "users",
    "vex_documents",
    "vulnerability_names",
]
