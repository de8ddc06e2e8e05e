"""Keep bookings, the names that calendars gave them, and what a lead shows of them."""

from datetime import datetime

import sqlalchemy as sa
from alembic import op

from adapters.persistence.migrations.tenancy import protect

revision = "0012"
down_revision: str | None = "0011"


def _time(name: str, null: bool = False) -> sa.Column[datetime]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=null)


def upgrade() -> None:
    """Take the step."""
    op.add_column("leads", sa.Column("call_booked", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    op.add_column("leads", _time("call_booked_time", null=True))
    op.add_column("leads", sa.Column("cal_booking_id", sa.Text(), nullable=True))
    op.create_index(
        "ix_leads_booked_created",
        "leads",
        ["organization_id", "created_at", "id"],
        postgresql_where=sa.text("call_booked"),
    )
    op.create_table(
        "bookings",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("lead_id", sa.Uuid(), nullable=False),
        sa.Column("contact_id", sa.Uuid(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("natural_key", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        _time("start_at"),
        _time("end_at", null=True),
        sa.Column("zone", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), server_default=sa.text("'requested'"), nullable=False),
        sa.Column("uid", sa.Text(), nullable=True),
        sa.Column("title", sa.Text(), nullable=True),
        sa.Column("notes", sa.Text(), nullable=True),
        sa.Column("booking_url", sa.Text(), nullable=True),
        sa.Column("step", sa.Text(), nullable=True),
        _time("step_start_at", null=True),
        _time("handed_at", null=True),
        sa.Column("attempts", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("reminder", sa.Text(), nullable=True),
        _time("reminder_at", null=True),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        _time("created_at"),
        _time("updated_at"),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.CheckConstraint(
            "status IN ('requested', 'scheduled', 'cancelled', 'failed')", name=op.f("ck_bookings_status")
        ),
        sa.CheckConstraint("step IN ('book', 'move', 'cancel')", name=op.f("ck_bookings_step")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_bookings_organization_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "lead_id"],
            ["leads.organization_id", "leads.id"],
            name=op.f("fk_bookings_organization_id_lead_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "contact_id"],
            ["contacts.organization_id", "contacts.id"],
            name=op.f("fk_bookings_organization_id_contact_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_bookings")),
        sa.UniqueConstraint("organization_id", "natural_key", name=op.f("uq_bookings_organization_id_natural_key")),
    )
    for name, columns in (
        ("start", ["start_at"]),
        ("created", ["created_at"]),
        ("status_start", ["status", "start_at"]),
        ("lead", ["lead_id", "start_at"]),
        ("contact", ["contact_id", "start_at"]),
    ):
        op.create_index(f"ix_bookings_{name}", "bookings", ["organization_id", *columns, "id"])
    op.create_index(
        "ix_bookings_step", "bookings", ["organization_id", "id"], postgresql_where=sa.text("step IS NOT NULL")
    )
    op.create_index(
        "ix_bookings_reminder",
        "bookings",
        ["organization_id", "reminder_at"],
        postgresql_where=sa.text("reminder_at IS NOT NULL"),
    )
    op.create_table(
        "booking_names",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("uid", sa.Text(collation="C"), nullable=False),
        sa.Column("booking_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id", "booking_id"],
            ["bookings.organization_id", "bookings.id"],
            name=op.f("fk_booking_names_organization_id_booking_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("organization_id", "uid", name=op.f("pk_booking_names")),
    )
    op.create_index("ix_booking_names_booking", "booking_names", ["organization_id", "booking_id"])
    protect("bookings", "booking_names")


def downgrade() -> None:
    """Take it back."""
    op.drop_table("booking_names")
    op.drop_table("bookings")
    op.drop_index("ix_leads_booked_created", table_name="leads")
    for name in ("cal_booking_id", "call_booked_time", "call_booked"):
        op.drop_column("leads", name)
