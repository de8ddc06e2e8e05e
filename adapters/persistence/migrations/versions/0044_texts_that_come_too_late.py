"""Keep until when a text is of use, where it is not for ever."""

import sqlalchemy as sa
from alembic import op

revision = "0044"
down_revision: str | None = "0043"


def upgrade() -> None:
    """Take the step; a column that may be null rewrites nothing."""
    op.add_column("sends", sa.Column("useful_until", sa.DateTime(timezone=True)))


def downgrade() -> None:
    """Take it back."""
    op.drop_column("sends", "useful_until")
