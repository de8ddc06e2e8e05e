"""Keep with an event the span that it came from, for those who record spans."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision: str | None = "0007"


def upgrade() -> None:
    """Take the step."""
    op.add_column("events", sa.Column("trace", sa.Text(), nullable=True))


def downgrade() -> None:
    """Take it back."""
    op.drop_column("events", "trace")
