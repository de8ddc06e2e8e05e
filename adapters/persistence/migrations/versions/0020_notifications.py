"""Keep what people are told, and how they want to be told."""

from datetime import datetime

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from adapters.persistence.migrations.tenancy import protect

revision = "0020"
down_revision: str | None = "0019"


def _time(name: str, null: bool = True) -> sa.Column[datetime]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=null)


def _belonging(table: str) -> list[sa.ForeignKeyConstraint]:
    return [
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f(f"fk_{table}_organization_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["account_id", "organization_id"],
            ["memberships.account_id", "memberships.organization_id"],
            name=op.f(f"fk_{table}_account_id_organization_id"),
            ondelete="CASCADE",
        ),
    ]


def upgrade() -> None:
    """Take the step."""
    op.create_table(
        "notifications",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("source", sa.Uuid(), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("kind", "priority", "title", "message")),
        sa.Column("link", sa.Text(), nullable=True),
        sa.Column("data", postgresql.JSONB(), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("lead_id", sa.Uuid(), nullable=True),
        sa.Column("contact_id", sa.Uuid(), nullable=True),
        sa.Column("in_app", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        _time("read_at"),
        _time("archived_at"),
        _time("digest_at"),
        sa.Column("digest_id", sa.Uuid(), nullable=True),
        _time("created_at", null=False),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.CheckConstraint("priority IN ('immediate', 'normal', 'low')", name=op.f("ck_notifications_priority")),
        *_belonging("notifications"),
        *(
            sa.ForeignKeyConstraint(
                ["organization_id", column],
                [f"{target}.organization_id", f"{target}.id"],
                name=op.f(f"fk_notifications_organization_id_{column}"),
                ondelete="CASCADE",
            )
            for column, target in (("lead_id", "leads"), ("contact_id", "contacts"))
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_notifications")),
        sa.UniqueConstraint(
            "organization_id", "source", "account_id", name=op.f("uq_notifications_organization_id_source_account_id")
        ),
    )
    for name, columns, where in (
        ("account", ["account_id", "created_at", "id"], None),
        ("unread", ["account_id"], "read_at IS NULL"),
        ("digest_at", ["digest_at"], "digest_at IS NOT NULL"),
        ("digest", ["digest_id"], "digest_id IS NOT NULL"),
        ("lead", ["lead_id"], None),
        ("contact", ["contact_id"], None),
    ):
        op.create_index(
            f"ix_notifications_{name}",
            "notifications",
            ["organization_id", *columns],
            postgresql_where=None if where is None else sa.text(where),
        )
    op.create_table(
        "notification_preferences",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("ways", postgresql.JSONB(), nullable=False),
        sa.Column("muted", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("digest_hour", sa.BigInteger(), server_default=sa.text("8"), nullable=False),
        sa.Column("time_zone", sa.Text(), nullable=True),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        *_belonging("notification_preferences"),
        sa.PrimaryKeyConstraint("organization_id", "account_id", name=op.f("pk_notification_preferences")),
    )
    protect("notifications", "notification_preferences")


def downgrade() -> None:
    """Take it back."""
    op.drop_table("notification_preferences")
    op.drop_table("notifications")
