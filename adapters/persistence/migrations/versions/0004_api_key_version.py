"""Give API keys a version, by which two people's changes are told apart."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision: str | None = "0003"


def upgrade() -> None:
    """Take the step."""
    op.add_column("api_keys", sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False))


def downgrade() -> None:
    """Take it back."""
    op.drop_column("api_keys", "version")
