"""Work off one delivery: once-only effects, retries with backoff and jitter, parking, all kept in PostgreSQL."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, get_type_hints
from uuid import UUID

import msgspec
import structlog
from dishka import AsyncContainer
from dramatiq.common import compute_backoff

from adapters.persistence.database import AlreadyDone, Cause, Database
from application.ports import Actor
from domain.kernel import Email, Event, Phone

MOST_FAILURES = 8
MOST_STARTS = 25
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Subscription:
    """Say that `use_case.method` follows `event` (None: a schedule).

    `long` work keeps its own place in its own rows: its delivery is consumed when it ends, its lease is renewed
    while it runs. Other work is consumed by its first committing unit of work.
    """

    name: str
    event: type[Event] | None
    use_case: type
    method: str
    queue: str = "default"
    lease_seconds: int = 30
    long: bool = False


def _decode(kind: type, value: Any) -> Any:
    return kind(value) if kind in (Phone, Email) else value


def event_of(kind: type[Event], row: Any) -> Event:
    """Rebuild an event from its row in the log."""
    values = {"subject": row["subject"], **msgspec.json.decode(row["data"])}
    if row["personal"] is not None:
        values.update(msgspec.json.decode(row["personal"]))
    hints = get_type_hints(kind)
    return kind(**{f.name: msgspec.convert(values[f.name], hints[f.name], dec_hook=_decode) for f in fields(kind)})


_START = """
UPDATE deliveries SET starts = starts + 1, due_at = clock_timestamp() + make_interval(secs => $2)
WHERE id = $1 AND parked_at IS NULL RETURNING organization_id, event_id, subscription, starts
"""
_FAIL = """
UPDATE deliveries SET failures = failures + 1, reason = $2, due_at = clock_timestamp() + make_interval(secs => $3),
       parked_at = CASE WHEN failures + 1 >= $4 THEN clock_timestamp() END
WHERE id = $1 RETURNING failures, parked_at
"""
_EVENT = "SELECT subject, data, personal FROM events WHERE organization_id = $1 AND id = $2"


class Deliverer:
    """Run subscriptions inside a worker."""

    def __init__(self, database: Database, container: AsyncContainer, known: Mapping[str, Subscription]) -> None:
        self._database = database
        self._container = container
        self._known = known

    async def deliver(self, delivery_id: UUID, lease_seconds: int = 30) -> None:
        """Work off one delivery; what fails is due again later, or parked with its reason."""
        async with self._database.connection() as connection:
            owed = await connection.fetchrow(_START, delivery_id, lease_seconds)
        if owed is None:
            return
        subscription = self._known.get(owed["subscription"])
        context = {
            "organization_id": str(owed["organization_id"]),
            "subscription": owed["subscription"],
            **({"event_id": str(owed["event_id"])} if owed["event_id"] else {}),
        }
        with structlog.contextvars.bound_contextvars(**context):
            if subscription is None:
                await self._park(delivery_id, "No such subscription in this version.")
            elif owed["starts"] > MOST_STARTS:
                await self._park(delivery_id, f"Started {MOST_STARTS} times without an end: the worker died each time.")
            else:
                await self._attempt(delivery_id, subscription, owed["organization_id"], owed["event_id"])

    async def _attempt(
        self, delivery_id: UUID, subscription: Subscription, organization_id: UUID, event_id: UUID | None
    ) -> None:
        try:
            async with asyncio.timeout(None if subscription.long else subscription.lease_seconds):
                await self._run(delivery_id, subscription, organization_id, event_id)
        except AlreadyDone:
            return
        except Exception as error:  # whatever it was: it is written down, and due again
            await self._fail(delivery_id, error)
            return
        async with self._database.connection() as connection:
            await connection.execute("DELETE FROM deliveries WHERE id = $1", delivery_id)
        log.info("delivery done")

    async def _run(
        self, delivery_id: UUID, subscription: Subscription, organization_id: UUID, event_id: UUID | None
    ) -> None:
        arguments: list[Event] = []
        if subscription.event is not None:
            async with self._database.connection() as connection, connection.transaction():
                await connection.execute("SELECT set_config('rapport.organization_id', $1, true)", str(organization_id))
                row = await connection.fetchrow(_EVENT, organization_id, event_id)
            arguments.append(event_of(subscription.event, row))
        cause = Cause(
            event_id=event_id,
            delivery_id=None if subscription.long else delivery_id,
            statement_timeout_ms=120_000 if subscription.long else 20_000,
        )
        context = {Actor: Actor.system(organization_id), Cause: cause}
        async with self._container(context=context) as scope:
            use_case: Any = await scope.get(subscription.use_case)
            work = getattr(use_case, subscription.method)(*arguments)
            if not subscription.long:
                await work
                return
            beat = asyncio.create_task(self._renew(delivery_id, subscription.lease_seconds))
            try:
                await work
            finally:
                beat.cancel()

    async def _renew(self, delivery_id: UUID, lease_seconds: int) -> None:
        while True:
            async with self._database.connection() as connection:
                await connection.execute(
                    "UPDATE deliveries SET due_at = clock_timestamp() + make_interval(secs => $2) WHERE id = $1",
                    delivery_id,
                    lease_seconds,
                )
            await asyncio.sleep(lease_seconds / 3)

    async def _fail(self, delivery_id: UUID, error: Exception) -> None:
        reason = f"{type(error).__name__}: {error}"[:500]
        async with self._database.connection() as connection:
            failures = await connection.fetchval("SELECT failures FROM deliveries WHERE id = $1", delivery_id)
            _, wait_ms = compute_backoff(failures or 0, factor=500, max_backoff=300_000)
            row = await connection.fetchrow(_FAIL, delivery_id, reason, wait_ms / 1000, MOST_FAILURES)
        parked = row is not None and row["parked_at"] is not None
        log.warning("delivery parked" if parked else "delivery failed", error=type(error).__name__, exc_info=error)

    async def _park(self, delivery_id: UUID, reason: str) -> None:
        async with self._database.connection() as connection:
            await connection.execute(
                "UPDATE deliveries SET parked_at = clock_timestamp(), reason = $2 WHERE id = $1", delivery_id, reason
            )
        log.error("delivery parked", reason=reason)
