"""How an account at a provider did, written down by whoever used it: an organisation's own, or the installation's."""

from adapters.persistence.database import PostgresUnitOfWork

_NOTE = """
UPDATE integrations SET last_error = $3,
       last_used_at = CASE WHEN $3::text IS NULL THEN business_now() ELSE last_used_at END
WHERE organization_id = $1 AND provider = $2 AND (last_error IS DISTINCT FROM $3 OR $3::text IS NULL
  AND (last_used_at IS NULL OR last_used_at < business_now() - interval '1 minute')) RETURNING true
"""
# All organisations write this one row: who finds it written down lately leaves it alone, so that none waits for others.
_FAILS = """
INSERT INTO installation_accounts AS a (name, failing_since, noted_at, error)
SELECT $1, clock_timestamp(), clock_timestamp(), $2 WHERE NOT EXISTS (
  SELECT FROM installation_accounts WHERE name = $1 AND failing_since IS NOT NULL AND error = $2
    AND noted_at > clock_timestamp() - interval '10 seconds')
ON CONFLICT (name) DO UPDATE SET failing_since = coalesce(a.failing_since, excluded.failing_since),
  noted_at = excluded.noted_at, error = excluded.error
"""
_SERVES = "UPDATE installation_accounts SET failing_since = NULL WHERE name = $1 AND failing_since IS NOT NULL"


async def note(uow: PostgresUnitOfWork, provider: str, trouble: str | None) -> bool:
    """Write on the organisation's own that it serves, or why it does not; tells of a trouble that is new."""
    noted = await uow.connection.fetchval(_NOTE, uow.organization_id, provider, trouble)
    return bool(noted) and trouble is not None


async def note_installation(uow: PostgresUnitOfWork, name: str, trouble: str | None) -> None:
    """Write of the installation's that it serves, or why it does not: `rapport doctor` and the metrics tell."""
    if trouble is None:
        await uow.connection.execute(_SERVES, name)
    else:
        await uow.connection.execute(_FAILS, name, trouble)
