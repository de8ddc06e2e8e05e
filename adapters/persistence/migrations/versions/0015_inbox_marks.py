"""Remember up to when each account has listed what came in, however long ago that was."""

import sqlalchemy as sa
from alembic import op

from adapters.persistence.migrations.tenancy import protect

revision = "0015"
down_revision: str | None = "0014"


def upgrade() -> None:
    """Take the step."""
    op.create_table(
        "inbox_marks",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("listed_until", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_inbox_marks_organization_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("organization_id", "account", name=op.f("pk_inbox_marks")),
    )
    protect("inbox_marks")


def downgrade() -> None:
    """Take it back; each account is then asked for a day once more."""
    op.drop_table("inbox_marks")
