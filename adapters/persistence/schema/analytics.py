"""Counts by dataset and quarter of an hour, results of each text by its variant, and how far each lead has come."""

import sqlalchemy as sa

from adapters.persistence.schema.tenancy import (
    index,
    number,
    organization_key,
    references,
    tenant_table,
    text,
    time,
    uuid,
)

rollups = tenant_table(
    "rollups",
    uuid("dataset_id", null=True),
    time("quarter"),
    text("kind"),
    number("count"),
    organization_key(),
    references("dataset_id", "datasets", ondelete="CASCADE"),
    sa.UniqueConstraint("organization_id", "quarter", "kind", "dataset_id", postgresql_nulls_not_distinct=True),
)
index("ix_rollups_dataset", rollups.c.organization_id, rollups.c.dataset_id)

touch_results = tenant_table(
    "touch_results",
    uuid("campaign_id"),
    text("touch"),
    text("variant"),
    text("what"),
    number("count"),
    references("campaign_id", "campaigns", ondelete="CASCADE"),
    key=("organization_id", "campaign_id", "touch", "variant", "what"),
)

# Not tied to the lead: what happened stays counted when a person is erased.
lead_progress = tenant_table(
    "lead_progress",
    uuid("lead_id"),
    uuid("dataset_id", null=True),
    time("first_text_at", null=True),
    number("texts", default=0),
    uuid("campaign_id", null=True),
    text("touch", null=True),
    text("variant", null=True),
    sa.Column("marks", sa.ARRAY(sa.Text()), nullable=False, server_default=sa.text("'{}'")),
    organization_key(),
    references("dataset_id", "datasets", ondelete="CASCADE"),
    key=("organization_id", "lead_id"),
)
index("ix_lead_progress_dataset", lead_progress.c.organization_id, lead_progress.c.dataset_id)

feed_places = tenant_table(
    "feed_places",
    text("reader"),
    number("position"),
    organization_key(),
    key=("organization_id", "reader"),
)
