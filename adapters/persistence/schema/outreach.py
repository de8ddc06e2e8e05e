"""Datasets, uploads, imports, campaigns, enrolments."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from adapters.persistence.schema.tenancy import (
    flag,
    index,
    metadata,
    number,
    one_of,
    organization_key,
    references,
    tenant_table,
    text,
    time,
    uuid,
    version,
)

datasets = tenant_table(
    "datasets",
    text("name"),
    text("name_key", default="", sortable=True),
    text("description", null=True),
    text("source", null=True),
    uuid("upload_id", null=True),
    text("campaign_status", default="draft"),
    time("campaign_start_date", null=True),
    time("campaign_end_date", null=True),
    uuid("created_by", null=True),
    time("created_at"),
    time("updated_at"),
    time("deleted_at", null=True),
    version(),
    organization_key(),
    one_of("campaign_status", ["draft", "active", "paused", "completed"]),
)
index("ix_datasets_created", datasets.c.organization_id, datasets.c.created_at, datasets.c.id)
index("ix_datasets_name", datasets.c.organization_id, datasets.c.name_key, datasets.c.id)

uploads = tenant_table(
    "uploads",
    uuid("dataset_id", null=True),
    text("filename"),
    text("file_key"),
    number("size"),
    sa.Column("shape", JSONB(), nullable=False),
    uuid("created_by", null=True),
    time("created_at"),
    version(),
    organization_key(),
    references("dataset_id", "datasets", ondelete="CASCADE"),
)

imports = tenant_table(
    "imports",
    uuid("upload_id"),
    uuid("dataset_id"),
    sa.Column("mapping", JSONB(), nullable=False),
    number("records_done", default=0),
    number("created", default=0),
    number("ineligible", default=0),
    number("duplicates", default=0),
    number("failed", default=0),
    uuid("job_id", null=True),
    uuid("undo_job_id", null=True),
    number("undo_below", null=True),
    number("removed_leads", default=0),
    number("removed_contacts", default=0),
    number("cancelled_texts", default=0),
    number("kept_leads", default=0),
    time("created_at"),
    version(),
    references("upload_id", "uploads", ondelete="CASCADE"),
    references("dataset_id", "datasets", ondelete="CASCADE"),
)
index("ix_imports_dataset", imports.c.organization_id, imports.c.dataset_id)

import_rows = tenant_table(
    "import_rows",
    uuid("import_id"),
    number("row"),
    text("outcome"),
    flag("ineligible"),
    uuid("lead_id", null=True),
    uuid("contact_id", null=True),
    text("reason", null=True),
    sa.Column("cells", JSONB(), nullable=True),
    references("import_id", "imports", ondelete="CASCADE"),
    one_of("outcome", ["created", "duplicate", "failed", "undone"]),
    key=("organization_id", "import_id", "row"),
)

import_staging = sa.Table(
    "import_staging",
    metadata,
    uuid("organization_id"),
    uuid("import_id"),
    number("row"),
    uuid("lead_id"),
    uuid("contact_id"),
    flag("is_new_contact"),
    text("contact_status"),
    text("phone", sortable=True),
    text("phone_type"),
    flag("sms_eligible"),
    sa.Column("zones", sa.ARRAY(sa.Text()), nullable=False),
    text("country"),
    text("first_name", null=True),
    text("last_name", null=True),
    text("name_key", sortable=True),
    text("email", null=True, sortable=True),
    text("postcode", null=True),
    sa.Column("inquiry_date", sa.Date(), nullable=True),
    text("product", null=True),
    text("company_name", null=True),
    text("source", null=True),
    text("notes", null=True),
    prefixes=["UNLOGGED"],
)
index("ix_import_staging_import", import_staging.c.import_id, import_staging.c.row)

campaigns = tenant_table(
    "campaigns",
    uuid("dataset_id"),
    text("status", default="draft"),
    number("seed"),
    sa.Column("settings", JSONB(), nullable=False),
    time("next_slot", null=True),
    time("started_at", null=True),
    time("completed_at", null=True),
    version(),
    references("dataset_id", "datasets", ondelete="CASCADE"),
    sa.UniqueConstraint("organization_id", "dataset_id"),
    one_of("status", ["draft", "active", "paused", "completed"]),
)

enrolments = tenant_table(
    "enrolments",
    uuid("campaign_id"),
    uuid("lead_id"),
    text("touch"),
    time("due_at", null=True),
    flag("held"),
    text("delayed_by", null=True),
    references("campaign_id", "campaigns", ondelete="CASCADE"),
    references("lead_id", "leads", ondelete="CASCADE"),
    one_of("touch", ["M1", "M2", "M3", "EXHAUST"]),
    key=("organization_id", "campaign_id", "lead_id"),
)
index(
    "ix_enrolments_due",
    enrolments.c.organization_id,
    enrolments.c.due_at,
    postgresql_where=sa.and_(enrolments.c.due_at.is_not(None), sa.not_(enrolments.c.held)),
)
index("ix_enrolments_lead", enrolments.c.organization_id, enrolments.c.lead_id)

# A touch's text that the AI is to write; its id will be its message's. Once that is in the ledger, `replies` tells of
# it as of every message that the AI wrote.
touch_texts = tenant_table(
    "touch_texts",
    uuid("campaign_id"),
    uuid("lead_id"),
    text("touch"),
    text("variant"),
    text("status"),
    text("reason", null=True),
    text("text", null=True),
    sa.Column("confidence", sa.Float(), nullable=True),
    text("reasoning", null=True),
    sa.Column("lessons", sa.ARRAY(sa.Uuid()), nullable=False, server_default=sa.text("'{}'")),
    sa.Column("breaches", sa.ARRAY(sa.Text()), nullable=False, server_default=sa.text("'{}'")),
    text("prompt_version", null=True),
    text("model", null=True),
    *(
        number(name, default=0)
        for name in ("input_tokens", "output_tokens", "cached_tokens", "cost_micros", "latency_ms")
    ),
    time("requested_at"),
    time("due_at"),
    time("lease_until", null=True),
    time("away_since", null=True),
    time("written_at", null=True),
    references("campaign_id", "campaigns", ondelete="CASCADE"),
    references("lead_id", "leads", ondelete="CASCADE"),
    sa.UniqueConstraint("organization_id", "campaign_id", "lead_id", "touch"),
    one_of("touch", ["M1", "M2", "M3"]),
    one_of("status", ["due", "written", "fell_back", "withdrawn"]),
)
index(
    "ix_touch_texts_due",
    touch_texts.c.organization_id,
    touch_texts.c.due_at,
    postgresql_where=touch_texts.c.status == sa.literal_column("'due'"),
)
index("ix_touch_texts_lead", touch_texts.c.organization_id, touch_texts.c.lead_id)
