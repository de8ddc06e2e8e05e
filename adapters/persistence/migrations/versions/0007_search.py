"""Search contacts by what lies within names, addresses and numbers, as fast for a small organisation among large ones."""

import sqlalchemy as sa
from alembic import op

from adapters.persistence.migrations.tenancy import APP

revision = "0007"
down_revision: str | None = "0006"

# What is looked through: the name both ways, the e-mail address and the number's digits, in lower case, without
# accents. `adapters/persistence/search_terms.py` writes what is looked for the same way.
_TEXT = """
CREATE FUNCTION contact_search_text(first_name text, last_name text, email text, phone text) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
  said text := ' ' || coalesce(first_name, '') || ' ' || coalesce(last_name, '') || ' ' || coalesce(first_name, '')
    || E' \\n ' || coalesce(email, '') || E' \\n ' || coalesce(ltrim(phone, '+'), '') || ' ';
BEGIN
  IF octet_length(said) = length(said) THEN
    RETURN lower(said COLLATE "pg_c_utf8");
  END IF;
  RETURN replace(translate(lower(regexp_replace(normalize(said, NFKD), '[\\u0300-\\u036f]', '', 'g')
    COLLATE "pg_c_utf8"), 'øłđðħıς', 'olddhiσ'), 'ß', 'ss');
END $$
"""
# A key is a trigram and its organisation, so that nobody's search walks through other organisations' rows.
_KEYS = """
CREATE FUNCTION contact_search_keys(organization_id uuid, search text) RETURNS bigint[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
  RETURN ARRAY(
    SELECT hashtextextended(gram, uuid_hash_extended(organization_id, 0))
    FROM unnest(public.show_trgm(search)) AS gram WHERE left(gram, 2) <> '  ');
END $$
"""
# Of a pattern, the trigrams that every text has that it matches: those that stay where letters are put around it.
_PATTERN_KEYS = """
CREATE FUNCTION search_pattern_keys(organization_id uuid, patterns text[]) RETURNS bigint[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
  RETURN ARRAY(
    SELECT DISTINCT hashtextextended(gram, uuid_hash_extended(organization_id, 0))
    FROM unnest(patterns) AS pattern,
      regexp_split_to_table(pattern, '[%_]') AS part,
      LATERAL (SELECT CASE WHEN part !~ '^q|q$' THEN 'q' WHEN part !~ '^z|z$' THEN 'z' ELSE 'x' END) AS around(letter),
      LATERAL (SELECT unnest(public.show_trgm(part))
               INTERSECT SELECT unnest(public.show_trgm(letter || part || letter))) AS kept(gram)
    WHERE left(gram, 2) <> '  ');
END $$
"""
# Trigrams are not leakproof: under row-level security they may use no index, so this looks as the tables' owner.
_SEARCH = """
CREATE FUNCTION search_contacts(organization uuid, patterns text[], most bigint) RETURNS SETOF uuid
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
    RETURN QUERY SELECT id FROM contacts
      WHERE contact_search_keys(organization_id, search) @> keys
        AND organization_id IS NOT DISTINCT FROM organization AND search LIKE ALL (patterns)
      LIMIT most;
  END IF;
END $$
"""


def upgrade() -> None:
    """Take the step."""
    op.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    op.execute(_TEXT)
    op.execute(_KEYS)
    op.execute(_PATTERN_KEYS)
    op.add_column(
        "contacts",
        sa.Column(
            "search",
            sa.Text(),
            sa.Computed("contact_search_text(first_name, last_name, email, phone)", persisted=True),
            nullable=False,
        ),
    )
    # A search reads what waits to be put in order, too: a thousand contacts' keys at most.
    op.execute(
        "CREATE INDEX ix_contacts_search ON contacts USING gin (contact_search_keys(organization_id, search))"
        " WITH (gin_pending_list_limit = 1024)"
    )
    # No plan depends on how common a key is; finding out would slow every ANALYZE.
    op.execute("ALTER INDEX ix_contacts_search ALTER COLUMN 1 SET STATISTICS 0")
    op.execute("CREATE POLICY search ON contacts FOR SELECT TO CURRENT_USER USING (true)")
    op.execute(_SEARCH)
    op.execute("REVOKE ALL ON FUNCTION search_contacts(uuid, text[], bigint) FROM PUBLIC")
    op.execute(f"GRANT EXECUTE ON FUNCTION search_contacts(uuid, text[], bigint) TO {APP}")


def downgrade() -> None:
    """Take it back."""
    op.execute("DROP FUNCTION search_contacts(uuid, text[], bigint)")
    op.execute("DROP POLICY search ON contacts")
    op.drop_index("ix_contacts_search", table_name="contacts")
    op.drop_column("contacts", "search")
    op.execute("DROP FUNCTION search_pattern_keys(uuid, text[])")
    op.execute("DROP FUNCTION contact_search_keys(uuid, text)")
    op.execute("DROP FUNCTION contact_search_text(text, text, text, text)")
