"""Keep since when people let the version be told that a hold-out is told still."""

import sqlalchemy as sa
from alembic import op

revision = "0040"
down_revision: str | None = "0039"


def upgrade() -> None:
    """Take the step; of trials from before it is when their old version was made."""
    op.add_column("canaries", sa.Column("baseline_since", sa.DateTime(timezone=True)))


def downgrade() -> None:
    """Take it back."""
    op.drop_column("canaries", "baseline_since")
