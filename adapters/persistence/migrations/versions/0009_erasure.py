"""Let people's data be taken away: a sealed key for the hashes of their addresses, and raw notices that can be emptied."""

import sqlalchemy as sa
from alembic import op

from adapters.persistence.migrations.tenancy import APP, ORGANIZATION, protect

revision = "0009"
down_revision: str | None = "0008"


def upgrade() -> None:
    """Take the step."""
    op.create_table(
        "sealed_keys",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
            name=op.f("fk_sealed_keys_organization_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("organization_id", "purpose", name=op.f("pk_sealed_keys")),
    )
    protect("sealed_keys")
    own = f"organization_id = {ORGANIZATION}"
    op.execute(f"CREATE POLICY empty ON inbound FOR UPDATE TO {APP} USING ({own}) WITH CHECK ({own})")
    op.execute(f"GRANT UPDATE (payload) ON inbound TO {APP}")


def downgrade() -> None:
    """Take it back; who was erased stays suppressed by hashes that nobody can compare any more."""
    op.execute(f"REVOKE UPDATE (payload) ON inbound FROM {APP}")
    op.execute("DROP POLICY empty ON inbound")
    op.drop_table("sealed_keys")
