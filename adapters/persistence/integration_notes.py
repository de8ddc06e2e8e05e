"""How an organisation's own integration did, written on it by whoever used it."""

from adapters.persistence.database import PostgresUnitOfWork

_NOTE = """
UPDATE integrations SET last_error = $3,
       last_used_at = CASE WHEN $3::text IS NULL THEN business_now() ELSE last_used_at END
WHERE organization_id = $1 AND provider = $2 AND (last_error IS DISTINCT FROM $3 OR $3::text IS NULL
  AND (last_used_at IS NULL OR last_used_at < business_now() - interval '1 minute')) RETURNING true
"""


async def note(uow: PostgresUnitOfWork, provider: str, trouble: str | None) -> bool:
    """Write that it serves, or why it does not; tells of a trouble that is new."""
    noted = await uow.connection.fetchval(_NOTE, uow.organization_id, provider, trouble)
    return bool(noted) and trouble is not None
