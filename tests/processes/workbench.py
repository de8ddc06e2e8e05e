"""A use case and an event of the tests' own, delivered by the house's real relay, deliverer and schedules."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

import msgspec
import redis.asyncio as redis
from dishka import AsyncContainer, Provider, Scope, provide
from dramatiq.brokers.redis import RedisBroker

from adapters.persistence.database import Cause, Database, PostgresUnitOfWork
from adapters.queue.deliver import Deliverer, Subscription
from adapters.queue.relay import Relay, Route
from adapters.queue.schedules import PostgresAgenda, Schedules
from application.ports import Actor, effect
from domain.kernel import Event, Phone, new_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Rang(Event):
    """Say that somebody rang the bell."""

    type: ClassVar[str] = "test.rang"
    personal: ClassVar[frozenset[str]] = frozenset({"who"})
    who: Phone | None = None
    at: datetime | None = None
    doors: tuple[UUID, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened(Event):
    """Say that the door was opened."""

    type: ClassVar[str] = "test.opened"


@dataclass
class Script:
    """Say what the effect is to do: fail, or wait inside its unit of work."""

    failures: list[Exception] = field(default_factory=list)
    seen: list[Rang] = field(default_factory=list)
    heard: list[Rang] = field(default_factory=list)
    laments: list[tuple[Rang, str]] = field(default_factory=list)
    inside: asyncio.Event = field(default_factory=asyncio.Event)
    go_on: asyncio.Event | None = None

    async def play(self) -> None:
        """Do it."""
        self.inside.set()
        if self.go_on is not None:
            await self.go_on.wait()
        if self.failures:
            raise self.failures.pop(0)


@dataclass(frozen=True)
class Door:
    """Open once for each ring: a row in `jobs` is the effect that must not double."""

    uow: PostgresUnitOfWork
    script: Script

    @effect
    async def open(self, event: Rang) -> None:
        """Write a row, then play the script, then commit."""
        self.script.seen.append(event)
        async with self.uow:
            await write(self.uow)
            self.uow.publish(Opened(subject=event.subject))
            await self.script.play()

    @effect
    async def listen(self, event: Rang) -> None:
        """Follow the same event a second time."""
        async with self.uow:
            self.script.heard.append(event)
            await write(self.uow)

    @effect
    async def lament(self, event: Rang, reason: str) -> None:
        """Be told that a ring was given up."""
        self.script.laments.append((event, reason))

    @effect
    async def tick(self) -> None:
        """Be what a schedule calls, in two units of work."""
        async with self.uow:
            await write(self.uow)
        await self.script.play()
        async with self.uow:
            await write(self.uow)


OPEN = Subscription("door.open", Rang, Door, "open", lease_seconds=2, given_up="lament")
LISTEN = Subscription("door.listen", Rang, Door, "listen", queue="replies")
TICK = Subscription("door.tick", None, Door, "tick", queue="campaigns", lease_seconds=1, long=True)
KNOWN = {s.name: s for s in (OPEN, LISTEN, TICK)}


async def write(uow: PostgresUnitOfWork, due_at: datetime | None = None) -> None:
    """Write one row of effect, due at a time where that matters."""
    await uow.connection.execute(
        "INSERT INTO jobs (organization_id, id, kind, created_at) VALUES ($1, $2, 'test', coalesce($3, now()))",
        uow.organization_id,
        new_id(),
        due_at,
    )


class Carpentry(Provider):
    """Bind the door; one script for all that a container opens."""

    door = provide(Door, scope=Scope.REQUEST)

    @provide(scope=Scope.APP)
    def script(self) -> Script:
        """Make the script."""
        return Script()


@dataclass
class Bench:
    """Be one organisation with everything that delivers, as the house runs it."""

    organization_id: UUID
    house: AsyncContainer
    database: Database
    system: Database
    broker: RedisBroker
    wires: redis.Redis
    script: Script

    def relay(self, broker: RedisBroker | None = None) -> Relay:
        """Make a relay."""
        routes = {Rang.type: [Route(s.name, s.queue, s.lease_seconds) for s in (OPEN, LISTEN)]}
        return Relay(self.system, broker or self.broker, routes)

    def schedules(self) -> Schedules:
        """Make a scheduler."""
        return Schedules(self.system, self.broker, {TICK.name: Route(TICK.name, TICK.queue, TICK.lease_seconds)})

    def deliverer(self) -> Deliverer:
        """Make what a worker runs."""
        return Deliverer(self.database, self.house, KNOWN)

    @asynccontextmanager
    async def uow(self) -> AsyncIterator[PostgresUnitOfWork]:
        """Open a scope and give its unit of work."""
        async with self.house(context={Actor: Actor.system(self.organization_id), Cause: Cause()}) as scope:
            yield await scope.get(PostgresUnitOfWork)

    @asynccontextmanager
    async def agenda(self) -> AsyncIterator[tuple[PostgresUnitOfWork, PostgresAgenda]]:
        """Open a scope and give its unit of work and agenda."""
        async with self.house(context={Actor: Actor.system(self.organization_id), Cause: Cause()}) as scope:
            yield await scope.get(PostgresUnitOfWork), await scope.get(PostgresAgenda)

    async def ring(self, *events: Event) -> None:
        """Publish events in one unit of work."""
        async with self.uow() as uow, uow:
            uow.publish(*(events or (Rang(subject=new_id()),)))

    async def ask(self, statement: str, *parameters: Any) -> Sequence[Any]:
        """Read rows of this organisation (`$1`)."""
        async with self.database.connection() as connection, connection.transaction():
            await connection.execute(
                "SELECT set_config('rapport.organization_id', $1, true)", str(self.organization_id)
            )
            return list(await connection.fetch(statement, self.organization_id, *parameters))

    async def effects(self) -> int:
        """Count the rows of effect."""
        return len(await self.ask("SELECT FROM jobs WHERE organization_id = $1"))

    async def owed(self, subscription: Subscription | None = None) -> list[Any]:
        """Read this organisation's deliveries, of one subscription or of all."""
        found = await self.ask("SELECT * FROM deliveries WHERE organization_id = $1 ORDER BY id")
        return [row for row in found if subscription is None or row["subscription"] == subscription.name]

    async def one_owed(self) -> UUID:
        """Ring once and let that be owed; gives the delivery to whoever opens."""
        await self.ring()
        await self.relay().run_once()
        [row] = await self.owed(OPEN)
        return UUID(str(row["id"]))

    async def set_due(self, delivery_id: UUID, seconds: float) -> None:
        """Let a delivery, with whose worker it is over, be due so many seconds from now."""
        async with self.system.connection() as connection:
            await connection.execute(
                "UPDATE deliveries SET leased_until = NULL, due_at = clock_timestamp() + make_interval(secs => $2)"
                " WHERE id = $1",
                delivery_id,
                seconds,
            )

    async def queued(self, queue: str) -> list[UUID]:
        """Read the delivery ids that the broker holds."""
        found = await self.wires.hvals(f"dramatiq:{queue}.msgs")
        return [UUID(msgspec.json.decode(message)["args"][0]) for message in found]
