"""What a migration calls to put a table under tenancy; the two roles must exist (`docs/operating.md`)."""

from alembic import op

APP = "rapport_app"
SYSTEM = "rapport_system"
ORGANIZATION = "(SELECT nullif(current_setting('rapport.organization_id', true), '')::uuid)"


def protect(*tables: str, rights: str = "SELECT, INSERT, UPDATE, DELETE") -> None:
    """Let the application's role see its own organisation's rows of these tables, and no others."""
    for table in tables:
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(
            f"CREATE POLICY own_organization ON {table} TO {APP}"
            f" USING (organization_id = {ORGANIZATION}) WITH CHECK (organization_id = {ORGANIZATION})"
        )
        grant(APP, rights, table)


def grant(role: str, rights: str, *tables: str) -> None:
    """Grant rights on tables that stand outside tenancy."""
    for table in tables:
        op.execute(f"GRANT {rights} ON {table} TO {role}")
