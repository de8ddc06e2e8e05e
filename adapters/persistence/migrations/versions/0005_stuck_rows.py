"""Let the system's role count ledger rows whose lease has ended: state and lease, no content."""

from alembic import op

from adapters.persistence.migrations.tenancy import SYSTEM

revision = "0005"
down_revision: str | None = "0004"


def upgrade() -> None:
    """Take the step."""
    op.execute(f"GRANT SELECT (organization_id, state, lease_until) ON sends TO {SYSTEM}")
    op.execute(f"CREATE POLICY watch ON sends FOR SELECT TO {SYSTEM} USING (true)")


def downgrade() -> None:
    """Take it back."""
    op.execute("DROP POLICY watch ON sends")
    op.execute(f"REVOKE SELECT (organization_id, state, lease_until) ON sends FROM {SYSTEM}")  # noqa: S608
