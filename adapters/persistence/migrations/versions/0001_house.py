"""Lay every table of the house."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from adapters.persistence.migrations.tenancy import APP, ORGANIZATION, SYSTEM, grant, protect

revision = "0001"
down_revision: str | None = None

TENANT_TABLES = (
    "campaigns",
    "consents",
    "contacts",
    "conversations",
    "datasets",
    "enrolments",
    "idempotency",
    "import_rows",
    "imports",
    "jobs",
    "lead_tags",
    "leads",
    "messages",
    "notes",
    "organizations",
    "pipelines",
    "sends",
    "stages",
    "suppressions",
    "tags",
    "uploads",
)

# A month of UUIDv7: its first 48 bits are milliseconds since 1970 (RFC 9562).
_MAKE_PARTITION = """
CREATE FUNCTION make_event_partition(month date) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public AS $$
DECLARE
  name text := 'events_' || to_char(month, 'YYYYMM');
  low uuid := (lpad(to_hex((extract(epoch FROM month::timestamp) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid;
  high uuid := (lpad(to_hex((extract(epoch FROM month::timestamp + interval '1 month') * 1000)::bigint), 12, '0')
                || repeat('0', 20))::uuid;
BEGIN
  IF to_regclass(name) IS NULL THEN
    EXECUTE format('CREATE TABLE %I PARTITION OF events FOR VALUES FROM (%L) TO (%L)', name, low, high);
  END IF;
END $$
"""


def upgrade() -> None:
    """Take the step."""

    op.create_table(
        "accounts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=True),
        sa.Column("first_name", sa.Text(), nullable=False),
        sa.Column("last_name", sa.Text(), nullable=True),
        sa.Column("phone", sa.Text(), nullable=True),
        sa.Column("avatar_url", sa.Text(), nullable=True),
        sa.Column("token_version", sa.BigInteger(), server_default=sa.text("1"), nullable=False),
        sa.Column("last_organization_id", sa.Uuid(), nullable=True),
        sa.Column("last_login_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_accounts")),
    )
    op.create_index(op.f("uq_accounts_email"), "accounts", ["email"], unique=True)
    op.create_table(
        "deliveries",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=True),
        sa.Column("subscription", sa.Text(), nullable=False),
        sa.Column("queue", sa.Text(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("starts", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("failures", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("parked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deliveries")),
    )
    op.create_index(
        op.f("ix_deliveries_due"), "deliveries", ["due_at"], unique=False, postgresql_where=sa.text("parked_at IS NULL")
    )
    op.create_index(
        op.f("ix_deliveries_parked"),
        "deliveries",
        ["parked_at"],
        unique=False,
        postgresql_where=sa.text("parked_at IS NOT NULL"),
    )
    op.create_index(op.f("uq_deliveries_event"), "deliveries", ["event_id", "subscription"], unique=True)
    op.create_table(
        "events",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("subject", sa.Uuid(), nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=True),
        sa.Column("cause_id", sa.Uuid(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("data", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("personal", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_events")),
        info={"tenant": True},
        postgresql_partition_by="RANGE (id)",
    )
    op.create_index(op.f("ix_events_subject"), "events", ["organization_id", "subject", "id"], unique=False)
    op.create_table(
        "feed",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("organization_id", "position", name=op.f("pk_feed")),
        info={"tenant": True},
    )
    op.create_table(
        "idempotency",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("route", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("request_hash", sa.LargeBinary(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("answer", sa.LargeBinary(), nullable=True),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.PrimaryKeyConstraint("organization_id", "actor", "route", "key", name=op.f("pk_idempotency")),
        info={"tenant": True},
    )
    op.create_index(op.f("ix_idempotency_created"), "idempotency", ["created_at"], unique=False)
    op.create_table(
        "import_staging",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("import_id", sa.Uuid(), nullable=False),
        sa.Column("row", sa.BigInteger(), nullable=False),
        sa.Column("lead_id", sa.Uuid(), nullable=False),
        sa.Column("contact_id", sa.Uuid(), nullable=False),
        sa.Column("is_new_contact", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("contact_status", sa.Text(), nullable=False),
        sa.Column("phone", sa.Text(collation="C"), nullable=False),
        sa.Column("phone_type", sa.Text(), nullable=False),
        sa.Column("sms_eligible", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("zones", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("country", sa.Text(), nullable=False),
        sa.Column("first_name", sa.Text(), nullable=True),
        sa.Column("last_name", sa.Text(), nullable=True),
        sa.Column("name_key", sa.Text(collation="C"), nullable=False),
        sa.Column("email", sa.Text(collation="C"), nullable=True),
        sa.Column("postcode", sa.Text(), nullable=True),
        sa.Column("inquiry_date", sa.Date(), nullable=True),
        sa.Column("product", sa.Text(), nullable=True),
        sa.Column("company_name", sa.Text(), nullable=True),
        sa.Column("source", sa.Text(), nullable=True),
        sa.Column("notes", sa.Text(), nullable=True),
        prefixes=["UNLOGGED"],
    )
    op.create_index(op.f("ix_import_staging_import"), "import_staging", ["import_id", "row"], unique=False)
    op.create_table(
        "inbound",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("payload", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column(
            "received_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inbound")),
        sa.UniqueConstraint("provider", "account", "external_id", name=op.f("uq_inbound_provider_account_external_id")),
    )
    op.create_table(
        "jobs",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), server_default=sa.text("'queued'"), nullable=False),
        sa.Column("subject", sa.Uuid(), nullable=True),
        sa.Column("done", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=True),
        sa.Column("result", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("cancel_requested", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.CheckConstraint(
            "status IN ('queued', 'running', 'done', 'failed', 'cancelled')", name=op.f("ck_jobs_status")
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_jobs")),
        info={"tenant": True},
    )
    op.create_index(op.f("ix_jobs_created"), "jobs", ["organization_id", "created_at", "id"], unique=False)
    op.create_table(
        "organizations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("country", sa.Text(), server_default=sa.text("'GB'"), nullable=False),
        sa.Column("time_zone", sa.Text(), server_default=sa.text("'Europe/London'"), nullable=False),
        sa.Column("currency", sa.Text(), server_default=sa.text("'GBP'"), nullable=False),
        sa.Column("locale", sa.Text(), server_default=sa.text("'en'"), nullable=False),
        sa.Column("industry", sa.Text(), nullable=True),
        sa.Column("business_type", sa.Text(), nullable=True),
        sa.Column("phone", sa.Text(), nullable=True),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("logo_url", sa.Text(), nullable=True),
        sa.Column("primary_color", sa.Text(), nullable=True),
        sa.Column("business_hours", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("settings", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("coach_name", sa.Text(), server_default=sa.text("'Sophie'"), nullable=False),
        sa.Column("sender", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.CheckConstraint("organization_id = id", name=op.f("ck_organizations_own_tenant")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_organizations")),
        info={"tenant": True},
    )
    op.create_table(
        "outbox",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
    )
    op.create_table(
        "sandbox_clock",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("ahead", sa.Interval(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sandbox_clock")),
    )
    op.create_table(
        "schedules",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("next_due_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("name", "organization_id", name=op.f("pk_schedules")),
    )
    op.create_index(
        op.f("ix_schedules_due"),
        "schedules",
        ["next_due_at"],
        unique=False,
        postgresql_where=sa.text("next_due_at IS NOT NULL"),
    )
    op.create_table(
        "consents",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("contact_id", sa.Uuid(), nullable=True),
        sa.Column("address", sa.Text(collation="C"), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("how", sa.Text(), nullable=False),
        sa.Column("wording", sa.Text(), nullable=True),
        sa.Column("source", sa.Text(), nullable=True),
        sa.Column("message_id", sa.Uuid(), nullable=True),
        sa.Column("actor_id", sa.Uuid(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("kind IN ('opt_out', 'opt_in', 'confirmed')", name=op.f("ck_consents_kind")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_consents_organization_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_consents")),
        info={"tenant": True},
    )
    op.create_index(op.f("ix_consents_address"), "consents", ["organization_id", "address", "at"], unique=False)
    op.create_table(
        "contacts",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("first_name", sa.Text(), nullable=True),
        sa.Column("last_name", sa.Text(), nullable=True),
        sa.Column("name_key", sa.Text(collation="C"), server_default=sa.text("''"), nullable=False),
        sa.Column(
            "given_key",
            sa.Text(collation="C"),
            sa.Computed(
                "lower(btrim(coalesce(first_name, '') || ' ' || coalesce(last_name, '')) COLLATE \"pg_c_utf8\")",
                persisted=True,
            ),
            nullable=False,
        ),
        sa.Column("email", sa.Text(collation="C"), nullable=True),
        sa.Column("phone", sa.Text(collation="C"), nullable=True),
        sa.Column("phone_type", sa.Text(), nullable=True),
        sa.Column("sms_eligible", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("zones", sa.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("country", sa.Text(), nullable=True),
        sa.Column("postcode", sa.Text(), nullable=True),
        sa.Column("title", sa.Text(), nullable=True),
        sa.Column("company_name", sa.Text(), nullable=True),
        sa.Column("source", sa.Text(), nullable=True),
        sa.Column("notes", sa.Text(), nullable=True),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_contacts_organization_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_contacts")),
        info={"tenant": True},
    )
    op.create_index(op.f("ix_contacts_created"), "contacts", ["organization_id", "created_at", "id"], unique=False)
    op.create_index(op.f("ix_contacts_given"), "contacts", ["organization_id", "given_key", "id"], unique=False)
    op.create_index(op.f("ix_contacts_name"), "contacts", ["organization_id", "name_key", "id"], unique=False)
    op.create_index(
        op.f("ix_contacts_phone"),
        "contacts",
        ["organization_id", "phone"],
        unique=False,
        postgresql_where=sa.text("phone IS NOT NULL"),
    )
    op.create_index(
        op.f("uq_contacts_email"),
        "contacts",
        ["organization_id", "email"],
        unique=True,
        postgresql_where=sa.text("email IS NOT NULL"),
    )
    op.create_table(
        "datasets",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("name_key", sa.Text(collation="C"), server_default=sa.text("''"), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("source", sa.Text(), nullable=True),
        sa.Column("upload_id", sa.Uuid(), nullable=True),
        sa.Column("campaign_status", sa.Text(), server_default=sa.text("'draft'"), nullable=False),
        sa.Column("campaign_start_date", sa.DateTime(timezone=True), nullable=True),
        sa.Column("campaign_end_date", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.CheckConstraint(
            "campaign_status IN ('draft', 'active', 'paused', 'completed')", name=op.f("ck_datasets_campaign_status")
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_datasets_organization_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_datasets")),
        info={"tenant": True},
    )
    op.create_index(op.f("ix_datasets_created"), "datasets", ["organization_id", "created_at", "id"], unique=False)
    op.create_index(op.f("ix_datasets_name"), "datasets", ["organization_id", "name_key", "id"], unique=False)
    op.create_table(
        "installation",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("first_organization_id", sa.Uuid(), nullable=True),
        sa.Column("is_set_up", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.ForeignKeyConstraint(
            ["first_organization_id"],
            ["organizations.id"],
            name=op.f("fk_installation_first_organization_id"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_installation")),
    )
    op.create_table(
        "memberships",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("is_active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("can_view_all_leads", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("dataset_ids", sa.ARRAY(sa.Uuid()), nullable=True),
        sa.Column("invited_by", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "role IN ('owner', 'admin', 'manager', 'rep', 'read_only')", name=op.f("ck_memberships_role")
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=op.f("fk_memberships_account_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_memberships_organization_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("account_id", "organization_id", name=op.f("pk_memberships")),
    )
    op.create_index(op.f("ix_memberships_organization"), "memberships", ["organization_id", "account_id"], unique=False)
    op.create_table(
        "pipelines",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("is_default", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_pipelines_organization_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_pipelines")),
        info={"tenant": True},
    )
    op.create_table(
        "routes",
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_routes_organization_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("provider", "address", name=op.f("pk_routes")),
    )
    op.create_index(op.f("ix_routes_organization"), "routes", ["organization_id"], unique=False)
    op.create_table(
        "suppressions",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("address", sa.Text(collation="C"), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("how", sa.Text(), nullable=False),
        sa.Column("wording", sa.Text(), nullable=True),
        sa.Column("consent_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_suppressions_organization_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("organization_id", "address", name=op.f("pk_suppressions")),
        info={"tenant": True},
    )
    op.create_table(
        "tags",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("category", sa.Text(), server_default=sa.text("'CUSTOM'"), nullable=False),
        sa.Column("color", sa.Text(), nullable=True),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("sort_order", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("is_system", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("is_active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_tags_organization_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_tags")),
        sa.UniqueConstraint("organization_id", "slug", name=op.f("uq_tags_organization_id_slug")),
        info={"tenant": True},
    )
    op.create_table(
        "campaigns",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("dataset_id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.Text(), server_default=sa.text("'draft'"), nullable=False),
        sa.Column("seed", sa.BigInteger(), nullable=False),
        sa.Column("settings", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("next_slot", sa.DateTime(timezone=True), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("completed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.CheckConstraint("status IN ('draft', 'active', 'paused', 'completed')", name=op.f("ck_campaigns_status")),
        sa.ForeignKeyConstraint(
            ["organization_id", "dataset_id"],
            ["datasets.organization_id", "datasets.id"],
            name=op.f("fk_campaigns_organization_id_dataset_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_campaigns")),
        sa.UniqueConstraint("organization_id", "dataset_id", name=op.f("uq_campaigns_organization_id_dataset_id")),
        info={"tenant": True},
    )
    op.create_table(
        "stages",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("pipeline_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.CheckConstraint("category IN ('open', 'won', 'lost', 'bogus')", name=op.f("ck_stages_category")),
        sa.ForeignKeyConstraint(
            ["organization_id", "pipeline_id"],
            ["pipelines.organization_id", "pipelines.id"],
            name=op.f("fk_stages_organization_id_pipeline_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_stages")),
        sa.UniqueConstraint("organization_id", "key", name=op.f("uq_stages_organization_id_key")),
        info={"tenant": True},
    )
    op.create_table(
        "uploads",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("dataset_id", sa.Uuid(), nullable=True),
        sa.Column("filename", sa.Text(), nullable=False),
        sa.Column("file_key", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("shape", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id", "dataset_id"],
            ["datasets.organization_id", "datasets.id"],
            name=op.f("fk_uploads_organization_id_dataset_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_uploads_organization_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_uploads")),
        info={"tenant": True},
    )
    op.create_table(
        "imports",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("upload_id", sa.Uuid(), nullable=False),
        sa.Column("dataset_id", sa.Uuid(), nullable=False),
        sa.Column("mapping", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("records_done", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("created", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("ineligible", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("duplicates", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("failed", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id", "dataset_id"],
            ["datasets.organization_id", "datasets.id"],
            name=op.f("fk_imports_organization_id_dataset_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "upload_id"],
            ["uploads.organization_id", "uploads.id"],
            name=op.f("fk_imports_organization_id_upload_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_imports")),
        info={"tenant": True},
    )
    op.create_index(op.f("ix_imports_dataset"), "imports", ["organization_id", "dataset_id"], unique=False)
    op.create_table(
        "leads",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("contact_id", sa.Uuid(), nullable=False),
        sa.Column("dataset_id", sa.Uuid(), nullable=True),
        sa.Column("stage", sa.Text(), server_default=sa.text("'NEW_LEAD'"), nullable=False),
        sa.Column("contact_status", sa.Text(), server_default=sa.text("'READY'"), nullable=False),
        sa.Column("sentiment", sa.Text(), nullable=True),
        sa.Column("phone", sa.Text(collation="C"), nullable=True),
        sa.Column("name_key", sa.Text(collation="C"), server_default=sa.text("''"), nullable=False),
        sa.Column("source", sa.Text(), nullable=True),
        sa.Column("source_campaign", sa.Text(), nullable=True),
        sa.Column("inquiry_date", sa.Date(), nullable=True),
        sa.Column("product", sa.Text(), nullable=True),
        sa.Column("notes", sa.Text(), nullable=True),
        sa.Column("score", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("estimated_units", sa.Integer(), nullable=True),
        sa.Column("estimated_revenue", sa.Numeric(), nullable=True),
        sa.Column("estimated_currency", sa.Text(), nullable=True),
        sa.Column("lost_reason", sa.Text(), nullable=True),
        sa.Column("is_dnc", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("manual_mode", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("manual_mode_activated_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("archived", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("assigned_to", sa.Uuid(), nullable=True),
        sa.Column("latest_reply", sa.Text(), nullable=True),
        sa.Column("reply_received_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reply_order", sa.DateTime(timezone=True), server_default=sa.text("'-infinity'"), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.CheckConstraint(
            "contact_status IN ('READY', 'CONTACTED', 'REPLIED', 'HOT', 'WARM', 'COLD', 'CALL_BOOKED', 'CONVERTED', 'OPTED_OUT', 'UNREACHABLE', 'EXHAUSTED')",
            name=op.f("ck_leads_contact_status"),
        ),
        sa.CheckConstraint(
            "sentiment IN ('POSITIVE', 'NEGATIVE', 'NEUTRAL', 'HOT', 'UNCLEAR')", name=op.f("ck_leads_sentiment")
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "contact_id"],
            ["contacts.organization_id", "contacts.id"],
            name=op.f("fk_leads_organization_id_contact_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "dataset_id"],
            ["datasets.organization_id", "datasets.id"],
            name=op.f("fk_leads_organization_id_dataset_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "stage"],
            ["stages.organization_id", "stages.key"],
            name=op.f("fk_leads_organization_id_stage"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_leads_organization_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_leads")),
        info={"tenant": True},
    )
    op.create_index(
        op.f("ix_leads_archived_created"),
        "leads",
        ["organization_id", "created_at", "id"],
        unique=False,
        postgresql_where="archived",
    )
    op.create_index(
        op.f("ix_leads_assigned_created"),
        "leads",
        ["organization_id", "assigned_to", "created_at", "id"],
        unique=False,
        postgresql_where=sa.text("assigned_to IS NOT NULL"),
    )
    op.create_index(op.f("ix_leads_contact"), "leads", ["organization_id", "contact_id"], unique=False)
    op.create_index(op.f("ix_leads_created"), "leads", ["organization_id", "created_at", "id"], unique=False)
    op.create_index(
        op.f("ix_leads_dataset_created"), "leads", ["organization_id", "dataset_id", "created_at", "id"], unique=False
    )
    op.create_index(
        op.f("ix_leads_dataset_status"), "leads", ["organization_id", "dataset_id", "contact_status"], unique=False
    )
    op.create_index(
        op.f("ix_leads_manual_created"),
        "leads",
        ["organization_id", "created_at", "id"],
        unique=False,
        postgresql_where="manual_mode",
    )
    op.create_index(op.f("ix_leads_name"), "leads", ["organization_id", "name_key", "id"], unique=False)
    op.create_index(op.f("ix_leads_reply"), "leads", ["organization_id", "reply_order", "id"], unique=False)
    op.create_index(
        op.f("ix_leads_sentiment_created"),
        "leads",
        ["organization_id", "sentiment", "created_at", "id"],
        unique=False,
        postgresql_where=sa.text("sentiment IS NOT NULL"),
    )
    op.create_index(
        op.f("ix_leads_source_created"), "leads", ["organization_id", "source", "created_at", "id"], unique=False
    )
    op.create_index(op.f("ix_leads_stage"), "leads", ["organization_id", "stage", "id"], unique=False)
    op.create_index(
        op.f("ix_leads_stage_created"), "leads", ["organization_id", "stage", "created_at", "id"], unique=False
    )
    op.create_index(op.f("ix_leads_status"), "leads", ["organization_id", "contact_status", "id"], unique=False)
    op.create_index(
        op.f("ix_leads_status_created"),
        "leads",
        ["organization_id", "contact_status", "created_at", "id"],
        unique=False,
    )
    op.create_index(
        op.f("uq_leads_dataset_phone"),
        "leads",
        ["organization_id", "dataset_id", "phone"],
        unique=True,
        postgresql_where=sa.text("dataset_id IS NOT NULL AND phone IS NOT NULL"),
    )
    op.create_table(
        "conversations",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("contact_id", sa.Uuid(), nullable=False),
        sa.Column("lead_id", sa.Uuid(), nullable=True),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(collation="C"), nullable=False),
        sa.Column("status", sa.Text(), server_default=sa.text("'open'"), nullable=False),
        sa.Column("sentiment", sa.Text(), nullable=True),
        sa.Column("turn_holder", sa.Text(), server_default=sa.text("'nobody'"), nullable=False),
        sa.Column("turn_number", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("message_count", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("unread_count", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("archived", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_message_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.CheckConstraint("channel IN ('sms', 'email', 'call', 'chat')", name=op.f("ck_conversations_channel")),
        sa.CheckConstraint("turn_holder IN ('ai', 'person', 'nobody')", name=op.f("ck_conversations_turn_holder")),
        sa.ForeignKeyConstraint(
            ["organization_id", "contact_id"],
            ["contacts.organization_id", "contacts.id"],
            name=op.f("fk_conversations_organization_id_contact_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "lead_id"],
            ["leads.organization_id", "leads.id"],
            name=op.f("fk_conversations_organization_id_lead_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_conversations_organization_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_conversations")),
        sa.UniqueConstraint(
            "organization_id", "contact_id", "channel", name=op.f("uq_conversations_organization_id_contact_id_channel")
        ),
        info={"tenant": True},
    )
    op.create_index(op.f("ix_conversations_address"), "conversations", ["organization_id", "address"], unique=False)
    op.create_index(
        op.f("ix_conversations_latest"), "conversations", ["organization_id", "last_message_at", "id"], unique=False
    )
    op.create_index(op.f("ix_conversations_lead"), "conversations", ["organization_id", "lead_id"], unique=False)
    op.create_table(
        "enrolments",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("campaign_id", sa.Uuid(), nullable=False),
        sa.Column("lead_id", sa.Uuid(), nullable=False),
        sa.Column("touch", sa.Text(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("held", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("delayed_by", sa.Text(), nullable=True),
        sa.CheckConstraint("touch IN ('M1', 'M2', 'M3', 'EXHAUST')", name=op.f("ck_enrolments_touch")),
        sa.ForeignKeyConstraint(
            ["organization_id", "campaign_id"],
            ["campaigns.organization_id", "campaigns.id"],
            name=op.f("fk_enrolments_organization_id_campaign_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "lead_id"],
            ["leads.organization_id", "leads.id"],
            name=op.f("fk_enrolments_organization_id_lead_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("organization_id", "campaign_id", "lead_id", name=op.f("pk_enrolments")),
        info={"tenant": True},
    )
    op.create_index(
        op.f("ix_enrolments_due"),
        "enrolments",
        ["organization_id", "due_at"],
        unique=False,
        postgresql_where=sa.text("due_at IS NOT NULL AND NOT held"),
    )
    op.create_index(op.f("ix_enrolments_lead"), "enrolments", ["organization_id", "lead_id"], unique=False)
    op.create_table(
        "import_rows",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("import_id", sa.Uuid(), nullable=False),
        sa.Column("row", sa.BigInteger(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("lead_id", sa.Uuid(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("cells", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.CheckConstraint("outcome IN ('created', 'duplicate', 'failed')", name=op.f("ck_import_rows_outcome")),
        sa.ForeignKeyConstraint(
            ["organization_id", "import_id"],
            ["imports.organization_id", "imports.id"],
            name=op.f("fk_import_rows_organization_id_import_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("organization_id", "import_id", "row", name=op.f("pk_import_rows")),
        info={"tenant": True},
    )
    op.create_table(
        "lead_tags",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("lead_id", sa.Uuid(), nullable=False),
        sa.Column("tag_id", sa.Uuid(), nullable=False),
        sa.Column("applied_by", sa.Uuid(), nullable=True),
        sa.Column("applied_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id", "lead_id"],
            ["leads.organization_id", "leads.id"],
            name=op.f("fk_lead_tags_organization_id_lead_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "tag_id"],
            ["tags.organization_id", "tags.id"],
            name=op.f("fk_lead_tags_organization_id_tag_id"),
        ),
        sa.PrimaryKeyConstraint("organization_id", "lead_id", "tag_id", name=op.f("pk_lead_tags")),
        info={"tenant": True},
    )
    op.create_index(op.f("ix_lead_tags_tag"), "lead_tags", ["organization_id", "tag_id"], unique=False)
    op.create_table(
        "notes",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("lead_id", sa.Uuid(), nullable=False),
        sa.Column("author_id", sa.Uuid(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id", "lead_id"],
            ["leads.organization_id", "leads.id"],
            name=op.f("fk_notes_organization_id_lead_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_notes")),
        info={"tenant": True},
    )
    op.create_index(op.f("ix_notes_lead"), "notes", ["organization_id", "lead_id", "created_at", "id"], unique=False)
    op.create_table(
        "messages",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("conversation_id", sa.Uuid(), nullable=False),
        sa.Column("contact_id", sa.Uuid(), nullable=False),
        sa.Column("lead_id", sa.Uuid(), nullable=True),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("direction", sa.Text(), nullable=False),
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("sender", sa.Text(), nullable=False),
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("media", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'[]'"), nullable=False),
        sa.Column("author_id", sa.Uuid(), nullable=True),
        sa.Column("provider", sa.Text(), nullable=True),
        sa.Column("provider_id", sa.Text(), nullable=True),
        sa.Column("segments", sa.Integer(), nullable=True),
        sa.Column("error_code", sa.Text(), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.CheckConstraint("direction IN ('inbound', 'outbound')", name=op.f("ck_messages_direction")),
        sa.CheckConstraint(
            "status IN ('pending', 'sent', 'delivered', 'failed', 'refused', 'cancelled', 'unknown', 'received', 'draft')",
            name=op.f("ck_messages_status"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "conversation_id"],
            ["conversations.organization_id", "conversations.id"],
            name=op.f("fk_messages_organization_id_conversation_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "lead_id"],
            ["leads.organization_id", "leads.id"],
            name=op.f("fk_messages_organization_id_lead_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_messages")),
        info={"tenant": True},
    )
    op.create_index(
        op.f("ix_messages_conversation"),
        "messages",
        ["organization_id", "conversation_id", "created_at", "id"],
        unique=False,
    )
    op.create_index(op.f("ix_messages_created"), "messages", ["organization_id", "created_at", "id"], unique=False)
    op.create_index(op.f("ix_messages_lead"), "messages", ["organization_id", "lead_id"], unique=False)
    op.create_index(
        op.f("ix_messages_status_created"), "messages", ["organization_id", "status", "created_at", "id"], unique=False
    )
    op.create_table(
        "sends",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("natural_key", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), server_default=sa.text("'planned'"), nullable=False),
        sa.Column("held", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("campaign_id", sa.Uuid(), nullable=True),
        sa.Column("touch", sa.Text(), nullable=True),
        sa.Column("variant", sa.Text(), nullable=True),
        sa.Column("lead_id", sa.Uuid(), nullable=True),
        sa.Column("contact_id", sa.Uuid(), nullable=False),
        sa.Column("conversation_id", sa.Uuid(), nullable=False),
        sa.Column("recipient", sa.Text(collation="C"), nullable=False),
        sa.Column("sender", sa.Text(), nullable=False),
        sa.Column("turn_number", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("delayed_by", sa.Text(), nullable=True),
        sa.Column("reasons", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("batch", sa.Uuid(), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("handed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("handed_machine_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("attempts", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("provider", sa.Text(), nullable=True),
        sa.Column("provider_id", sa.Text(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "purpose IN ('campaign', 'reply', 'manual', 'opt_out_confirmation', 'help', 'system')",
            name=op.f("ck_sends_purpose"),
        ),
        sa.CheckConstraint(
            "state IN ('planned', 'claimed', 'handed', 'accepted', 'rejected', 'unknown', 'cancelled', 'refused', 'parked')",
            name=op.f("ck_sends_state"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "campaign_id"],
            ["campaigns.organization_id", "campaigns.id"],
            name=op.f("fk_sends_organization_id_campaign_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "conversation_id"],
            ["conversations.organization_id", "conversations.id"],
            name=op.f("fk_sends_organization_id_conversation_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "id"],
            ["messages.organization_id", "messages.id"],
            name=op.f("fk_sends_organization_id_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "lead_id"],
            ["leads.organization_id", "leads.id"],
            name=op.f("fk_sends_organization_id_lead_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_sends")),
        sa.UniqueConstraint("organization_id", "natural_key", name=op.f("uq_sends_organization_id_natural_key")),
        info={"tenant": True},
    )
    op.create_index(op.f("ix_sends_campaign"), "sends", ["organization_id", "campaign_id", "state"], unique=False)
    op.create_index(op.f("ix_sends_conversation"), "sends", ["organization_id", "conversation_id"], unique=False)
    op.create_index(
        op.f("ix_sends_due"),
        "sends",
        ["organization_id", "purpose", "due_at"],
        unique=False,
        postgresql_where=sa.text("state = 'planned' AND NOT held"),
    )
    op.create_index(op.f("ix_sends_lead"), "sends", ["organization_id", "lead_id"], unique=False)
    op.create_index(
        op.f("ix_sends_open"),
        "sends",
        ["organization_id", "lease_until"],
        unique=False,
        postgresql_where=sa.text("state IN ('claimed', 'handed', 'unknown')"),
    )
    op.create_index(op.f("ix_sends_recipient"), "sends", ["organization_id", "recipient", "handed_at"], unique=False)
    _secure()


def _secure() -> None:
    op.execute(
        "CREATE FUNCTION business_now() RETURNS timestamptz LANGUAGE sql STABLE AS"
        " $$ SELECT clock_timestamp() + coalesce((SELECT ahead FROM sandbox_clock), interval '0') $$"
    )
    op.execute("CREATE SEQUENCE feed_position")
    op.execute("GRANT USAGE ON SEQUENCE feed_position TO rapport_system")
    op.execute("CREATE TABLE events_default PARTITION OF events DEFAULT")
    op.execute(_MAKE_PARTITION)
    op.execute("REVOKE ALL ON FUNCTION make_event_partition(date) FROM PUBLIC")
    op.execute("GRANT EXECUTE ON FUNCTION make_event_partition(date) TO rapport_system")
    op.execute(
        "SELECT make_event_partition((date_trunc('month', now()) + make_interval(months => n))::date)"
        " FROM generate_series(0, 3) AS n"
    )
    protect(*TENANT_TABLES)
    protect("events", rights="SELECT, INSERT, UPDATE (personal)")
    protect("feed", rights="SELECT")
    op.execute("CREATE POLICY relay ON feed TO rapport_system USING (true) WITH CHECK (true)")
    grant(SYSTEM, "SELECT, INSERT", "feed")
    op.execute("ALTER TABLE inbound ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE inbound FORCE ROW LEVEL SECURITY")
    op.execute("CREATE POLICY write_down ON inbound FOR INSERT TO rapport_app WITH CHECK (true)")
    op.execute(
        f"CREATE POLICY own_organization ON inbound FOR SELECT TO rapport_app USING (organization_id = {ORGANIZATION})"
    )
    grant(APP, "SELECT, INSERT", "inbound")
    grant(APP, "SELECT, INSERT, UPDATE, DELETE", "accounts", "memberships", "routes", "import_staging")
    grant(APP, "SELECT, INSERT, UPDATE", "schedules", "sandbox_clock", "installation")
    grant(APP, "INSERT, SELECT (id)", "outbox")
    grant(APP, "SELECT, UPDATE, DELETE", "deliveries")
    grant(SYSTEM, "SELECT, INSERT, UPDATE, DELETE", "outbox", "deliveries", "schedules")
    grant(SYSTEM, "SELECT", "sandbox_clock", "alembic_version")
    grant(SYSTEM, "DELETE, SELECT (created_at)", "idempotency")
    op.execute("CREATE POLICY sweep ON idempotency FOR ALL TO rapport_system USING (true)")
    grant(APP, "SELECT", "alembic_version")


def downgrade() -> None:
    """Take it back."""

    op.drop_index(op.f("ix_sends_recipient"), table_name="sends")
    op.drop_index(
        op.f("ix_sends_open"), table_name="sends", postgresql_where=sa.text("state IN ('claimed', 'handed', 'unknown')")
    )
    op.drop_index(op.f("ix_sends_lead"), table_name="sends")
    op.drop_index(op.f("ix_sends_due"), table_name="sends", postgresql_where=sa.text("state = 'planned' AND NOT held"))
    op.drop_index(op.f("ix_sends_conversation"), table_name="sends")
    op.drop_index(op.f("ix_sends_campaign"), table_name="sends")
    op.drop_table("sends")
    op.drop_index(op.f("ix_messages_status_created"), table_name="messages")
    op.drop_index(op.f("ix_messages_lead"), table_name="messages")
    op.drop_index(op.f("ix_messages_created"), table_name="messages")
    op.drop_index(op.f("ix_messages_conversation"), table_name="messages")
    op.drop_table("messages")
    op.drop_index(op.f("ix_notes_lead"), table_name="notes")
    op.drop_table("notes")
    op.drop_index(op.f("ix_lead_tags_tag"), table_name="lead_tags")
    op.drop_table("lead_tags")
    op.drop_table("import_rows")
    op.drop_index(op.f("ix_enrolments_lead"), table_name="enrolments")
    op.drop_index(
        op.f("ix_enrolments_due"), table_name="enrolments", postgresql_where=sa.text("due_at IS NOT NULL AND NOT held")
    )
    op.drop_table("enrolments")
    op.drop_index(op.f("ix_conversations_lead"), table_name="conversations")
    op.drop_index(op.f("ix_conversations_latest"), table_name="conversations")
    op.drop_index(op.f("ix_conversations_address"), table_name="conversations")
    op.drop_table("conversations")
    op.drop_index(
        op.f("uq_leads_dataset_phone"),
        table_name="leads",
        postgresql_where=sa.text("dataset_id IS NOT NULL AND phone IS NOT NULL"),
    )
    op.drop_index(op.f("ix_leads_status_created"), table_name="leads")
    op.drop_index(op.f("ix_leads_status"), table_name="leads")
    op.drop_index(op.f("ix_leads_stage_created"), table_name="leads")
    op.drop_index(op.f("ix_leads_stage"), table_name="leads")
    op.drop_index(op.f("ix_leads_source_created"), table_name="leads")
    op.drop_index(
        op.f("ix_leads_sentiment_created"), table_name="leads", postgresql_where=sa.text("sentiment IS NOT NULL")
    )
    op.drop_index(op.f("ix_leads_reply"), table_name="leads")
    op.drop_index(op.f("ix_leads_name"), table_name="leads")
    op.drop_index(op.f("ix_leads_manual_created"), table_name="leads", postgresql_where="manual_mode")
    op.drop_index(op.f("ix_leads_dataset_status"), table_name="leads")
    op.drop_index(op.f("ix_leads_dataset_created"), table_name="leads")
    op.drop_index(op.f("ix_leads_created"), table_name="leads")
    op.drop_index(op.f("ix_leads_contact"), table_name="leads")
    op.drop_index(
        op.f("ix_leads_assigned_created"), table_name="leads", postgresql_where=sa.text("assigned_to IS NOT NULL")
    )
    op.drop_index(op.f("ix_leads_archived_created"), table_name="leads", postgresql_where="archived")
    op.drop_table("leads")
    op.drop_index(op.f("ix_imports_dataset"), table_name="imports")
    op.drop_table("imports")
    op.drop_table("uploads")
    op.drop_table("stages")
    op.drop_table("campaigns")
    op.drop_table("tags")
    op.drop_table("suppressions")
    op.drop_index(op.f("ix_routes_organization"), table_name="routes")
    op.drop_table("routes")
    op.drop_table("pipelines")
    op.drop_index(op.f("ix_memberships_organization"), table_name="memberships")
    op.drop_table("memberships")
    op.drop_table("installation")
    op.drop_index(op.f("ix_datasets_name"), table_name="datasets")
    op.drop_index(op.f("ix_datasets_created"), table_name="datasets")
    op.drop_table("datasets")
    op.drop_index(op.f("uq_contacts_email"), table_name="contacts", postgresql_where=sa.text("email IS NOT NULL"))
    op.drop_index(op.f("ix_contacts_phone"), table_name="contacts", postgresql_where=sa.text("phone IS NOT NULL"))
    op.drop_index(op.f("ix_contacts_name"), table_name="contacts")
    op.drop_index(op.f("ix_contacts_given"), table_name="contacts")
    op.drop_index(op.f("ix_contacts_created"), table_name="contacts")
    op.drop_table("contacts")
    op.drop_index(op.f("ix_consents_address"), table_name="consents")
    op.drop_table("consents")
    op.drop_index(op.f("ix_schedules_due"), table_name="schedules", postgresql_where=sa.text("next_due_at IS NOT NULL"))
    op.drop_table("schedules")
    op.drop_table("sandbox_clock")
    op.drop_table("outbox")
    op.drop_table("organizations")
    op.drop_index(op.f("ix_jobs_created"), table_name="jobs")
    op.drop_table("jobs")
    op.drop_table("inbound")
    op.drop_index(op.f("ix_import_staging_import"), table_name="import_staging")
    op.drop_table("import_staging")
    op.drop_index(op.f("ix_idempotency_created"), table_name="idempotency")
    op.drop_table("idempotency")
    op.drop_table("feed")
    op.drop_index(op.f("ix_events_subject"), table_name="events")
    op.drop_table("events")
    op.drop_index(op.f("uq_deliveries_event"), table_name="deliveries")
    op.drop_index(
        op.f("ix_deliveries_parked"), table_name="deliveries", postgresql_where=sa.text("parked_at IS NOT NULL")
    )
    op.drop_index(op.f("ix_deliveries_due"), table_name="deliveries", postgresql_where=sa.text("parked_at IS NULL"))
    op.drop_table("deliveries")
    op.drop_index(op.f("uq_accounts_email"), table_name="accounts")
    op.drop_table("accounts")
    op.execute("DROP FUNCTION make_event_partition(date)")
    op.execute("DROP FUNCTION business_now()")
    op.execute("DROP SEQUENCE feed_position")
