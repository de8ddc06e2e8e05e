"""A thread with a lead, a writer that says what it is told to, and the steps from an arrived text to what is sent."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from adapters.ai.sandbox import SandboxReplyWriter
from adapters.queue.deliver import event_of
from application.messaging.call_promises import CallPromises
from application.messaging.conversations import Conversations
from application.messaging.replies import Replies
from application.messaging.reply_writing import Booked, WritingTask, Written
from application.messaging.sending import Sending
from application.model_calls import Usage
from application.provider import ProviderError
from domain.kernel import new_id
from domain.messaging.message import TextArrived
from domain.messaging.reply import AnswerDue, Intent, Proposal, Sentiment, SlotAccepted
from domain.messaging.reply_facts import Slot
from tests.application.conftest import Tenant

NUMBER = "+442079460001"
USAGE = Usage(model="test", input_tokens=100, output_tokens=20, cost_micros=1500, latency_ms=3)


def said(text: str, **other: Any) -> Written:
    """Make a proposal that is sure of itself."""
    values: dict[str, Any] = {
        "confidence": 0.9,
        "reasoning": "because",
        "sentiment": Sentiment.NEUTRAL,
        "intent": Intent.OTHER,
    } | other
    return Written(Proposal(text=text, **values), USAGE)


@dataclass
class ToldWriter:
    """Be a writer that says what lies ready, in order, and by rules when nothing does."""

    ready: list[Written | ProviderError] = field(default_factory=list)
    tasks: list[WritingTask] = field(default_factory=list)
    meanwhile: Callable[[], Awaitable[None]] | None = None
    barrier: asyncio.Barrier | None = None
    under_way: int = 0
    most_at_once: int = 0

    async def write(self, task: WritingTask) -> Written:
        """Say the next thing, once all are at the barrier, if there is one."""
        self.under_way += 1
        self.most_at_once = max(self.most_at_once, self.under_way)
        try:
            if self.barrier is not None:
                await self.barrier.wait()
            return await self._say(task)
        finally:
            self.under_way -= 1

    async def _say(self, task: WritingTask) -> Written:
        self.tasks.append(task)
        meanwhile, self.meanwhile = self.meanwhile, None
        if meanwhile is not None:
            await meanwhile()
        if not self.ready:
            return await SandboxReplyWriter().write(task)
        told = self.ready.pop(0)
        if isinstance(told, ProviderError):
            raise told
        return told


@dataclass
class ToldSlots:
    """Be a calendar that offers what it is told."""

    slots: Sequence[Slot] = ()

    async def offered(
        self, lead_id: UUID, at: datetime, zone: str, language: str | None, said: Sequence[str]
    ) -> Sequence[Slot]:
        """Offer it."""
        del lead_id, at, zone, language, said
        return self.slots


@dataclass
class ToldCalls:
    """Be a calendar that books what it is told to."""

    answer: Booked = Booked.YES
    booked: list[datetime] = field(default_factory=list)
    meanwhile: Callable[[], Awaitable[None]] | None = None
    seconds: float = 0.0

    async def book(self, lead_id: UUID, start: datetime, key: str) -> Booked:
        """Book it, or not."""
        del lead_id, key
        meanwhile, self.meanwhile = self.meanwhile, None
        if meanwhile is not None:
            await meanwhile()
        await asyncio.sleep(random.random() * self.seconds)
        if self.answer is Booked.YES:
            self.booked.append(start)
        return self.answer


@dataclass
class Thread:
    """Be one lead's thread in one organisation."""

    tenant: Tenant
    writer: ToldWriter
    slots: ToldSlots
    calls: ToldCalls
    phone: str
    lead_id: UUID

    async def live_at(self, hour: int) -> None:
        """Let every contact live where it is about that hour."""
        async with self.tenant.sql() as connection:
            now: datetime = await connection.fetchval("SELECT business_now()")
            behind = (now.hour - hour + 12) % 24 - 12
            await connection.execute(
                "UPDATE contacts SET zones = ARRAY[$2::text] WHERE organization_id = $1",
                self.tenant.organization_id,
                f"Etc/GMT{behind:+d}" if behind else "Etc/GMT",
            )

    async def arrive(self, body: str) -> UUID:
        """Let the lead write."""
        arrived = TextArrived(
            subject=new_id(),
            provider="sandbox",
            external_id=new_id().hex,
            sender=self.phone,
            recipient=NUMBER,
            body=body,
            media=(),
            at=await self.tenant.value("SELECT business_now() WHERE $1::uuid IS NOT NULL"),
        )
        async with self.tenant.use(Conversations, self.tenant.system()) as conversations:
            await conversations.receive(arrived)
        return arrived.subject

    async def id(self) -> UUID:
        """Name the thread."""
        found: UUID = await self.tenant.value(
            "SELECT id FROM conversations WHERE organization_id = $1 AND address = $2", self.phone
        )
        return found

    async def answer(self) -> None:
        """Let the AI answer now."""
        async with self.tenant.use(Replies, self.tenant.system()) as replies:
            await replies.answer(AnswerDue(subject=await self.id()))

    async def book(self) -> None:
        """Book what was taken last, as the subscription does."""
        event = await self.taken()
        async with self.tenant.use(CallPromises, self.tenant.system()) as promises:
            await promises.book(event)

    async def taken(self) -> SlotAccepted:
        """Give what was taken last."""
        async with self.tenant.sql() as connection:
            row = await connection.fetchrow(
                "SELECT subject, data, personal FROM events WHERE organization_id = $1"
                " AND type = 'conversation.slot_accepted' AND subject = $2 ORDER BY id DESC LIMIT 1",
                self.tenant.organization_id,
                await self.id(),
            )
        event = event_of(SlotAccepted, row)
        assert isinstance(event, SlotAccepted)
        return event

    async def hand_over(self) -> list[str]:
        """Hand over what is planned; gives what this lead got so far."""
        async with self.tenant.use(Sending, self.tenant.system()) as sending:
            await sending.send_due()
        return self.got()

    def got(self) -> list[str]:
        """List what this lead got."""
        organization = self.tenant.organization_id
        return [t.body for t in self.tenant.texting.taken if t.to == self.phone and t.organization_id == organization]

    async def take_slot(self, slot: Slot) -> None:
        """Be offered a slot and take it, as far as that it is to be booked."""
        self.slots.slots = [slot]
        await self.arrive("Yes please, call me")
        await self.answer()
        await self.hand_over()
        # Another's sending may have it in hand: the lead answers what is there.
        for _ in range(1000):
            if not await self.tenant.value(
                "SELECT count(*) FROM sends WHERE organization_id = $1 AND recipient = $2 AND state <> 'accepted'",
                self.phone,
            ):
                break
            await asyncio.sleep(0.01)
        await self.arrive("Yes that's good")
        await self.answer()

    async def row(self) -> dict[str, Any]:
        """Read the thread's row."""
        async with self.tenant.sql() as connection:
            found = await connection.fetchrow(
                "SELECT c.*, l.contact_status, l.sentiment AS lead_sentiment FROM conversations c"
                " LEFT JOIN leads l ON l.organization_id = $1 AND l.id = c.lead_id"
                " WHERE c.organization_id = $1 AND c.address = $2",
                self.tenant.organization_id,
                self.phone,
            )
        return dict(found.items())

    async def written(self) -> list[dict[str, Any]]:
        """List every call of the writer that was kept."""
        async with self.tenant.sql() as connection:
            rows = await connection.fetch(
                "SELECT * FROM replies WHERE organization_id = $1 AND conversation_id = $2 ORDER BY id",
                self.tenant.organization_id,
                await self.id(),
            )
        return [dict(row.items()) for row in rows]

    async def events(self, kind: str) -> int:
        """Count events of a kind."""
        count: int = await self.tenant.value(
            "SELECT count(*) FROM events WHERE organization_id = $1 AND type = $2", kind
        )
        return count

    async def setting(self, **settings: Any) -> None:
        """Set free settings of the organisation."""
        await self.tenant.execute(
            "UPDATE organizations SET settings = settings || $2::jsonb WHERE organization_id = $1",
            msgspec.json.encode(settings).decode(),
        )
