"""Remember who asked for a route, so that what one takes back stays for another."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision: str | None = "0015"


def upgrade() -> None:
    """Take the step."""
    op.add_column(
        "routes", sa.Column("sources", sa.ARRAY(sa.Text()), nullable=False, server_default=sa.text("'{settings}'"))
    )


def downgrade() -> None:
    """Take it back; what is routed stays."""
    op.drop_column("routes", "sources")
