"""Count what happens by dataset and quarter of an hour, and keep how far each lead has come."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from alembic import op

from adapters.persistence.migrations.tenancy import protect

revision = "0027"
down_revision: str | None = "0026"
_TABLES = ("rollups", "touch_results", "lead_progress", "feed_places")


def _uuid(name: str, *, null: bool = False) -> sa.Column[UUID]:
    return sa.Column(name, sa.Uuid(), nullable=null)


def _time(name: str, *, null: bool = False) -> sa.Column[datetime]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=null)


def _texts(*names: str, null: bool = False) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text(), nullable=null) for name in names]


def _number(name: str, default: str | None = None) -> sa.Column[int]:
    return sa.Column(
        name, sa.BigInteger(), nullable=False, server_default=None if default is None else sa.text(default)
    )


def _of_organization(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["organization_id"], ["organizations.id"], name=op.f(f"fk_{table}_organization_id"), ondelete="CASCADE"
    )


def _of(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["organization_id", column],
        [f"{target}.organization_id", f"{target}.id"],
        name=op.f(f"fk_{table}_organization_id_{column}"),
        ondelete="CASCADE",
    )


def upgrade() -> None:
    """Take the step."""
    op.create_table(
        "rollups",
        _uuid("organization_id"),
        _uuid("id"),
        _uuid("dataset_id", null=True),
        _time("quarter"),
        *_texts("kind"),
        _number("count"),
        _of_organization("rollups"),
        _of("rollups", "dataset_id", "datasets"),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_rollups")),
        sa.UniqueConstraint(
            "organization_id",
            "quarter",
            "kind",
            "dataset_id",
            name=op.f("uq_rollups_organization_id_quarter_kind_dataset_id"),
            postgresql_nulls_not_distinct=True,
        ),
    )
    op.create_index("ix_rollups_dataset", "rollups", ["organization_id", "dataset_id"])
    op.create_table(
        "touch_results",
        _uuid("organization_id"),
        _uuid("campaign_id"),
        *_texts("touch", "variant", "what"),
        _number("count"),
        _of("touch_results", "campaign_id", "campaigns"),
        sa.PrimaryKeyConstraint(
            "organization_id", "campaign_id", "touch", "variant", "what", name=op.f("pk_touch_results")
        ),
    )
    op.create_table(
        "lead_progress",
        _uuid("organization_id"),
        _uuid("lead_id"),
        _uuid("dataset_id", null=True),
        _time("first_text_at", null=True),
        _number("texts", "0"),
        _uuid("campaign_id", null=True),
        *_texts("touch", "variant", null=True),
        sa.Column("marks", sa.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        _of_organization("lead_progress"),
        _of("lead_progress", "dataset_id", "datasets"),
        sa.PrimaryKeyConstraint("organization_id", "lead_id", name=op.f("pk_lead_progress")),
    )
    op.create_index("ix_lead_progress_dataset", "lead_progress", ["organization_id", "dataset_id"])
    op.create_table(
        "feed_places",
        _uuid("organization_id"),
        *_texts("reader"),
        _number("position"),
        _of_organization("feed_places"),
        sa.PrimaryKeyConstraint("organization_id", "reader", name=op.f("pk_feed_places")),
    )
    protect(*_TABLES)


def downgrade() -> None:
    """Take it back."""
    for table in reversed(_TABLES):
        op.drop_table(table)
