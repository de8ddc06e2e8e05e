"""Let a closed organisation's rows be erased: also those that are append-only for as long as it is open."""

from alembic import op

from adapters.persistence.migrations.tenancy import APP

revision = "0011"
down_revision: str | None = "0010"

# The application's role deletes from these where its organisation is closed, and nowhere else.
_CLOSED = (
    "organization_id = (SELECT o.id FROM organizations o WHERE o.deleted_at IS NOT NULL"
    " AND o.organization_id = nullif(current_setting('rapport.organization_id', true), '')::uuid)"
)
# Who was closed before erasures came has thirty days from now. The owner is under row-level security where forced.
_SCHEDULE = (
    "ALTER TABLE organizations NO FORCE ROW LEVEL SECURITY",
    "INSERT INTO schedules (name, organization_id, next_due_at)"
    " SELECT 'organization_erasure.when_due', id, business_now() + interval '30 days'"
    " FROM organizations WHERE deleted_at IS NOT NULL",
    "ALTER TABLE organizations FORCE ROW LEVEL SECURITY",
)


def upgrade() -> None:
    """Take the step."""
    for table in ("events", "feed"):
        op.execute(f"CREATE POLICY erase ON {table} AS RESTRICTIVE FOR DELETE TO {APP} USING ({_CLOSED})")
    op.execute(f"CREATE POLICY erase ON inbound FOR DELETE TO {APP} USING ({_CLOSED})")
    op.execute(f"GRANT DELETE ON events, feed, inbound, schedules, outbox TO {APP}")
    op.execute(f"GRANT SELECT (organization_id) ON outbox TO {APP}")
    for statement in _SCHEDULE:
        op.execute(statement)


def downgrade() -> None:
    """Take it back; what is closed stays."""
    op.execute("DELETE FROM schedules WHERE name = 'organization_erasure.when_due'")
    op.execute(f"REVOKE SELECT (organization_id) ON outbox FROM {APP}")  # noqa: S608
    op.execute(f"REVOKE DELETE ON events, feed, inbound, schedules, outbox FROM {APP}")
    for table in ("events", "feed", "inbound"):
        op.execute(f"DROP POLICY erase ON {table}")
