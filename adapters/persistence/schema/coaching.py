"""What the coach has to review, what it found, and what shows it."""

from typing import get_args

import sqlalchemy as sa

from adapters.persistence.schema.tenancy import (
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
from application.model_spending import Purpose
from domain.coaching.finding import Category, Severity
from domain.coaching.insight import InsightStatus
from domain.coaching.pattern import Action, Step


def _cost() -> list[sa.Column[int]]:
    return [
        number(name) for name in ("input_tokens", "output_tokens", "cached_tokens", "cost_micros", "latency_ms")
    ]  # fmt: skip


reviewed_conversations = tenant_table(
    "reviewed_conversations",
    uuid("conversation_id"),
    time("due_at", null=True),
    time("waiting_since", null=True),
    number("failures", default=0),
    time("reviewed_to", null=True),
    number("score", null=True),
    references("conversation_id", "conversations", ondelete="CASCADE"),
    key=("organization_id", "conversation_id"),
)
index(
    "ix_reviewed_conversations_due",
    reviewed_conversations.c.organization_id,
    reviewed_conversations.c.due_at,
    postgresql_where=reviewed_conversations.c.due_at.is_not(None),
)

reviews = tenant_table(
    "reviews",
    uuid("conversation_id"),
    uuid("asked_by", null=True),
    text("status"),
    text("fault", null=True),
    number("score", null=True),
    number("findings", default=0),
    text("model"),
    *_cost(),
    time("created_at"),
    references("conversation_id", "conversations", ondelete="CASCADE"),
    one_of("status", ["done", "failed"]),
)
index("ix_reviews_conversation", reviews.c.organization_id, reviews.c.conversation_id, reviews.c.created_at)
index("ix_reviews_created", reviews.c.organization_id, reviews.c.created_at)

# What models were asked for beside answers and reviews, which hold their own cost.
model_calls = tenant_table(
    "model_calls",
    text("purpose"),
    number("cost_micros"),
    time("created_at"),
    organization_key(),
    one_of("purpose", get_args(Purpose)),
)
index("ix_model_calls_created", model_calls.c.organization_id, model_calls.c.created_at)

message_scores = tenant_table(
    "message_scores",
    uuid("message_id"),
    uuid("conversation_id"),
    number("score"),
    text("prompt_version", null=True),
    sa.Column("lesson_ids", sa.ARRAY(sa.Uuid()), nullable=False),
    time("scored_at"),
    references("message_id", "messages", ondelete="CASCADE"),
    references("conversation_id", "conversations", ondelete="CASCADE"),
    key=("organization_id", "message_id"),
)
index("ix_message_scores_conversation", message_scores.c.organization_id, message_scores.c.conversation_id)

patterns = tenant_table(
    "patterns",
    uuid("dataset_id", null=True),
    text("step"),
    text("feature"),
    number("occurrences"),
    number("successes"),
    number("others"),
    number("other_successes"),
    sa.Column("p_value", sa.Float(), nullable=False),
    text("action"),
    text("title", default=""),
    text("description", default=""),
    text("lesson", null=True),
    uuid("insight_id", null=True),
    # Nothing reads it; processes of the version before write it still, so the table keeps it until they are gone.
    number("cost_micros", default=0),
    time("created_at"),
    organization_key(),
    references("dataset_id", "datasets", ondelete="CASCADE"),
    one_of("step", Step),
    one_of("action", Action),
)
index("ix_patterns_created", patterns.c.organization_id, patterns.c.created_at, patterns.c.id)
index("ix_patterns_dataset", patterns.c.organization_id, patterns.c.dataset_id, patterns.c.created_at)

insights = tenant_table(
    "insights",
    text("rule"),
    text("fingerprint", sortable=True),
    text("title"),
    text("category"),
    text("severity"),
    text("status", default="pending"),
    number("affected_leads", default=0),
    time("created_at"),
    time("raised_at"),
    time("viewed_at", null=True),
    time("decided_at", null=True),
    uuid("decided_by", null=True),
    text("note", null=True),
    uuid("lesson_id", null=True),
    version(),
    organization_key(),
    one_of("category", Category),
    one_of("severity", Severity),
    one_of("status", InsightStatus),
)
index("ix_insights_created", insights.c.organization_id, insights.c.created_at, insights.c.id)
index("ix_insights_raised", insights.c.organization_id, insights.c.raised_at, insights.c.id)
index(
    "ix_insights_status_created",
    insights.c.organization_id,
    insights.c.status,
    insights.c.created_at,
    insights.c.id,
)
index("ix_insights_fingerprint", insights.c.organization_id, insights.c.fingerprint)
index(
    "uq_insights_open",
    insights.c.organization_id,
    insights.c.fingerprint,
    unique=True,
    postgresql_where=insights.c.status.in_([sa.literal_column("'pending'"), sa.literal_column("'viewed'")]),
)

insight_evidence = tenant_table(
    "insight_evidence",
    uuid("insight_id"),
    uuid("conversation_id"),
    uuid("message_id"),
    uuid("lead_id", null=True),
    uuid("review_id", null=True),
    text("words"),
    text("description"),
    text("suggestion"),
    text("suggested_text", null=True),
    time("created_at"),
    references("insight_id", "insights", ondelete="CASCADE"),
    references("conversation_id", "conversations", ondelete="CASCADE"),
    references("message_id", "messages", ondelete="CASCADE"),
    references("lead_id", "leads", ondelete="CASCADE"),
    sa.UniqueConstraint("organization_id", "insight_id", "message_id"),
)
index(
    "ix_insight_evidence_insight", insight_evidence.c.organization_id, insight_evidence.c.insight_id,
    insight_evidence.c.id,
)  # fmt: skip
for _column in ("conversation_id", "message_id", "lead_id"):
    index(
        f"ix_insight_evidence_{_column.removesuffix('_id')}",
        insight_evidence.c.organization_id,
        insight_evidence.c[_column],
    )
