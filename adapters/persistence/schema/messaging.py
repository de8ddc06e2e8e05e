"""Conversations, messages, the send ledger, consent, suppression, what providers told us."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from adapters.persistence.schema.platform import MACHINE_NOW
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
from domain.messaging.notification import Priority


def _member() -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["account_id", "organization_id"],
        ["memberships.account_id", "memberships.organization_id"],
        ondelete="CASCADE",
    )


conversations = tenant_table(
    "conversations",
    uuid("contact_id"),
    uuid("lead_id", null=True),
    text("channel"),
    text("address", sortable=True),
    text("status", default="open"),
    text("sentiment", null=True),
    text("turn_holder", default="nobody"),
    number("turn_number", default=0),
    number("message_count", default=0),
    number("unread_count", default=0),
    flag("archived"),
    time("started_at"),
    time("last_message_at"),
    time("answer_due_at", null=True),
    uuid("unanswered_id", null=True),
    number("answer_failures", default=0),
    time("writer_away_since", null=True),
    text("attention", null=True),
    time("person_told_at", null=True),
    version(),
    organization_key(),
    references("contact_id", "contacts", ondelete="CASCADE"),
    references("lead_id", "leads", ondelete="CASCADE"),
    sa.UniqueConstraint("organization_id", "contact_id", "channel"),
    one_of("channel", ["sms", "email", "call", "chat"]),
    one_of("turn_holder", ["ai", "person", "nobody"]),
)
index("ix_conversations_latest", conversations.c.organization_id, conversations.c.last_message_at, conversations.c.id)
index("ix_conversations_lead", conversations.c.organization_id, conversations.c.lead_id)
index(
    "ix_conversations_answer_due",
    conversations.c.organization_id,
    conversations.c.answer_due_at,
    postgresql_where=conversations.c.answer_due_at.is_not(None),
)
index("ix_conversations_address", conversations.c.organization_id, conversations.c.address)

messages = tenant_table(
    "messages",
    uuid("conversation_id"),
    uuid("contact_id"),
    uuid("lead_id", null=True),
    text("channel"),
    text("direction"),
    text("category"),
    text("status"),
    text("body"),
    text("sender"),
    text("recipient"),
    sa.Column("media", JSONB(), nullable=False, server_default=sa.text("'[]'")),
    uuid("author_id", null=True),
    text("provider", null=True),
    text("provider_id", null=True),
    sa.Column("segments", sa.Integer(), nullable=True),
    text("error_code", null=True),
    sa.Column("price", sa.Numeric(), nullable=True),
    text("price_currency", null=True),
    time("sent_at", null=True),
    time("delivered_at", null=True),
    time("created_at"),
    version(),
    references("conversation_id", "conversations", ondelete="CASCADE"),
    references("lead_id", "leads", ondelete="CASCADE"),
    one_of("direction", ["inbound", "outbound"]),
    one_of(
        "status", ["pending", "sent", "delivered", "failed", "refused", "cancelled", "unknown", "received", "draft"]
    ),
)
index("ix_messages_created", messages.c.organization_id, messages.c.created_at, messages.c.id)
index(
    "ix_messages_conversation",
    messages.c.organization_id,
    messages.c.conversation_id,
    messages.c.created_at,
    messages.c.id,
)
index("ix_messages_status_created", messages.c.organization_id, messages.c.status, messages.c.created_at, messages.c.id)
index("ix_messages_lead", messages.c.organization_id, messages.c.lead_id)

SEND_STATES = ("planned", "claimed", "handed", "accepted", "rejected", "unknown", "cancelled", "refused", "parked")

sends = tenant_table(
    "sends",
    text("natural_key"),
    text("purpose"),
    text("channel"),
    text("state", default="planned"),
    flag("held"),
    uuid("campaign_id", null=True),
    text("touch", null=True),
    text("variant", null=True),
    uuid("lead_id", null=True),
    uuid("contact_id"),
    uuid("conversation_id"),
    text("recipient", sortable=True),
    text("sender"),
    number("turn_number", default=0),
    time("due_at"),
    time("useful_until", null=True),
    text("verdict"),
    text("delayed_by", null=True),
    sa.Column("reasons", JSONB(), nullable=False),
    uuid("batch", null=True),
    time("lease_until", null=True),
    time("handed_at", null=True),
    time("handed_machine_at", null=True),
    time("settled_at", null=True),
    number("attempts", default=0),
    text("provider", null=True),
    text("left_from", null=True),
    text("provider_id", null=True),
    text("error", null=True),
    time("created_at"),
    references("conversation_id", "conversations", ondelete="CASCADE"),
    references("campaign_id", "campaigns", ondelete="CASCADE"),
    references("lead_id", "leads", ondelete="CASCADE"),
    references("id", "messages", ondelete="CASCADE"),
    sa.UniqueConstraint("organization_id", "natural_key"),
    one_of("state", SEND_STATES),
    one_of("purpose", ["campaign", "reply", "manual", "opt_out_confirmation", "help", "system"]),
)
index(
    "ix_sends_due",
    sends.c.organization_id,
    sends.c.purpose,
    sends.c.due_at,
    postgresql_where=sa.and_(sends.c.state == sa.literal_column("'planned'"), sa.not_(sends.c.held)),
)
index(
    "ix_sends_open",
    sends.c.organization_id,
    sends.c.lease_until,
    postgresql_where=sends.c.state.in_(
        [sa.literal_column("'claimed'"), sa.literal_column("'handed'"), sa.literal_column("'unknown'")]
    ),
)
index("ix_sends_lead", sends.c.organization_id, sends.c.lead_id)
index("ix_sends_conversation", sends.c.organization_id, sends.c.conversation_id)
index("ix_sends_campaign", sends.c.organization_id, sends.c.campaign_id, sends.c.state)
index("ix_sends_recipient", sends.c.organization_id, sends.c.recipient, sends.c.handed_at)

replies = tenant_table(
    "replies",
    uuid("conversation_id"),
    uuid("lead_id", null=True),
    uuid("answers_id", null=True),
    text("status"),
    text("text", null=True),
    sa.Column("confidence", sa.Float(), nullable=True),
    text("reasoning", null=True),
    sa.Column("lessons", sa.ARRAY(sa.Uuid()), nullable=False),
    text("sentiment", null=True),
    text("intent", null=True),
    text("slot", null=True),
    sa.Column("breaches", sa.ARRAY(sa.Text()), nullable=False),
    text("prompt_type", default="reply"),
    text("prompt_version"),
    text("model"),
    number("input_tokens"),
    number("output_tokens"),
    number("cached_tokens"),
    number("cost_micros"),
    number("latency_ms"),
    time("created_at"),
    *(flag(name) for name in ("handed_over", "replied", "positive", "booked", "opted_out", "settled")),
    time("measured_at", null=True),
    references("conversation_id", "conversations", ondelete="CASCADE"),
    one_of("status", ["draft", "sent", "superseded", "unfit", "failed"]),
    one_of("prompt_type", ["m1", "m2", "m3", "reply"]),
)
index("ix_replies_conversation", replies.c.organization_id, replies.c.conversation_id, replies.c.created_at)
index(
    "ix_replies_unsettled",
    replies.c.organization_id,
    replies.c.created_at,
    postgresql_where=sa.and_(
        sa.or_(replies.c.status == sa.literal_column("'sent'"), replies.c.handed_over), sa.not_(replies.c.settled)
    ),
)
index("ix_replies_created", replies.c.organization_id, replies.c.created_at)

consents = tenant_table(
    "consents",
    uuid("contact_id", null=True),
    text("address", sortable=True),
    text("channel"),
    text("kind"),
    text("how"),
    text("wording", null=True),
    text("source", null=True),
    uuid("message_id", null=True),
    uuid("actor_id", null=True),
    time("at"),
    organization_key(),
    one_of("kind", ["opt_out", "opt_in", "confirmed"]),
)
index("ix_consents_address", consents.c.organization_id, consents.c.address, consents.c.at)

suppressions = tenant_table(
    "suppressions",
    text("address", sortable=True),
    time("since"),
    text("how"),
    text("wording", null=True),
    uuid("consent_id"),
    organization_key(),
    key=("organization_id", "address"),
)

notifications = tenant_table(
    "notifications",
    uuid("account_id"),
    uuid("source"),
    text("kind"),
    text("priority"),
    text("title"),
    text("message"),
    text("link", null=True),
    sa.Column("data", JSONB(), nullable=False, server_default=sa.text("'{}'")),
    uuid("lead_id", null=True),
    uuid("contact_id", null=True),
    flag("in_app", True),
    time("read_at", null=True),
    time("archived_at", null=True),
    time("digest_at", null=True),
    uuid("digest_id", null=True),
    time("created_at"),
    version(),
    organization_key(),
    _member(),
    references("lead_id", "leads", ondelete="CASCADE"),
    references("contact_id", "contacts", ondelete="CASCADE"),
    sa.UniqueConstraint("organization_id", "source", "account_id"),
    one_of("priority", list(Priority)),
)
index(
    "ix_notifications_account",
    notifications.c.organization_id,
    notifications.c.account_id,
    notifications.c.created_at,
    notifications.c.id,
)
index(
    "ix_notifications_unread",
    notifications.c.organization_id,
    notifications.c.account_id,
    postgresql_where=notifications.c.read_at.is_(None),
)
index(
    "ix_notifications_digest_at",
    notifications.c.organization_id,
    notifications.c.digest_at,
    postgresql_where=notifications.c.digest_at.is_not(None),
)
index(
    "ix_notifications_digest",
    notifications.c.organization_id,
    notifications.c.digest_id,
    postgresql_where=notifications.c.digest_id.is_not(None),
)
index("ix_notifications_lead", notifications.c.organization_id, notifications.c.lead_id)
index("ix_notifications_contact", notifications.c.organization_id, notifications.c.contact_id)

notification_preferences = tenant_table(
    "notification_preferences",
    uuid("account_id"),
    sa.Column("ways", JSONB(), nullable=False),
    sa.Column("muted", sa.ARRAY(sa.Text()), nullable=False),
    number("digest_hour", default=8),
    text("time_zone", null=True),
    version(),
    organization_key(),
    _member(),
    key=("organization_id", "account_id"),
)

inbox_marks = tenant_table(
    "inbox_marks",
    text("account"),
    time("listed_until"),
    organization_key(),
    key=("organization_id", "account"),
)

sealed_keys = tenant_table(
    "sealed_keys",
    text("purpose"),
    sa.Column("sealed", sa.LargeBinary(), nullable=False),
    organization_key(),
    key=("organization_id", "purpose"),
)

inbound = sa.Table(
    "inbound",
    metadata,
    sa.Column("id", sa.Uuid(), primary_key=True),
    text("provider"),
    text("account"),
    text("external_id"),
    uuid("organization_id", null=True),
    text("kind"),
    sa.Column("payload", JSONB(), nullable=False),
    time("received_at", default=MACHINE_NOW),
    sa.UniqueConstraint("provider", "account", "external_id", "organization_id", postgresql_nulls_not_distinct=True),
)
