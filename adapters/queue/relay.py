"""From outbox to deliveries to the broker, and the sweep that stands behind it."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import dramatiq
import structlog

from adapters.persistence.database import Database
from adapters.queue.broker import AWAY, message
from domain.kernel import new_id

BATCH = 500
BATCHES_IN_TURN = 20  # then it sweeps, and whoever runs it may want to end: a busy house always has more
STAMPER = 0x5261_7070  # one relay at a time gives positions, so that their order is the order of visibility
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Route:
    """Say which subscription follows an event, on which queue, and after how long the sweep asks again."""

    subscription: str
    queue: str
    lease_seconds: int


_TAKE = """
DELETE FROM outbox WHERE id IN (SELECT id FROM outbox ORDER BY id LIMIT $1)
RETURNING id, organization_id, event_id, type, clock_timestamp() - at AS lag
"""
_STAMP = """
INSERT INTO feed (organization_id, position, event_id, type)
SELECT e.organization_id, nextval('feed_position'), e.event_id, e.type
FROM unnest($1::uuid[], $2::uuid[], $3::text[]) WITH ORDINALITY AS e(organization_id, event_id, type, n) ORDER BY n
"""
_OWE = """
INSERT INTO deliveries (id, organization_id, event_id, subscription, queue, due_at)
SELECT d.id, d.organization_id, d.event_id, d.subscription, d.queue,
       clock_timestamp() + make_interval(secs => d.lease)
FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::int[])
     AS d(id, organization_id, event_id, subscription, queue, lease)
ON CONFLICT (event_id, subscription) DO NOTHING RETURNING id, queue
"""
# What is gathered is due some seconds later, so that many events are taken together.
_BESPEAK = """
INSERT INTO schedules (name, organization_id, next_due_at)
SELECT g.name, g.organization_id, business_now() + interval '3 seconds'
FROM unnest($1::text[], $2::uuid[]) AS g(name, organization_id) ORDER BY g.name, g.organization_id
ON CONFLICT (name, organization_id) DO UPDATE
SET next_due_at = least(coalesce(schedules.next_due_at, excluded.next_due_at), excluded.next_due_at)
"""
_SWEEP = """
UPDATE deliveries SET due_at = clock_timestamp() + interval '20 seconds'
WHERE id IN (SELECT id FROM deliveries WHERE due_at <= clock_timestamp() AND parked_at IS NULL
             ORDER BY due_at LIMIT $1 FOR UPDATE SKIP LOCKED)
RETURNING id, queue
"""


class Relay:
    """Move events from the outbox to those who follow them; any number of relays may run.

    `gathered` names, for types of events that are worked off many at a time, the schedule that does so.
    """

    def __init__(
        self,
        database: Database,
        broker: dramatiq.Broker,
        routes: Mapping[str, Sequence[Route]],
        fed: Callable[[], None] = lambda: None,
        gathered: Mapping[str, str] | None = None,
    ) -> None:
        self._database = database
        self._broker = broker
        self._routes = routes
        self._fed = fed
        self._gathered = gathered or {}
        self.lag_seconds = 0.0
        self.has_more = False

    async def run_once(self) -> int:
        """Relay what waits, up to some batches, and sweep what is overdue; gives the number of deliveries enqueued."""
        enqueued = 0
        for _ in range(BATCHES_IN_TURN):
            moved = await self._relay()
            self.has_more = moved is not None
            if moved is None:
                break
            self._fed()
            enqueued += await self._enqueue(moved)
        async with self._database.connection() as connection:
            overdue = await connection.fetch(_SWEEP, BATCH)
        return enqueued + await self._enqueue(overdue)

    async def _relay(self) -> list[Any] | None:
        async with self._database.connection() as connection, connection.transaction():
            if not await connection.fetchval("SELECT pg_try_advisory_xact_lock($1)", STAMPER):
                return None
            taken = sorted(await connection.fetch(_TAKE, BATCH), key=lambda row: int(row["id"]))
            if not taken:
                self.lag_seconds = 0.0
                return None
            self.lag_seconds = max(row["lag"].total_seconds() for row in taken)
            await connection.execute(
                _STAMP, *([row[n] for row in taken] for n in ("organization_id", "event_id", "type"))
            )
            due = sorted(
                {(self._gathered[r["type"]], r["organization_id"]) for r in taken if r["type"] in self._gathered}
            )
            if due:
                await connection.execute(_BESPEAK, [name for name, _ in due], [tenant for _, tenant in due])
            owed = [(row, route) for row in taken for route in self._routes.get(row["type"], ())]
            if not owed:
                return []
            return list(
                await connection.fetch(
                    _OWE,
                    [new_id() for _ in owed],
                    [row["organization_id"] for row, _ in owed],
                    [row["event_id"] for row, _ in owed],
                    [route.subscription for _, route in owed],
                    [route.queue for _, route in owed],
                    [route.lease_seconds for _, route in owed],
                )
            )

    async def _enqueue(self, rows: Sequence[Any]) -> int:
        return await enqueue(self._broker, [(row["id"], row["queue"]) for row in rows])


async def enqueue(broker: dramatiq.Broker, owed: Sequence[tuple[UUID, str]]) -> int:
    """Hand delivery ids to the broker; when it is away the sweep does so later."""

    def hand_over() -> int:
        for delivery_id, queue in owed:
            broker.enqueue(message(delivery_id, queue))
        return len(owed)

    if not owed:
        return 0
    try:
        return await asyncio.to_thread(hand_over)
    except AWAY as error:
        log.warning("broker away, the sweep will enqueue", error=type(error).__name__, deliveries=len(owed))
        return 0
