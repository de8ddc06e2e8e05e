"""Remember what a text left from, by which it is told from others' at the same provider."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision: str | None = "0018"


def upgrade() -> None:
    """Take the step; of what was handed over before nobody knows it."""
    op.add_column("sends", sa.Column("left_from", sa.Text(), nullable=True))


def downgrade() -> None:
    """Take it back."""
    op.drop_column("sends", "left_from")
