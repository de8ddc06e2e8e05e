"""Count in how many conversations a lesson succeeded, where messages of one were taken for independent."""

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision: str | None = "0032"
_ANEW = """
UPDATE lesson_figures f SET {sets} FROM (
  SELECT organization_id, lesson, count(DISTINCT conversation_id) AS conversations,
         count(DISTINCT conversation_id) FILTER (WHERE positive OR booked) AS conversations_succeeded,
         count(*) FILTER (WHERE positive OR booked) AS messages_succeeded
  FROM replies, unnest(lessons) AS lesson WHERE measured_at IS NOT NULL GROUP BY organization_id, lesson
) c WHERE c.organization_id = f.organization_id AND c.lesson = f.lesson_id
"""


def upgrade() -> None:
    """Take the step."""
    op.add_column(
        "lesson_figures", sa.Column("conversations", sa.BigInteger(), server_default=sa.text("0"), nullable=False)
    )
    _count("conversations = c.conversations, succeeded = c.conversations_succeeded")


def downgrade() -> None:
    """Take it back."""
    _count("succeeded = c.messages_succeeded")
    op.drop_column("lesson_figures", "conversations")


def _count(sets: str) -> None:
    for table in ("lesson_figures", "replies"):
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
    op.execute(_ANEW.format(sets=sets))
    for table in ("lesson_figures", "replies"):
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
