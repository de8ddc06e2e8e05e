"""Keep which cases an evaluation went on without."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0041"
down_revision: str | None = "0040"


def upgrade() -> None:
    """Take the step; adding a column with a constant default rewrites nothing."""
    op.add_column("evaluations", sa.Column("left_out", JSONB(), nullable=False, server_default=sa.text("'{}'")))


def downgrade() -> None:
    """Take it back."""
    op.drop_column("evaluations", "left_out")
