"""Keep what the AI has still to answer, why a person has to, and every call of the writer with its cost."""

import sqlalchemy as sa
from alembic import op

from adapters.persistence.migrations.tenancy import protect

revision = "0014"
down_revision: str | None = "0013"


def upgrade() -> None:
    """Take the step."""
    op.add_column("conversations", sa.Column("answer_due_at", sa.DateTime(timezone=True)))
    op.add_column("conversations", sa.Column("unanswered_id", sa.Uuid()))
    op.add_column(
        "conversations", sa.Column("answer_failures", sa.BigInteger(), nullable=False, server_default=sa.text("0"))
    )
    op.add_column("conversations", sa.Column("attention", sa.Text()))
    op.create_index(
        "ix_conversations_answer_due",
        "conversations",
        ["organization_id", "answer_due_at"],
        postgresql_where=sa.text("answer_due_at IS NOT NULL"),
    )
    op.create_table(
        "replies",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("conversation_id", sa.Uuid(), nullable=False),
        sa.Column("lead_id", sa.Uuid()),
        sa.Column("answers_id", sa.Uuid()),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("text", sa.Text()),
        sa.Column("confidence", sa.Float()),
        sa.Column("reasoning", sa.Text()),
        sa.Column("lessons", sa.ARRAY(sa.Uuid()), nullable=False),
        sa.Column("sentiment", sa.Text()),
        sa.Column("intent", sa.Text()),
        sa.Column("slot", sa.Text()),
        sa.Column("breaches", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("prompt_version", sa.Text(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("input_tokens", sa.BigInteger(), nullable=False),
        sa.Column("output_tokens", sa.BigInteger(), nullable=False),
        sa.Column("cached_tokens", sa.BigInteger(), nullable=False),
        sa.Column("cost_micros", sa.BigInteger(), nullable=False),
        sa.Column("latency_ms", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "status IN ('draft', 'sent', 'superseded', 'unfit', 'failed')", name=op.f("ck_replies_status")
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "conversation_id"],
            ["conversations.organization_id", "conversations.id"],
            name=op.f("fk_replies_organization_id_conversation_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_replies")),
    )
    op.create_index("ix_replies_conversation", "replies", ["organization_id", "conversation_id", "created_at"])
    op.create_index("ix_replies_created", "replies", ["organization_id", "created_at"])
    protect("replies")


def downgrade() -> None:
    """Take it back; what the AI wrote is lost, what was sent stays among the messages."""
    op.drop_table("replies")
    op.drop_index("ix_conversations_answer_due", "conversations")
    for column in ("attention", "answer_failures", "unanswered_id", "answer_due_at"):
        op.drop_column("conversations", column)
