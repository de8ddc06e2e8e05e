"""Keep what an inviter calls somebody with the invitation, and when somebody signed in with each organisation."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision: str | None = "0002"


def upgrade() -> None:
    """Take the step."""
    op.add_column("invitations", sa.Column("first_name", sa.Text(), server_default=sa.text("''"), nullable=False))
    op.add_column("invitations", sa.Column("last_name", sa.Text(), nullable=True))
    op.add_column("invitations", sa.Column("phone", sa.Text(), nullable=True))
    op.add_column("memberships", sa.Column("last_login_at", sa.DateTime(timezone=True), nullable=True))
    op.execute(
        "UPDATE memberships m SET last_login_at = a.last_login_at FROM accounts a"
        " WHERE a.id = m.account_id AND a.last_organization_id = m.organization_id"
    )


def downgrade() -> None:
    """Take it back."""
    op.drop_column("memberships", "last_login_at")
    op.drop_column("invitations", "phone")
    op.drop_column("invitations", "last_name")
    op.drop_column("invitations", "first_name")
