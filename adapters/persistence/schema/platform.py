"""Events, outbox, feed, deliveries, schedules, jobs, idempotency, the sandbox's clock."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from adapters.persistence.schema.tenancy import (
    flag,
    index,
    metadata,
    number,
    one_of,
    tenant_table,
    text,
    time,
    uuid,
    version,
)

MACHINE_NOW = "clock_timestamp()"

events = tenant_table(
    "events",
    text("type"),
    uuid("subject"),
    uuid("actor_id", null=True),
    uuid("cause_id", null=True),
    time("at"),
    sa.Column("data", JSONB(), nullable=False),
    sa.Column("personal", JSONB(), nullable=True),
    text("trace", null=True),
    postgresql_partition_by="RANGE (id)",
)
index("ix_events_subject", events.c.organization_id, events.c.subject, events.c.id)

outbox = sa.Table(
    "outbox",
    metadata,
    sa.Column("id", sa.BigInteger(), sa.Identity(always=True), primary_key=True),
    uuid("organization_id"),
    uuid("event_id"),
    text("type"),
    time("at", default=MACHINE_NOW),
)

feed = tenant_table(
    "feed",
    sa.Column("position", sa.BigInteger(), nullable=False),
    uuid("event_id"),
    text("type"),
    key=("organization_id", "position"),
)
index("ix_feed_position", feed.c.position)

deliveries = sa.Table(
    "deliveries",
    metadata,
    sa.Column("id", sa.Uuid(), primary_key=True),
    uuid("organization_id"),
    uuid("event_id", null=True),
    text("subscription"),
    text("queue"),
    time("due_at"),
    time("leased_until", null=True),
    number("starts", default=0),
    number("failures", default=0),
    time("parked_at", null=True),
    text("reason", null=True),
    time("created_at", default=MACHINE_NOW),
)
index("uq_deliveries_event", deliveries.c.event_id, deliveries.c.subscription, unique=True)
index("ix_deliveries_due", deliveries.c.due_at, postgresql_where=deliveries.c.parked_at.is_(None))
index("ix_deliveries_parked", deliveries.c.parked_at, postgresql_where=deliveries.c.parked_at.is_not(None))

schedules = sa.Table(
    "schedules",
    metadata,
    text("name"),
    uuid("organization_id"),
    time("next_due_at", null=True),
    sa.PrimaryKeyConstraint("name", "organization_id"),
)
index("ix_schedules_due", schedules.c.next_due_at, postgresql_where=schedules.c.next_due_at.is_not(None))

jobs = tenant_table(
    "jobs",
    text("kind"),
    text("status", default="queued"),
    uuid("subject", null=True),
    number("done", default=0),
    number("total", null=True),
    sa.Column("result", JSONB(), nullable=True),
    text("error", null=True),
    flag("cancel_requested"),
    uuid("created_by", null=True),
    time("created_at"),
    time("finished_at", null=True),
    version(),
    one_of("status", ["queued", "running", "done", "failed", "cancelled"]),
)
index("ix_jobs_created", jobs.c.organization_id, jobs.c.created_at, jobs.c.id)

idempotency = tenant_table(
    "idempotency",
    text("actor"),
    text("route"),
    text("key"),
    sa.Column("request_hash", sa.LargeBinary(), nullable=False),
    sa.Column("status", sa.Integer(), nullable=True),
    sa.Column("answer", sa.LargeBinary(), nullable=True),
    time("created_at", default=MACHINE_NOW),
    key=("organization_id", "actor", "route", "key"),
)
index("ix_idempotency_created", idempotency.c.created_at)

sandbox_clock = sa.Table(
    "sandbox_clock",
    metadata,
    sa.Column("id", sa.Integer(), sa.CheckConstraint("id = 1", name="single"), primary_key=True, autoincrement=False),
    sa.Column("ahead", sa.Interval(), nullable=False),
)
