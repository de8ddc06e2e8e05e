"""Count by phase what came of a trial, those conversations among it that a version left to people."""

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision: str | None = "0031"
# When a trial with a hold-out ended was written over when the hold-out did: such a one stays one sum.
_CLOSED = "UPDATE canaries SET closed_at = ended_at WHERE NOT is_open"
_ALL_AT_ONCE = "UPDATE canaries SET ended_at = started_at WHERE is_open AND share = 100"


def upgrade() -> None:
    """Take the step."""
    op.add_column("replies", sa.Column("handed_over", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    _let_count("(status = 'sent' OR handed_over) AND NOT settled")
    op.add_column("canaries", sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True))
    op.execute("ALTER TABLE canaries NO FORCE ROW LEVEL SECURITY")
    op.execute(_CLOSED)
    op.execute(_ALL_AT_ONCE)
    op.execute("ALTER TABLE canaries FORCE ROW LEVEL SECURITY")


def downgrade() -> None:
    """Take it back."""
    op.execute("ALTER TABLE canaries NO FORCE ROW LEVEL SECURITY")
    op.execute("UPDATE canaries SET ended_at = closed_at WHERE closed_at IS NOT NULL")
    op.execute("ALTER TABLE canaries FORCE ROW LEVEL SECURITY")
    op.drop_column("canaries", "closed_at")
    _let_count("status = 'sent' AND NOT settled")
    op.drop_column("replies", "handed_over")


def _let_count(which: str) -> None:
    op.drop_index("ix_replies_unsettled", table_name="replies")
    op.create_index(
        "ix_replies_unsettled", "replies", ["organization_id", "created_at"], postgresql_where=sa.text(which)
    )
