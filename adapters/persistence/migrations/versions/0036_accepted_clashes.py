"""Remember who decided for a lesson against which other one."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0036"
down_revision: str | None = "0035"
_TABLES = ("lessons", "platform_lessons")


def upgrade() -> None:
    """Take the step."""
    for table in _TABLES:
        op.add_column(
            table,
            sa.Column("accepted_clashes", postgresql.JSONB(), server_default=sa.text("'[]'"), nullable=False),
        )


def downgrade() -> None:
    """Take it back."""
    for table in _TABLES:
        op.drop_column(table, "accepted_clashes")
