"""Count what followed a lesson by conversation, where it was counted by message."""

from alembic import op

revision = "0038"
down_revision: str | None = "0037"
_KINDS = ("replied", "positive", "booked", "opted_out")
_ANEW = """
UPDATE lesson_figures f SET {sets} FROM (
  SELECT organization_id, lesson, {counts} FROM replies, unnest(lessons) AS lesson
  WHERE measured_at IS NOT NULL GROUP BY organization_id, lesson
) c WHERE c.organization_id = f.organization_id AND c.lesson = f.lesson_id
"""


def upgrade() -> None:
    """Take the step."""
    _count("count(DISTINCT conversation_id)")


def downgrade() -> None:
    """Take it back."""
    _count("count(*)")


def _count(what: str) -> None:
    for table in ("lesson_figures", "replies"):
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
    op.execute(
        _ANEW.format(
            sets=", ".join(f"{kind} = c.{kind}" for kind in _KINDS),
            counts=", ".join(f"{what} FILTER (WHERE {kind}) AS {kind}" for kind in _KINDS),
        )
    )
    for table in ("lesson_figures", "replies"):
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
