"""Keep when the installation was restored, and how old the backup was: what was sent in between is asked about."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision: str | None = "0009"


def upgrade() -> None:
    """Take the step."""
    op.add_column("installation", sa.Column("backed_up_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("installation", sa.Column("restored_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    """Take it back."""
    op.drop_column("installation", "restored_at")
    op.drop_column("installation", "backed_up_at")
