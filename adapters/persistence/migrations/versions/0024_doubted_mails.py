"""Remember since when a mail may have been taken, and when each is to be tried again."""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision: str | None = "0023"
# Planned with an account: it was found that handing it over again through that one makes no second mail.
_DOUBTED = """
UPDATE mails SET doubted_at = handed_at, state = CASE WHEN state = 'planned' THEN 'unknown' ELSE state END
WHERE (state = 'unknown' OR state = 'planned' AND account IS NOT NULL) AND handed_at IS NOT NULL
"""


def upgrade() -> None:
    """Take the step."""
    op.add_column("mails", sa.Column("doubted_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("mails", sa.Column("next_try_at", sa.DateTime(timezone=True), nullable=True))
    op.execute("ALTER TABLE mails NO FORCE ROW LEVEL SECURITY")
    op.execute(_DOUBTED)
    op.execute("ALTER TABLE mails FORCE ROW LEVEL SECURITY")


def downgrade() -> None:
    """Take it back."""
    op.drop_column("mails", "next_try_at")
    op.drop_column("mails", "doubted_at")
