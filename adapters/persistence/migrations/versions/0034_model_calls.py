"""Count what models cost beside answers and reviews, so that the day's budget holds for all of it."""

import sqlalchemy as sa
from alembic import op

from adapters.persistence.migrations.tenancy import protect

revision = "0034"
down_revision: str | None = "0033"
_PURPOSES = "purpose IN ('evaluation', 'preview', 'lesson_check', 'patterns')"


def upgrade() -> None:
    """Take the step."""
    op.create_table(
        "model_calls",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("cost_micros", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(_PURPOSES, name=op.f("ck_model_calls_purpose")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_model_calls_organization_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_model_calls")),
    )
    op.create_index("ix_model_calls_created", "model_calls", ["organization_id", "created_at"])
    protect("model_calls")


def downgrade() -> None:
    """Take it back."""
    op.drop_table("model_calls")
