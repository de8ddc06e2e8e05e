"""Work off one delivery: once-only effects, retries with backoff and jitter, parking, all kept in PostgreSQL."""

import asyncio
import random
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, get_type_hints
from uuid import UUID

import msgspec
import structlog
from dishka import AsyncContainer
from dramatiq.common import compute_backoff

from adapters.persistence.database import AlreadyDone, Cause, Database, Unavailable
from adapters.persistence.trouble import TAKES_NO_CHANGES, TROUBLE
from adapters.queue.patience import Patience
from adapters.tracing.spans import span
from application.ports import Actor
from domain.kernel import Email, Event, Phone

MOST_FAILURES = 8
MOST_STARTS = 25
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Subscription:
    """Say that `use_case.method` follows `event` (None: a schedule).

    `long` work keeps its own place in its own rows: its delivery is consumed when it ends, its lease is renewed
    while it runs, and it may be interrupted anywhere. Other work is consumed by its first committing unit of work.
    `given_up` names the method that is told (event, reason) before a delivery is parked.
    """

    name: str
    event: type[Event] | None
    use_case: type
    method: str
    queue: str = "default"
    lease_seconds: int = 30
    long: bool = False
    given_up: str | None = None


class Interrupted(Exception):
    """Say that long work was stopped where it stood, because its worker ends."""


def _decode(kind: type, value: Any) -> Any:
    return kind(value) if kind in (Phone, Email) else value


def event_of(kind: type[Event], row: Any) -> Event:
    """Rebuild an event from its row in the log."""
    values = {"subject": row["subject"], **msgspec.json.decode(row["data"])}
    if row["personal"] is not None:
        values.update(msgspec.json.decode(row["personal"]))
    hints = get_type_hints(kind)
    return kind(**{f.name: msgspec.convert(values[f.name], hints[f.name], dec_hook=_decode) for f in fields(kind)})


def _reason(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:500]


# What waits for longer than a lease is enqueued more than once: whoever comes while another is at it leaves it alone.
_START = """
UPDATE deliveries SET starts = starts + 1, due_at = clock_timestamp() + make_interval(secs => $2),
       leased_until = clock_timestamp() + make_interval(secs => $2)
WHERE id = $1 AND parked_at IS NULL AND (leased_until IS NULL OR leased_until <= clock_timestamp())
RETURNING organization_id, event_id, subscription, starts
"""
_FAIL = """
UPDATE deliveries SET failures = failures + 1, starts = 0, reason = $2, leased_until = NULL,
       due_at = clock_timestamp() + make_interval(secs => $3),
       parked_at = CASE WHEN failures + 1 >= $4 THEN clock_timestamp() END
WHERE id = $1 RETURNING failures, parked_at
"""
# Neither a failure nor a death of the worker: the attempt is as if it had not been.
_GIVE_BACK = """
UPDATE deliveries SET starts = greatest(starts - 1, 0), leased_until = NULL,
       due_at = clock_timestamp() + make_interval(secs => $2)
WHERE id = $1 AND parked_at IS NULL
"""
_PARK = "UPDATE deliveries SET parked_at = clock_timestamp(), leased_until = NULL, reason = $2 WHERE id = $1"
_RENEW = """
UPDATE deliveries SET due_at = clock_timestamp() + make_interval(secs => $2),
       leased_until = clock_timestamp() + make_interval(secs => $2)
WHERE id = $1
"""
_EVENT = "SELECT subject, data, personal, trace FROM events WHERE organization_id = $1 AND id = $2"


class Deliverer:
    """Run subscriptions inside a worker."""

    def __init__(self, database: Database, container: AsyncContainer, known: Mapping[str, Subscription]) -> None:
        self._database = database
        self._container = container
        self._known = known
        self._long: set[asyncio.Future[None]] = set()
        self._ending = False
        self._patience = Patience()

    @property
    def waits(self) -> bool:
        """Tell whether work waits for the database."""
        return self._patience.waits

    def end(self) -> None:
        """Take up nothing more and interrupt long work, which others go on with; short work runs to its end."""
        self._ending = True
        for work in self._long:
            work.cancel()

    async def deliver(self, delivery_id: UUID, lease_seconds: int = 30) -> None:
        """Work off one delivery; what fails is due again later, or parked with its reason.

        While the database is in trouble it waits, until that is over or the worker ends.
        """
        try:
            await self._deliver(delivery_id, lease_seconds)
        except TROUBLE as error:
            log.warning("delivery left to others", delivery_id=str(delivery_id), error=type(error).__name__)

    async def _deliver(self, delivery_id: UUID, lease_seconds: int) -> None:
        if self._ending:
            return  # due when the lease of its enqueueing ends
        owed = await self._write(_START, delivery_id, lease_seconds)
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
                reason = f"Started {MOST_STARTS} times without an end: the worker died each time."
                await self._give_up(subscription, owed["organization_id"], owed["event_id"], reason)
                await self._park(delivery_id, reason)
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
        except Interrupted:
            await self._give_back(delivery_id, 0)
            log.info("delivery given back")
            return
        except (Unavailable, TAKES_NO_CHANGES) as error:  # the house's own trouble is no fault of this work
            await self._give_back(delivery_id, random.uniform(1, 5))
            log.warning("delivery put off", error=str(error))
            return
        except Exception as error:  # whatever it was: it is written down, and due again
            failures = await self._failures(delivery_id)
            if failures + 1 >= MOST_FAILURES:
                await self._give_up(subscription, organization_id, event_id, _reason(error))
            await self._fail(delivery_id, error, failures)
            return
        await self._write("DELETE FROM deliveries WHERE id = $1", delivery_id)
        log.info("delivery done")

    async def _run(
        self, delivery_id: UUID, subscription: Subscription, organization_id: UUID, event_id: UUID | None
    ) -> None:
        arguments, trace = await self._read(subscription, organization_id, event_id)
        named = {"rapport__subscription": subscription.name, "rapport__organization_id": str(organization_id)}
        if event_id is not None:
            named["rapport__event_id"] = str(event_id)
        with span(f"deliver {subscription.name}", "consumer", parent=trace, **named):
            await self._do(delivery_id, subscription, organization_id, event_id, arguments)

    async def _do(
        self,
        delivery_id: UUID,
        subscription: Subscription,
        organization_id: UUID,
        event_id: UUID | None,
        arguments: tuple[Event, ...],
    ) -> None:
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
                await self._interruptible(asyncio.ensure_future(work))
            finally:
                beat.cancel()

    async def _interruptible(self, work: asyncio.Future[None]) -> None:
        self._long.add(work)
        if self._ending:
            work.cancel()
        try:
            await work
        except asyncio.CancelledError:
            if self._ending and work.cancelled():
                raise Interrupted from None
            raise
        finally:
            self._long.discard(work)

    async def _read(
        self, subscription: Subscription, organization_id: UUID, event_id: UUID | None
    ) -> tuple[tuple[Event, ...], str | None]:
        """Read what the effect is to be told, and the span that it followed from."""
        if subscription.event is None:
            return (), None
        async with self._database.connection() as connection, connection.transaction():
            await connection.execute("SELECT set_config('rapport.organization_id', $1, true)", str(organization_id))
            row = await connection.fetchrow(_EVENT, organization_id, event_id)
        return (event_of(subscription.event, row),), row["trace"]

    async def _give_up(
        self, subscription: Subscription, organization_id: UUID, event_id: UUID | None, reason: str
    ) -> None:
        """Tell those who watch the work; before it is parked, so that a death in between is made good."""
        if subscription.given_up is None:
            return
        try:
            arguments, _ = await self._read(subscription, organization_id, event_id)
            context = {Actor: Actor.system(organization_id), Cause: Cause(event_id=event_id)}
            async with self._container(context=context) as scope:
                use_case: Any = await scope.get(subscription.use_case)
                await getattr(use_case, subscription.given_up)(*arguments, reason)
        except Exception as error:  # the work is parked all the same
            log.warning("nobody could be told", error=type(error).__name__, exc_info=error)

    async def _renew(self, delivery_id: UUID, lease_seconds: int) -> None:
        while True:
            await self._write(_RENEW, delivery_id, lease_seconds)
            await asyncio.sleep(lease_seconds / 3)

    async def _write(self, statement: str, *arguments: Any) -> Any:
        """Change or read what is owed, and give the row of it that is asked for."""

        async def written() -> Any:
            async with self._database.connection() as connection:
                return await connection.fetchrow(statement, *arguments)

        return await self._patience.insist(written, lambda: self._ending)

    async def _give_back(self, delivery_id: UUID, seconds: float) -> None:
        await self._write(_GIVE_BACK, delivery_id, seconds)

    async def _failures(self, delivery_id: UUID) -> int:
        row = await self._write("SELECT failures FROM deliveries WHERE id = $1", delivery_id)
        return 0 if row is None else int(row["failures"])

    async def _fail(self, delivery_id: UUID, error: Exception, failures: int) -> None:
        _, wait_ms = compute_backoff(failures, factor=500, max_backoff=300_000)
        row = await self._write(_FAIL, delivery_id, _reason(error), wait_ms / 1000, MOST_FAILURES)
        parked = row is not None and row["parked_at"] is not None
        log.warning("delivery parked" if parked else "delivery failed", error=type(error).__name__, exc_info=error)

    async def _park(self, delivery_id: UUID, reason: str) -> None:
        await self._write(_PARK, delivery_id, reason)
        log.error("delivery parked", reason=reason)
