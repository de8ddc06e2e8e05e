"""Keep what patterns cost with all other calls alone: `model_calls` has held it since 0034, and nobody read it here."""

import sqlalchemy as sa
from alembic import op

revision = "0038"
down_revision: str | None = "0037"


def upgrade() -> None:
    """Take the step."""
    op.drop_column("patterns", "cost_micros")


def downgrade() -> None:
    """Take it back."""
    op.add_column("patterns", sa.Column("cost_micros", sa.BigInteger(), server_default=sa.text("0"), nullable=False))
