"""What is due when, in business time; claimed and advanced in one transaction, so any number of schedulers may run."""

from collections.abc import Mapping
from datetime import datetime

import dramatiq

from adapters.persistence.database import Database, PostgresUnitOfWork
from adapters.queue.relay import Route, enqueue

BATCH = 500

_CLAIM = """
WITH due AS (
  SELECT name, organization_id FROM schedules WHERE next_due_at <= business_now() AND name = ANY ($2)
  ORDER BY next_due_at LIMIT $1 FOR UPDATE SKIP LOCKED
), claimed AS (
  UPDATE schedules s SET next_due_at = NULL FROM due
  WHERE s.name = due.name AND s.organization_id = due.organization_id
  RETURNING s.name, s.organization_id
)
INSERT INTO deliveries (id, organization_id, subscription, queue, due_at)
SELECT uuidv7(), c.organization_id, c.name, r.queue, clock_timestamp() + make_interval(secs => r.lease)
FROM claimed c JOIN unnest($2::text[], $3::text[], $4::int[]) AS r(name, queue, lease) ON r.name = c.name
RETURNING id, queue
"""


class Schedules:
    """Turn due schedules into deliveries; whoever is called sets the schedule to what is due next."""

    def __init__(self, database: Database, broker: dramatiq.Broker, known: Mapping[str, Route]) -> None:
        self._database = database
        self._broker = broker
        self._known = known

    async def tick(self) -> int:
        """Claim and enqueue all that is due now; gives how many."""
        total = 0
        names = list(self._known)
        while True:
            async with self._database.connection() as connection:
                owed = await connection.fetch(
                    _CLAIM,
                    BATCH,
                    names,
                    [self._known[n].queue for n in names],
                    [self._known[n].lease_seconds for n in names],
                )
            total += await enqueue(self._broker, [(row["id"], row["queue"]) for row in owed])
            if len(owed) < BATCH:
                return total


class PostgresAgenda:
    """Set an organisation's schedules from within a unit of work: `Agenda` of the application."""

    def __init__(self, uow: PostgresUnitOfWork) -> None:
        self._uow = uow

    async def lock(self, name: str) -> None:
        """Keep others from setting this schedule until the unit of work ends."""
        await self._uow.connection.execute(
            "INSERT INTO schedules (name, organization_id) VALUES ($1, $2) ON CONFLICT DO NOTHING",
            name,
            self._uow.organization_id,
        )
        await self._uow.connection.execute(
            "SELECT 1 FROM schedules WHERE name = $1 AND organization_id = $2 FOR UPDATE",
            name,
            self._uow.organization_id,
        )

    async def no_later_than(self, name: str, at: datetime) -> None:
        """Bring a schedule forward to `at`, never back."""
        await self._uow.connection.execute(
            "INSERT INTO schedules (name, organization_id, next_due_at) VALUES ($1, $2, $3)"
            " ON CONFLICT (name, organization_id) DO UPDATE SET next_due_at ="
            " least(coalesce(schedules.next_due_at, excluded.next_due_at), excluded.next_due_at)",
            name,
            self._uow.organization_id,
            at,
        )
        self._uow.wake_after_commit()

    async def clear(self, name: str) -> None:
        """Let nothing be due on a schedule."""
        await self._uow.connection.execute(
            "UPDATE schedules SET next_due_at = NULL WHERE name = $1 AND organization_id = $2",
            name,
            self._uow.organization_id,
        )
