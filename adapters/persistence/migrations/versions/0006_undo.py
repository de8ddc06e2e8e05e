"""Let imports be undone and shown row by row, and datasets be removed batch by batch."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision: str | None = "0005"

_OUTCOMES = "ALTER TABLE import_rows ADD CONSTRAINT ck_import_rows_outcome CHECK (outcome IN ({words}))"
# The owner is under row-level security too where it is forced, and sees nothing.
_NAME_JOBS = (
    "ALTER TABLE imports NO FORCE ROW LEVEL SECURITY",
    "ALTER TABLE jobs NO FORCE ROW LEVEL SECURITY",
    "UPDATE imports SET job_id = jobs.id FROM jobs WHERE jobs.organization_id = imports.organization_id"
    " AND jobs.subject = imports.id AND jobs.kind = 'import'",
    "ALTER TABLE jobs FORCE ROW LEVEL SECURITY",
    "ALTER TABLE imports FORCE ROW LEVEL SECURITY",
)
_COUNTS = ("removed_leads", "removed_contacts", "cancelled_texts", "kept_leads")


def upgrade() -> None:
    """Take the step."""
    op.add_column("datasets", sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("imports", sa.Column("job_id", sa.Uuid(), nullable=True))
    op.add_column("imports", sa.Column("undo_job_id", sa.Uuid(), nullable=True))
    op.add_column("imports", sa.Column("undo_below", sa.BigInteger(), nullable=True))
    for name in _COUNTS:
        op.add_column("imports", sa.Column(name, sa.BigInteger(), server_default=sa.text("0"), nullable=False))
    op.add_column("import_rows", sa.Column("ineligible", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    op.add_column("import_rows", sa.Column("contact_id", sa.Uuid(), nullable=True))
    op.drop_constraint(op.f("ck_import_rows_outcome"), "import_rows")
    op.execute(_OUTCOMES.format(words="'created', 'duplicate', 'failed', 'undone'"))
    for statement in _NAME_JOBS:
        op.execute(statement)


def downgrade() -> None:
    """Take it back; rows whose lead was removed are forgotten."""
    op.execute("ALTER TABLE import_rows NO FORCE ROW LEVEL SECURITY")
    op.execute("DELETE FROM import_rows WHERE outcome = 'undone'")
    op.execute("ALTER TABLE import_rows FORCE ROW LEVEL SECURITY")
    op.drop_constraint(op.f("ck_import_rows_outcome"), "import_rows")
    op.execute(_OUTCOMES.format(words="'created', 'duplicate', 'failed'"))
    op.drop_column("import_rows", "contact_id")
    op.drop_column("import_rows", "ineligible")
    for name in reversed(_COUNTS):
        op.drop_column("imports", name)
    op.drop_column("imports", "undo_below")
    op.drop_column("imports", "undo_job_id")
    op.drop_column("imports", "job_id")
    op.drop_column("datasets", "deleted_at")
