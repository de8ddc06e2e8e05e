"""Remember since when the answer to a conversation waits for a model that is away."""

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision: str | None = "0028"


def upgrade() -> None:
    """Take the step."""
    op.add_column("conversations", sa.Column("writer_away_since", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    """Take it back."""
    op.drop_column("conversations", "writer_away_since")
