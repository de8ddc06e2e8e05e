"""An organisation whose time can be moved: its due work is done in order, by the worker's own code."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from adapters.persistence.database import Database
from adapters.queue.deliver import Deliverer
from adapters.queue.relay import Relay
from application.messaging.inbound import IncomingText, Notice, ProviderNotices
from domain.kernel import new_id
from entrypoints.subscriptions import SUBSCRIPTIONS
from tests.application.conftest import Tenant

LONDON = ZoneInfo("Europe/London")
NUMBER = "+442079460001"


@dataclass(frozen=True, slots=True)
class Sent:
    """Hold what somebody got: which touch or kind of message, and when."""

    to: str
    kind: str
    at: datetime


@dataclass
class Office:
    """Work one organisation through time; leads are known by first name."""

    tenant: Tenant
    system: Database
    relay: Relay
    deliverer: Deliverer
    sent: list[tuple[str, str, datetime]] = field(default_factory=list)
    phones: dict[str, str] = field(default_factory=dict)
    leads: dict[str, UUID] = field(default_factory=dict)
    dataset_id: UUID | None = None

    async def now(self) -> datetime:
        """Tell business time."""
        at: datetime = await self.tenant.value("SELECT business_now() WHERE $1::uuid IS NOT NULL")
        return at.astimezone(UTC)

    async def set_clock(self, at: datetime) -> None:
        """Set business time, for everybody in this database."""
        async with self.tenant.database.connection() as connection:
            await connection.execute(
                "INSERT INTO sandbox_clock (id, ahead) VALUES (1, $1 - clock_timestamp())"
                " ON CONFLICT (id) DO UPDATE SET ahead = excluded.ahead",
                at,
            )

    async def live_until(self, end: datetime) -> None:
        """Move time on from one due thing to the next, doing each, until `end`."""
        while True:
            await self.work_off()
            due = await self.tenant.value("SELECT min(next_due_at) FROM schedules WHERE organization_id = $1")
            if due is None or due > end:
                break
            # A millisecond too late is in time; a clock set to the very instant might be read just before it.
            await self.set_clock(max(due, await self.now()) + timedelta(milliseconds=1))
        await self.set_clock(end)

    async def work_off(self) -> None:
        """Do what is due now and what follows from it."""
        while await self._events() or await self._schedules():
            pass

    async def _events(self) -> bool:
        await self.relay.run_once()
        async with self.system.connection() as connection:
            owed = await connection.fetch(
                "SELECT id FROM deliveries WHERE organization_id = $1 AND parked_at IS NULL ORDER BY id",
                self.tenant.organization_id,
            )
        for row in owed:
            await self.deliverer.deliver(UUID(str(row["id"])))
        return bool(owed)

    async def _schedules(self) -> bool:
        """Do what the scheduler does, for this organisation alone: others' work stays where it is."""
        async with self.system.connection() as connection, connection.transaction():
            due = await connection.fetch(
                "UPDATE schedules SET next_due_at = NULL WHERE organization_id = $1 AND next_due_at <= business_now()"
                " RETURNING name",
                self.tenant.organization_id,
            )
            for row in due:
                await connection.execute(
                    "INSERT INTO deliveries (id, organization_id, subscription, queue, due_at)"
                    " VALUES ($1, $2, $3, $4, clock_timestamp())",
                    new_id(),
                    self.tenant.organization_id,
                    row["name"],
                    SUBSCRIPTIONS[row["name"]].queue,
                )
        return bool(due)

    async def arrive(self, name: str, words: str) -> None:
        """Let somebody write to us, and let that be worked off."""
        external_id = new_id().hex
        text = IncomingText(
            notice=Notice(provider="sandbox", account="", external_id=external_id, kind="text", payload={}),
            sender=self.phones[name],
            recipient=NUMBER,
            body=words,
            media=(),
            at=await self.now(),
        )
        async with self.tenant.use(ProviderNotices, self.tenant.system()) as notices:
            await notices.texts([text])
        await self.work_off()

    async def got(self, name: str) -> list[Sent]:
        """List what somebody got, in order."""
        return [
            Sent(to, await self._kind(key), at.astimezone(LONDON))
            for to, key, at in self.sent
            if to == self.phones[name]
        ]

    async def _kind(self, key: str) -> str:
        category: str = await self.tenant.value(
            "SELECT category FROM messages WHERE organization_id = $1 AND id = $2", UUID(key)
        )
        return category

    async def status(self, name: str) -> str:
        """Tell somebody's contact status."""
        found: str = await self.tenant.value(
            "SELECT contact_status FROM leads WHERE organization_id = $1 AND id = $2", self.leads[name]
        )
        return found
