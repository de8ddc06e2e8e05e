"""Remember since when an account of the whole installation serves nobody, of which no organisation is told."""

import sqlalchemy as sa
from alembic import op

from adapters.persistence.migrations.tenancy import APP, grant

revision = "0035"
down_revision: str | None = "0034"


def upgrade() -> None:
    """Take the step."""
    op.create_table(
        "installation_accounts",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("failing_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("noted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_installation_accounts")),
    )
    grant(APP, "SELECT, INSERT, UPDATE", "installation_accounts")
    op.execute("GRANT SELECT (name, failing_since) ON installation_accounts TO rapport_system")


def downgrade() -> None:
    """Take it back."""
    op.drop_table("installation_accounts")
