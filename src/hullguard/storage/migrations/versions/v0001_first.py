"""The first shape of every table.

Revision ID: 0001
Revises: none
"""

import sqlalchemy as sa
from alembic import op

from hullguard.storage.dialect import Instant, large_binary, long_text, text

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "audit_heads",
        sa.Column("tenant", text(64), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("hash", text(64), nullable=False),
        sa.PrimaryKeyConstraint("tenant", name=op.f("pk_audit_heads")),
    )
    op.create_table(
        "audit_records",
        sa.Column("tenant", text(64), nullable=False),
        sa.Column("sequence", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("actor", text(255), nullable=False),
        sa.Column("action", text(128), nullable=False),
        sa.Column("subject", text(512), nullable=False),
        sa.Column("outcome", text(16), nullable=False),
        sa.Column("reason", long_text(), nullable=False),
        sa.Column("source", text(255), nullable=False),
        sa.Column("details", long_text(), nullable=False),
        sa.Column("previous", text(64), nullable=False),
        sa.Column("hash", text(64), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "sequence", name=op.f("pk_audit_records")),
    )
    op.create_index("ix_audit_records_action", "audit_records", ["tenant", "action", "sequence"], unique=False)
    op.create_index("ix_audit_records_actor", "audit_records", ["tenant", "actor", "sequence"], unique=False)
    op.create_index("ix_audit_records_at", "audit_records", ["tenant", "at"], unique=False)
    op.create_index("ix_audit_records_subject", "audit_records", ["tenant", "subject", "sequence"], unique=False)
    op.create_table(
        "blob_chunks",
        sa.Column("tenant", text(64), nullable=False),
        sa.Column("sha256", text(64), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("data", large_binary(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "sha256", "number", name=op.f("pk_blob_chunks")),
    )
    op.create_table(
        "blobs",
        sa.Column("tenant", text(64), nullable=False),
        sa.Column("sha256", text(64), nullable=False),
        sa.Column("kind", text(32), nullable=False),
        sa.Column("version", text(128), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("chunks", sa.BigInteger(), nullable=False),
        sa.Column("created", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "sha256", name=op.f("pk_blobs")),
    )
    op.create_table(
        "certificates",
        sa.Column("tenant", text(64), nullable=False),
        sa.Column("fingerprint", text(64), nullable=False),
        sa.Column("node", text(64), nullable=False),
        sa.Column("issued", Instant(), nullable=False),
        sa.Column("expires", Instant(), nullable=False),
        sa.Column("revoked", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("tenant", "fingerprint", name=op.f("pk_certificates")),
    )
    op.create_index("ix_certificates_fingerprint", "certificates", ["fingerprint"], unique=True)
    op.create_index("ix_certificates_node", "certificates", ["tenant", "node"], unique=False)
    op.create_table(
        "commands",
        sa.Column("tenant", text(64), nullable=False),
        sa.Column("id", text(64), nullable=False),
        sa.Column("cluster", text(64), nullable=False),
        sa.Column("node", text(64), nullable=False),
        sa.Column("kind", text(32), nullable=False),
        sa.Column("parameters", sa.LargeBinary(), nullable=False),
        sa.Column("state", text(16), nullable=False),
        sa.Column("open_until", Instant(), nullable=True),
        sa.Column("created", Instant(), nullable=False),
        sa.Column("created_by", text(255), nullable=False),
        sa.Column("deadline", Instant(), nullable=False),
        sa.Column("attempts", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("progress", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("message", long_text(), nullable=False),
        sa.Column("result", sa.LargeBinary(), nullable=False),
        sa.Column("finished", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_commands")),
    )
    op.create_index("ix_commands_created", "commands", ["tenant", "created", "id"], unique=False)
    op.create_index("ix_commands_node", "commands", ["tenant", "node", "created", "id"], unique=False)
    op.create_index("ix_commands_open", "commands", ["tenant", "open_until"], unique=False)
    op.create_table(
        "containers",
        sa.Column("tenant", text(64), nullable=False),
        sa.Column("node", text(64), nullable=False),
        sa.Column("id", text(64), nullable=False),
        sa.Column("cluster", text(64), nullable=False),
        sa.Column("name", text(255), nullable=False),
        sa.Column("image_id", text(128), nullable=False),
        sa.Column("image_name", text(512), nullable=False),
        sa.Column("state", text(32), nullable=False),
        sa.Column("created", Instant(), nullable=True),
        sa.Column("started", Instant(), nullable=True),
        sa.Column("privileged", sa.Boolean(), server_default=sa.text("0"), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "node", "id", name=op.f("pk_containers")),
    )
    op.create_index("ix_containers_id", "containers", ["tenant", "id"], unique=False)
    op.create_index("ix_containers_image", "containers", ["tenant", "image_id", "state"], unique=False)
    op.create_index("ix_containers_name", "containers", ["tenant", "name", "id"], unique=False)
    op.create_index("ix_containers_state", "containers", ["tenant", "state"], unique=False)
    op.create_table(
        "counters",
        sa.Column("tenant", text(64), nullable=False),
        sa.Column("name", text(128), nullable=False),
        sa.Column("value", sa.BigInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("tenant", "name", name=op.f("pk_counters")),
    )
    op.create_table(
        "enrolment_tokens",
        sa.Column("tenant", text(64), nullable=False),
        sa.Column("id", text(64), nullable=False),
        sa.Column("secret_hash", text(64), nullable=False),
        sa.Column("name", text(128), nullable=False),
        sa.Column("cluster", text(64), nullable=False),
        sa.Column("created", Instant(), nullable=False),
        sa.Column("expires", Instant(), nullable=False),
        sa.Column("uses", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("max_uses", sa.BigInteger(), nullable=False),
        sa.Column("revoked", sa.Boolean(), server_default=sa.text("0"), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_enrolment_tokens")),
    )
    op.create_index("ix_enrolment_tokens_secret_hash", "enrolment_tokens", ["secret_hash"], unique=True)
    op.create_table(
        "findings",
        sa.Column("tenant", text(64), nullable=False),
        sa.Column("image_id", text(128), nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("vulnerability", text(128), nullable=False),
        sa.Column("severity", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("fixable", sa.Boolean(), server_default=sa.text("0"), nullable=False),
        sa.Column("package", text(255), nullable=False),
        sa.Column("layer", text(128), nullable=True),
        sa.PrimaryKeyConstraint("tenant", "image_id", "position", name=op.f("pk_findings")),
    )
    op.create_index("ix_findings_vulnerability", "findings", ["tenant", "vulnerability", "image_id"], unique=False)
    op.create_table(
        "idempotency",
        sa.Column("tenant", text(64), nullable=False),
        sa.Column("actor", text(255), nullable=False),
        sa.Column("key", text(255), nullable=False),
        sa.Column("digest", text(64), nullable=False),
        sa.Column("subject", text(255), nullable=False),
        sa.Column("created", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "actor", "key", name=op.f("pk_idempotency")),
    )
    op.create_index("ix_idempotency_created", "idempotency", ["tenant", "created"], unique=False)
    op.create_table(
        "image_nodes",
        sa.Column("tenant", text(64), nullable=False),
        sa.Column("node", text(64), nullable=False),
        sa.Column("image_id", text(128), nullable=False),
        sa.Column("cluster", text(64), nullable=False),
        sa.Column("names", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "node", "image_id", name=op.f("pk_image_nodes")),
    )
    op.create_index("ix_image_nodes_image", "image_nodes", ["tenant", "image_id"], unique=False)
    op.create_table(
        "image_packages",
        sa.Column("tenant", text(64), nullable=False),
        sa.Column("image_id", text(128), nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("ecosystem", text(255), nullable=False),
        sa.Column("matched_name", text(255), nullable=False),
        sa.Column("name", text(255), nullable=False),
        sa.Column("type", text(16), nullable=False),
        sa.Column("layer", text(128), nullable=True),
        sa.PrimaryKeyConstraint("tenant", "image_id", "position", name=op.f("pk_image_packages")),
    )
    op.create_index(
        "ix_image_packages_matched", "image_packages", ["tenant", "ecosystem", "matched_name", "image_id"], unique=False
    )
    op.create_table(
        "images",
        sa.Column("tenant", text(64), nullable=False),
        sa.Column("id", text(128), nullable=False),
        sa.Column("name", text(512), server_default="", nullable=False),
        sa.Column("names", sa.LargeBinary(), nullable=False),
        sa.Column("searched", long_text(), nullable=False),
        sa.Column("platform", text(64), nullable=True),
        sa.Column("os", sa.LargeBinary(), nullable=True),
        sa.Column("size", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("packages", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("critical", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("high", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("medium", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("low", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("negligible", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("unknown", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("vulnerabilities", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("fixable", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("fixable_serious", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("risk", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("complete", sa.Boolean(), server_default=sa.text("1"), nullable=False),
        sa.Column("scanned", Instant(), nullable=True),
        sa.Column("matched", Instant(), nullable=True),
        sa.Column("advisories_built", Instant(), nullable=True),
        sa.Column("wanted_built", Instant(), nullable=True),
        sa.Column("pending", sa.Boolean(), server_default=sa.text("0"), nullable=False),
        sa.Column("first_seen", Instant(), nullable=False),
        sa.Column("absent_since", Instant(), nullable=True),
        sa.Column("present", sa.Boolean(), server_default=sa.text("1"), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_images")),
    )
    op.create_index("ix_images_name", "images", ["tenant", "present", "name", "id"], unique=False)
    op.create_index("ix_images_pending", "images", ["tenant", "pending"], unique=False)
    op.create_index("ix_images_risk", "images", ["tenant", "present", "risk", "id"], unique=False)
    op.create_table(
        "incident_counts",
        sa.Column("tenant", text(64), nullable=False),
        sa.Column("cluster", text(64), nullable=False),
        sa.Column("day", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("status", text(16), nullable=False),
        sa.Column("severity", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("rule", text(128), nullable=False),
        sa.Column("incidents", sa.BigInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint(
            "tenant", "cluster", "day", "status", "severity", "rule", name=op.f("pk_incident_counts")
        ),
    )
    op.create_table(
        "incidents",
        sa.Column("tenant", text(64), nullable=False),
        sa.Column("id", text(64), nullable=False),
        sa.Column("cluster", text(64), nullable=False),
        sa.Column("node", text(64), nullable=False),
        sa.Column("node_name", text(255), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("received", Instant(), nullable=False),
        sa.Column("rule", text(128), nullable=False),
        sa.Column("severity", sa.BigInteger(), nullable=False),
        sa.Column("technique", text(32), nullable=False),
        sa.Column("action", text(16), nullable=False),
        sa.Column("stopped", sa.Boolean(), server_default=sa.text("0"), nullable=False),
        sa.Column("container", text(255), nullable=False),
        sa.Column("container_name", text(255), nullable=False),
        sa.Column("image", text(128), nullable=True),
        sa.Column("image_name", text(512), nullable=True),
        sa.Column("evidence", sa.LargeBinary(), nullable=False),
        sa.Column("status", text(16), server_default="open", nullable=False),
        sa.Column("handled_by", text(255), nullable=True),
        sa.Column("handled_at", Instant(), nullable=True),
        sa.Column("note", long_text(), nullable=True),
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_incidents")),
    )
    op.create_index("ix_incidents_at", "incidents", ["tenant", "at", "id"], unique=False)
    op.create_index("ix_incidents_container", "incidents", ["tenant", "container", "at", "id"], unique=False)
    op.create_index("ix_incidents_container_status", "incidents", ["tenant", "container", "status"], unique=False)
    op.create_index("ix_incidents_image", "incidents", ["tenant", "image", "at", "id"], unique=False)
    op.create_index("ix_incidents_node", "incidents", ["tenant", "node", "at", "id"], unique=False)
    op.create_index("ix_incidents_node_status", "incidents", ["tenant", "node", "status"], unique=False)
    op.create_index("ix_incidents_rule", "incidents", ["tenant", "rule", "at", "id"], unique=False)
    op.create_index("ix_incidents_severity", "incidents", ["tenant", "severity", "at", "id"], unique=False)
    op.create_index("ix_incidents_status", "incidents", ["tenant", "status", "at", "id"], unique=False)
    op.create_table(
        "inventories",
        sa.Column("tenant", text(64), nullable=False),
        sa.Column("image_id", text(128), nullable=False),
        sa.Column("inventory", large_binary(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "image_id", name=op.f("pk_inventories")),
    )
    op.create_table(
        "jobs",
        sa.Column("tenant", text(64), nullable=False),
        sa.Column("id", text(64), nullable=False),
        sa.Column("kind", text(64), nullable=False),
        sa.Column("key", text(255), nullable=False),
        sa.Column("waiting", text(255), nullable=True),
        sa.Column("payload", large_binary(), nullable=False),
        sa.Column("state", text(16), nullable=False),
        sa.Column("attempts", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("max_attempts", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("ready", Instant(), nullable=True),
        sa.Column("lease", text(64), server_default="", nullable=False),
        sa.Column("created", Instant(), nullable=False),
        sa.Column("finished", Instant(), nullable=True),
        sa.Column("error", long_text(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_jobs")),
        sa.UniqueConstraint("tenant", "kind", "waiting", name=op.f("uq_jobs_tenant_kind_waiting")),
    )
    op.create_index("ix_jobs_finished", "jobs", ["tenant", "finished"], unique=False)
    op.create_index("ix_jobs_ready", "jobs", ["tenant", "kind", "ready"], unique=False)
    op.create_table(
        "nodes",
        sa.Column("tenant", text(64), nullable=False),
        sa.Column("id", text(64), nullable=False),
        sa.Column("cluster", text(64), nullable=False),
        sa.Column("name", text(255), nullable=False),
        sa.Column("facts", sa.LargeBinary(), nullable=False),
        sa.Column("protection", sa.Boolean(), server_default=sa.text("0"), nullable=False),
        sa.Column("agent_version", text(64), server_default="", nullable=False),
        sa.Column("sensor", sa.LargeBinary(), nullable=True),
        sa.Column("runtime_reachable", sa.Boolean(), nullable=True),
        sa.Column("reasons", sa.LargeBinary(), nullable=True),
        sa.Column("spool_records", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("spool_dropped", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("sound", sa.Boolean(), server_default=sa.text("0"), nullable=False),
        sa.Column("wanted_revision", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("wanted_hash", text(64), server_default="", nullable=False),
        sa.Column("applied_revision", sa.BigInteger(), nullable=True),
        sa.Column("applied_hash", text(64), nullable=True),
        sa.Column("enrolled", Instant(), nullable=False),
        sa.Column("last_seen", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_nodes")),
    )
    op.create_index("ix_nodes_name", "nodes", ["tenant", "name", "id"], unique=False)
    op.create_table(
        "policies",
        sa.Column("tenant", text(64), nullable=False),
        sa.Column("id", text(64), nullable=False),
        sa.Column("name", text(64), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("spec", large_binary(), nullable=False),
        sa.Column("changed_at", Instant(), nullable=False),
        sa.Column("changed_by", text(255), nullable=False),
        sa.Column("comment", long_text(), nullable=False),
        sa.Column("built_in", sa.Boolean(), server_default=sa.text("0"), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_policies")),
        sa.UniqueConstraint("tenant", "name", name=op.f("uq_policies_tenant_name")),
    )
    op.create_table(
        "policy_versions",
        sa.Column("tenant", text(64), nullable=False),
        sa.Column("policy", text(64), nullable=False),
        sa.Column("version", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("spec", large_binary(), nullable=False),
        sa.Column("changed_at", Instant(), nullable=False),
        sa.Column("changed_by", text(255), nullable=False),
        sa.Column("comment", long_text(), nullable=False),
        sa.Column("built_in", sa.Boolean(), server_default=sa.text("0"), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "policy", "version", name=op.f("pk_policy_versions")),
    )
    op.create_table(
        "progress",
        sa.Column("tenant", text(64), nullable=False),
        sa.Column("node", text(64), nullable=False),
        sa.Column("boot", text(64), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("missed", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "node", "boot", name=op.f("pk_progress")),
    )
    op.create_table(
        "quota_units",
        sa.Column("tenant", text(64), nullable=False),
        sa.Column("node", text(64), nullable=False),
        sa.Column("taken", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "node", name=op.f("pk_quota_units")),
    )
    op.create_table(
        "quotas",
        sa.Column("tenant", text(64), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", name=op.f("pk_quotas")),
    )
    op.create_table(
        "reports",
        sa.Column("tenant", text(64), nullable=False),
        sa.Column("image_id", text(128), nullable=False),
        sa.Column("report", large_binary(), nullable=False),
        sa.Column("layers", large_binary(), nullable=False),
        sa.Column("unknowns", large_binary(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "image_id", name=op.f("pk_reports")),
    )
    op.create_table(
        "schedules",
        sa.Column("tenant", text(64), nullable=False),
        sa.Column("kind", text(64), nullable=False),
        sa.Column("every_seconds", sa.BigInteger(), nullable=False),
        sa.Column("enabled", sa.Boolean(), server_default=sa.text("1"), nullable=False),
        sa.Column("due", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "kind", name=op.f("pk_schedules")),
    )
    op.create_table(
        "sessions",
        sa.Column("tenant", text(64), nullable=False),
        sa.Column("secret_hash", text(64), nullable=False),
        sa.Column("user", text(64), nullable=False),
        sa.Column("created", Instant(), nullable=False),
        sa.Column("last_used", Instant(), nullable=False),
        sa.Column("expires", Instant(), nullable=False),
        sa.Column("source", text(255), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("tenant", "secret_hash", name=op.f("pk_sessions")),
    )
    op.create_index("ix_sessions_expires", "sessions", ["tenant", "expires"], unique=False)
    op.create_index("ix_sessions_secret_hash", "sessions", ["secret_hash"], unique=True)
    op.create_index("ix_sessions_user", "sessions", ["tenant", "user"], unique=False)
    op.create_table(
        "settings",
        sa.Column("tenant", text(64), nullable=False),
        sa.Column("name", text(128), nullable=False),
        sa.Column("value", large_binary(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "name", name=op.f("pk_settings")),
    )
    op.create_table(
        "tokens",
        sa.Column("tenant", text(64), nullable=False),
        sa.Column("id", text(64), nullable=False),
        sa.Column("secret_hash", text(64), nullable=False),
        sa.Column("name", text(128), nullable=False),
        sa.Column("user", text(64), nullable=False),
        sa.Column("role", text(32), nullable=False),
        sa.Column("created", Instant(), nullable=False),
        sa.Column("expires", Instant(), nullable=False),
        sa.Column("last_used", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_tokens")),
    )
    op.create_index("ix_tokens_secret_hash", "tokens", ["secret_hash"], unique=True)
    op.create_index("ix_tokens_user", "tokens", ["tenant", "user"], unique=False)
    op.create_table(
        "users",
        sa.Column("tenant", text(64), nullable=False),
        sa.Column("id", text(64), nullable=False),
        sa.Column("name", text(128), nullable=False),
        sa.Column("role", text(32), nullable=False),
        sa.Column("password_hash", text(255), nullable=False),
        sa.Column("disabled", sa.Boolean(), server_default=sa.text("0"), nullable=False),
        sa.Column("must_change_password", sa.Boolean(), server_default=sa.text("0"), nullable=False),
        sa.Column("created", Instant(), nullable=False),
        sa.Column("last_sign_in", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_users")),
        sa.UniqueConstraint("tenant", "name", name=op.f("uq_users_tenant_name")),
    )
