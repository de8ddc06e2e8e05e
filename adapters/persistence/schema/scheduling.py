"""Bookings, and the names that calendars gave them."""

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

bookings = tenant_table(
    "bookings",
    uuid("lead_id"),
    uuid("contact_id"),
    text("provider"),
    text("account_owner", null=True),
    number("event_type_id", null=True),
    text("natural_key"),
    text("source"),
    time("start_at"),
    time("end_at", null=True),
    text("zone"),
    text("status", default="requested"),
    text("uid", null=True),
    text("title", null=True),
    text("notes", null=True),
    text("booking_url", null=True),
    text("step", null=True),
    time("step_start_at", null=True),
    time("handed_at", null=True),
    number("attempts", default=0),
    text("error", null=True),
    text("reminder", null=True),
    time("reminder_at", null=True),
    uuid("created_by", null=True),
    time("created_at"),
    time("updated_at"),
    version(),
    organization_key(),
    references("lead_id", "leads", ondelete="CASCADE"),
    references("contact_id", "contacts", ondelete="CASCADE"),
    sa.UniqueConstraint("organization_id", "natural_key"),
    one_of("status", ["requested", "scheduled", "cancelled", "failed"]),
    one_of("account_owner", ["organization", "installation"]),
    one_of("step", ["book", "move", "cancel"]),
)
index("ix_bookings_start", bookings.c.organization_id, bookings.c.start_at, bookings.c.id)
index("ix_bookings_created", bookings.c.organization_id, bookings.c.created_at, bookings.c.id)
index("ix_bookings_status_start", bookings.c.organization_id, bookings.c.status, bookings.c.start_at, bookings.c.id)
index("ix_bookings_lead", bookings.c.organization_id, bookings.c.lead_id, bookings.c.start_at, bookings.c.id)
index("ix_bookings_contact", bookings.c.organization_id, bookings.c.contact_id, bookings.c.start_at, bookings.c.id)
index("ix_bookings_step", bookings.c.organization_id, bookings.c.id, postgresql_where=bookings.c.step.is_not(None))
index(
    "ix_bookings_reminder",
    bookings.c.organization_id,
    bookings.c.reminder_at,
    postgresql_where=bookings.c.reminder_at.is_not(None),
)

booking_names = tenant_table(
    "booking_names",
    text("uid", sortable=True),
    uuid("booking_id"),
    references("booking_id", "bookings", ondelete="CASCADE"),
    key=("organization_id", "uid"),
)
index("ix_booking_names_booking", booking_names.c.organization_id, booking_names.c.booking_id)
