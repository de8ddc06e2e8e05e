"""Look for what is misspelt no longer than a search may take, however common its letters are."""

from alembic import op

from adapters.persistence.migrations.tenancy import APP

revision = "0042"
down_revision: str | None = "0041"

# A slip whose keys are common (the letters of a mail domain) reads everybody who has them, so the time is looked at after
# each.
_MISSPELT = """
CREATE FUNCTION misspelt_contacts(organization uuid, slips text[], most bigint, milliseconds integer)
RETURNS SETOF uuid
LANGUAGE plpgsql STABLE ROWS 1000
SET search_path = pg_catalog, public AS $$
DECLARE
  ends timestamptz := clock_timestamp() + make_interval(secs => milliseconds / 1000.0);
  slip text;
BEGIN
  FOREACH slip IN ARRAY slips LOOP
    RETURN QUERY SELECT id FROM search_contacts(organization, string_to_array(slip, E'\\n'), most) AS id;
    EXIT WHEN clock_timestamp() >= ends;
  END LOOP;
END $$
"""


def upgrade() -> None:
    """Take the step."""
    op.execute(_MISSPELT)
    op.execute("REVOKE ALL ON FUNCTION misspelt_contacts(uuid, text[], bigint, integer) FROM PUBLIC")
    op.execute(f"GRANT EXECUTE ON FUNCTION misspelt_contacts(uuid, text[], bigint, integer) TO {APP}")


def downgrade() -> None:
    """Take it back."""
    op.execute("DROP FUNCTION misspelt_contacts(uuid, text[], bigint, integer)")
