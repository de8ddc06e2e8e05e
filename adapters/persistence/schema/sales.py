"""Contacts, stages, leads, tags, notes."""

import sqlalchemy as sa

from adapters.persistence.schema.tenancy import (
    flag,
    index,
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

CONTACT_STATUSES = (
    "READY",
    "CONTACTED",
    "REPLIED",
    "HOT",
    "WARM",
    "COLD",
    "CALL_BOOKED",
    "CONVERTED",
    "OPTED_OUT",
    "UNREACHABLE",
    "EXHAUSTED",
)

contacts = tenant_table(
    "contacts",
    text("first_name", null=True),
    text("last_name", null=True),
    text("name_key", default="", sortable=True),
    sa.Column(
        "given_key",
        sa.Text(collation="C"),
        sa.Computed(
            "lower(btrim(coalesce(first_name, '') || ' ' || coalesce(last_name, '')) COLLATE \"pg_c_utf8\")",
            persisted=True,
        ),
        nullable=False,
    ),
    text("email", null=True, sortable=True),
    text("phone", null=True, sortable=True),
    text("phone_type", null=True),
    flag("sms_eligible"),
    sa.Column("zones", sa.ARRAY(sa.Text()), nullable=False, server_default=sa.text("'{}'")),
    text("country", null=True),
    text("postcode", null=True),
    text("title", null=True),
    text("company_name", null=True),
    text("source", null=True),
    text("notes", null=True),
    uuid("created_by", null=True),
    time("created_at"),
    time("updated_at"),
    version(),
    sa.Column(
        "search",
        sa.Text(),
        sa.Computed("contact_search_text(first_name, last_name, email, phone)", persisted=True),
        nullable=False,
    ),
    organization_key(),
)
index(
    "uq_contacts_email",
    contacts.c.organization_id,
    contacts.c.email,
    unique=True,
    postgresql_where=contacts.c.email.is_not(None),
)
index(
    "ix_contacts_phone",
    contacts.c.organization_id,
    contacts.c.phone,
    postgresql_where=contacts.c.phone.is_not(None),
)
index("ix_contacts_name", contacts.c.organization_id, contacts.c.name_key, contacts.c.id)
index("ix_contacts_given", contacts.c.organization_id, contacts.c.given_key, contacts.c.id)
index(
    "ix_contacts_search",
    sa.func.contact_search_keys(contacts.c.organization_id, contacts.c.search),
    postgresql_using="gin",
    postgresql_with={"gin_pending_list_limit": 1024},
)
index("ix_contacts_created", contacts.c.organization_id, contacts.c.created_at, contacts.c.id)

pipelines = tenant_table(
    "pipelines", text("name"), flag("is_default"), time("created_at"), version(), organization_key()
)

stages = tenant_table(
    "stages",
    uuid("pipeline_id"),
    text("key"),
    text("name"),
    text("category"),
    number("position"),
    version(),
    references("pipeline_id", "pipelines", ondelete="CASCADE"),
    sa.UniqueConstraint("organization_id", "key"),
    one_of("category", ["open", "won", "lost", "bogus"]),
)

leads = tenant_table(
    "leads",
    uuid("contact_id"),
    uuid("dataset_id", null=True),
    text("stage", default="NEW_LEAD"),
    text("contact_status", default="READY"),
    text("sentiment", null=True),
    text("phone", null=True, sortable=True),
    text("name_key", default="", sortable=True),
    text("source", null=True),
    text("source_campaign", null=True),
    sa.Column("inquiry_date", sa.Date(), nullable=True),
    text("product", null=True),
    text("notes", null=True),
    number("score", default=0),
    sa.Column("estimated_units", sa.Integer(), nullable=True),
    sa.Column("estimated_revenue", sa.Numeric(), nullable=True),
    text("estimated_currency", null=True),
    text("lost_reason", null=True),
    flag("is_dnc"),
    flag("manual_mode"),
    time("manual_mode_activated_at", null=True),
    flag("archived"),
    time("archived_at", null=True),
    uuid("assigned_to", null=True),
    text("latest_reply", null=True),
    time("reply_received_at", null=True),
    time("reply_order", default="'-infinity'"),
    flag("call_booked"),
    time("call_booked_time", null=True),
    text("cal_booking_id", null=True),
    uuid("created_by", null=True),
    time("created_at"),
    time("updated_at"),
    version(),
    organization_key(),
    references("contact_id", "contacts"),
    references("dataset_id", "datasets", ondelete="CASCADE"),
    references("stage", "stages", target_column="key"),
    one_of("contact_status", CONTACT_STATUSES),
    one_of("sentiment", ["POSITIVE", "NEGATIVE", "NEUTRAL", "HOT", "UNCLEAR"]),
)
index("ix_leads_created", leads.c.organization_id, leads.c.created_at, leads.c.id)
index("ix_leads_status_created", leads.c.organization_id, leads.c.contact_status, leads.c.created_at, leads.c.id)
index("ix_leads_stage_created", leads.c.organization_id, leads.c.stage, leads.c.created_at, leads.c.id)
index("ix_leads_name", leads.c.organization_id, leads.c.name_key, leads.c.id)
index("ix_leads_reply", leads.c.organization_id, leads.c.reply_order, leads.c.id)
index("ix_leads_dataset_status", leads.c.organization_id, leads.c.dataset_id, leads.c.contact_status)
index("ix_leads_dataset_created", leads.c.organization_id, leads.c.dataset_id, leads.c.created_at, leads.c.id)
index("ix_leads_status", leads.c.organization_id, leads.c.contact_status, leads.c.id)
index("ix_leads_stage", leads.c.organization_id, leads.c.stage, leads.c.id)
index("ix_leads_source_created", leads.c.organization_id, leads.c.source, leads.c.created_at, leads.c.id)
index(
    "ix_leads_assigned_created",
    leads.c.organization_id,
    leads.c.assigned_to,
    leads.c.created_at,
    leads.c.id,
    postgresql_where=leads.c.assigned_to.is_not(None),
)
index(
    "ix_leads_sentiment_created",
    leads.c.organization_id,
    leads.c.sentiment,
    leads.c.created_at,
    leads.c.id,
    postgresql_where=leads.c.sentiment.is_not(None),
)
index(
    "ix_leads_manual_created",
    leads.c.organization_id,
    leads.c.created_at,
    leads.c.id,
    postgresql_where=leads.c.manual_mode,
)
index(
    "ix_leads_booked_created",
    leads.c.organization_id,
    leads.c.created_at,
    leads.c.id,
    postgresql_where=leads.c.call_booked,
)
index(
    "ix_leads_archived_created",
    leads.c.organization_id,
    leads.c.created_at,
    leads.c.id,
    postgresql_where=leads.c.archived,
)
index("ix_leads_contact", leads.c.organization_id, leads.c.contact_id)
index(
    "uq_leads_dataset_phone",
    leads.c.organization_id,
    leads.c.dataset_id,
    leads.c.phone,
    unique=True,
    postgresql_where=sa.and_(leads.c.dataset_id.is_not(None), leads.c.phone.is_not(None)),
)

tags = tenant_table(
    "tags",
    text("slug"),
    text("name"),
    text("category", default="CUSTOM"),
    text("color", null=True),
    text("description", null=True),
    number("sort_order", default=0),
    flag("is_system"),
    flag("is_active", True),
    time("created_at"),
    version(),
    organization_key(),
    sa.UniqueConstraint("organization_id", "slug"),
)

lead_tags = tenant_table(
    "lead_tags",
    uuid("lead_id"),
    uuid("tag_id"),
    uuid("applied_by", null=True),
    time("applied_at"),
    references("lead_id", "leads", ondelete="CASCADE"),
    references("tag_id", "tags"),
    key=("organization_id", "lead_id", "tag_id"),
)
index("ix_lead_tags_tag", lead_tags.c.organization_id, lead_tags.c.tag_id)

notes = tenant_table(
    "notes",
    uuid("lead_id"),
    uuid("author_id"),
    text("body"),
    time("created_at"),
    time("updated_at"),
    version(),
    references("lead_id", "leads", ondelete="CASCADE"),
)
index("ix_notes_lead", notes.c.organization_id, notes.c.lead_id, notes.c.created_at, notes.c.id)
