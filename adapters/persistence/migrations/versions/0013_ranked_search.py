"""Let a search know the rank and the name of what it finds without reading each contact a second time."""

from alembic import op

from adapters.persistence.migrations.tenancy import APP

revision = "0013"
down_revision: str | None = "0012"

# As `search_contacts` (0007), which stays for misspelt names: as the tables' owner, for the transaction's own
# organisation only. The beginning of a word comes before its middle, words apart last.
_RANKED = """
CREATE FUNCTION ranked_contacts(organization uuid, patterns text[], phrase text, most bigint)
RETURNS TABLE (id uuid, rank integer, name text)
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 1000
SET search_path = pg_catalog, public
SET enable_seqscan = off SET enable_indexscan = off SET enable_indexonlyscan = off
SET plan_cache_mode = force_generic_plan AS $$
DECLARE
  keys bigint[] := search_pattern_keys(organization, patterns);
BEGIN
  IF organization IS DISTINCT FROM nullif(current_setting('rapport.organization_id', true), '')::uuid THEN
    RAISE EXCEPTION 'Only the organisation of the transaction can be searched.' USING ERRCODE = '42501';
  END IF;
  IF cardinality(keys) > 0 THEN
    RETURN QUERY SELECT c.id,
        CASE WHEN strpos(c.search, ' ' || phrase) > 0 THEN 3 WHEN strpos(c.search, phrase) > 0 THEN 4 ELSE 5 END,
        c.name_key
      FROM contacts c
      WHERE contact_search_keys(c.organization_id, c.search) @> keys
        AND c.organization_id IS NOT DISTINCT FROM organization AND c.search LIKE ALL (patterns)
      LIMIT most;
  END IF;
END $$
"""


def upgrade() -> None:
    """Take the step."""
    op.execute(_RANKED)
    op.execute("REVOKE ALL ON FUNCTION ranked_contacts(uuid, text[], text, bigint) FROM PUBLIC")
    op.execute(f"GRANT EXECUTE ON FUNCTION ranked_contacts(uuid, text[], text, bigint) TO {APP}")


def downgrade() -> None:
    """Take it back."""
    op.execute("DROP FUNCTION ranked_contacts(uuid, text[], text, bigint)")
