"""Remember when the person who holds a conversation was last told of a text."""

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision: str | None = "0029"


def upgrade() -> None:
    """Take the step."""
    op.add_column("conversations", sa.Column("person_told_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    """Take it back."""
    op.drop_column("conversations", "person_told_at")
