"""Keep until when a worker is at a delivery, apart from when it is due."""

import sqlalchemy as sa
from alembic import op

revision = "0043"
down_revision: str | None = "0042"


def upgrade() -> None:
    """Take the step; a column that may be null rewrites nothing."""
    op.add_column("deliveries", sa.Column("leased_until", sa.DateTime(timezone=True)))


def downgrade() -> None:
    """Take it back."""
    op.drop_column("deliveries", "leased_until")
