"""What the system's role does now and then: old answers go, next months' partitions come."""

from adapters.persistence.database import Database

_MONTHS = """
SELECT make_event_partition((date_trunc('month', now()) + make_interval(months => n))::date)
FROM generate_series(0, 3) AS n
"""


async def keep_house(database: Database) -> None:
    """Forget answers to keyed requests after 24 hours and make the event log's partitions for three months ahead."""
    async with database.connection() as connection:
        await connection.execute("DELETE FROM idempotency WHERE created_at < clock_timestamp() - interval '24 hours'")
        await connection.execute(_MONTHS)
