"""Let people list mails, newest first, and those in one state."""

from alembic import op

revision = "0031"
down_revision: str | None = "0030"


def upgrade() -> None:
    """Take the step."""
    op.create_index(op.f("ix_mails_created"), "mails", ["organization_id", "created_at", "id"])
    op.create_index(op.f("ix_mails_state"), "mails", ["organization_id", "state", "created_at", "id"])


def downgrade() -> None:
    """Take it back."""
    op.drop_index(op.f("ix_mails_state"), table_name="mails")
    op.drop_index(op.f("ix_mails_created"), table_name="mails")
