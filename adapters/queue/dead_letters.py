"""Deliveries that failed for good: looked at and given back by whoever runs the installation, as the system's role."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import dramatiq

from adapters.persistence.database import Database
from adapters.queue.relay import enqueue


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """Hold one parked delivery; times are machine time."""

    id: UUID
    subscription: str
    organization_id: UUID
    event_id: UUID | None
    queue: str
    created_at: datetime
    parked_at: datetime
    starts: int
    failures: int
    reason: str


_READ = """
SELECT id, subscription, organization_id, event_id, queue, created_at, parked_at, starts, failures,
       coalesce(reason, '') AS reason
FROM deliveries WHERE parked_at IS NOT NULL AND ($1::uuid IS NULL OR id = $1) ORDER BY parked_at DESC LIMIT $2
"""
_REPLAY = """
UPDATE deliveries SET parked_at = NULL, starts = 0, failures = 0, due_at = clock_timestamp() + interval '30 seconds'
WHERE parked_at IS NOT NULL AND ($1::uuid[] IS NULL OR id = ANY ($1)) RETURNING id, queue
"""


class DeadLetters:
    """Read and replay what is parked."""

    def __init__(self, database: Database, broker: dramatiq.Broker) -> None:
        self._database = database
        self._broker = broker

    async def latest(self, limit: int) -> list[DeadLetter]:
        """List what is parked, newest first."""
        return await self._read(None, limit)

    async def get(self, identifier: UUID) -> DeadLetter | None:
        """Find one, or None when it is not parked (any more)."""
        return next(iter(await self._read(identifier, 1)), None)

    async def _read(self, identifier: UUID | None, limit: int) -> list[DeadLetter]:
        async with self._database.connection() as connection:
            return [DeadLetter(**dict(row.items())) for row in await connection.fetch(_READ, identifier, limit)]

    async def replay(self, identifiers: Sequence[UUID] | None) -> int:
        """Give these (None: all) back to the queue with all attempts before them; tells how many were parked."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(_REPLAY, identifiers)
        await enqueue(self._broker, [(row["id"], row["queue"]) for row in rows])
        return len(rows)
