"""Keep in whose calendar a call was booked, and as what."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision: str | None = "0016"


def upgrade() -> None:
    """Take the step."""
    op.add_column("bookings", sa.Column("account_owner", sa.Text(), nullable=True))
    op.add_column("bookings", sa.Column("event_type_id", sa.BigInteger(), nullable=True))
    op.create_check_constraint(
        op.f("ck_bookings_account_owner"), "bookings", "account_owner IN ('organization', 'installation')"
    )


def downgrade() -> None:
    """Take it back."""
    op.drop_column("bookings", "event_type_id")
    op.drop_column("bookings", "account_owner")
