"""Keep the texts of touches that the AI writes, and for what each message of its was written."""

import sqlalchemy as sa
from alembic import op

from adapters.persistence.migrations.tenancy import protect

revision = "0037"
down_revision: str | None = "0036"
_PURPOSES = "'evaluation', 'preview', 'lesson_check', 'patterns'"
_NUMBERS = ("input_tokens", "output_tokens", "cached_tokens", "cost_micros", "latency_ms")


def upgrade() -> None:
    """Take the step; adding a column with a constant default rewrites nothing."""
    op.create_table(
        "touch_texts",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("campaign_id", sa.Uuid(), nullable=False),
        sa.Column("lead_id", sa.Uuid(), nullable=False),
        sa.Column("touch", sa.Text(), nullable=False),
        sa.Column("variant", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text()),
        sa.Column("text", sa.Text()),
        sa.Column("confidence", sa.Float()),
        sa.Column("reasoning", sa.Text()),
        sa.Column("lessons", sa.ARRAY(sa.Uuid()), nullable=False, server_default=sa.text("'{}'")),
        sa.Column("breaches", sa.ARRAY(sa.Text()), nullable=False, server_default=sa.text("'{}'")),
        sa.Column("prompt_version", sa.Text()),
        sa.Column("model", sa.Text()),
        *(sa.Column(name, sa.BigInteger(), nullable=False, server_default=sa.text("0")) for name in _NUMBERS),
        *(sa.Column(name, sa.DateTime(timezone=True), nullable=False) for name in ("requested_at", "due_at")),
        *(sa.Column(name, sa.DateTime(timezone=True)) for name in ("lease_until", "away_since", "written_at")),
        sa.CheckConstraint("touch IN ('M1', 'M2', 'M3')", name=op.f("ck_touch_texts_touch")),
        sa.CheckConstraint(
            "status IN ('due', 'written', 'fell_back', 'withdrawn')", name=op.f("ck_touch_texts_status")
        ),
        *(
            sa.ForeignKeyConstraint(
                ["organization_id", column],
                [f"{target}.organization_id", f"{target}.id"],
                name=op.f(f"fk_touch_texts_organization_id_{column}"),
                ondelete="CASCADE",
            )
            for column, target in (("campaign_id", "campaigns"), ("lead_id", "leads"))
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_touch_texts")),
        sa.UniqueConstraint(
            "organization_id",
            "campaign_id",
            "lead_id",
            "touch",
            name=op.f("uq_touch_texts_organization_id_campaign_id_lead_id_touch"),
        ),
    )
    op.create_index(
        "ix_touch_texts_due",
        "touch_texts",
        ["organization_id", "due_at"],
        postgresql_where=sa.text("status = 'due'"),
    )
    op.create_index("ix_touch_texts_lead", "touch_texts", ["organization_id", "lead_id"])
    protect("touch_texts")
    op.add_column("replies", sa.Column("prompt_type", sa.Text(), nullable=False, server_default=sa.text("'reply'")))
    op.create_check_constraint(op.f("ck_replies_prompt_type"), "replies", "prompt_type IN ('m1', 'm2', 'm3', 'reply')")

    _let_be_spent_on(f"{_PURPOSES}, 'touch'")


def _let_be_spent_on(purposes: str) -> None:
    op.drop_constraint(op.f("ck_model_calls_purpose"), "model_calls")
    op.create_check_constraint(op.f("ck_model_calls_purpose"), "model_calls", f"purpose IN ({purposes})")


def downgrade() -> None:
    """Take it back; touches that were written remain among the AI's messages, as answers, and what they cost is lost."""
    op.execute("ALTER TABLE model_calls NO FORCE ROW LEVEL SECURITY")
    op.execute("DELETE FROM model_calls WHERE purpose = 'touch'")
    op.execute("ALTER TABLE model_calls FORCE ROW LEVEL SECURITY")
    _let_be_spent_on(_PURPOSES)
    op.drop_constraint(op.f("ck_replies_prompt_type"), "replies")
    op.drop_column("replies", "prompt_type")
    op.drop_table("touch_texts")
