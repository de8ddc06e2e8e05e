"""Threads in the database, a reviewer that says what it is told, and the steps of a review."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from adapters.ai.sandbox_reviewer import SandboxReviewer
from application.coaching.reviewing import Review, ReviewTask
from application.coaching.reviews import Reviews
from application.provider import ProviderError
from domain.coaching.finding import Author
from domain.coaching.review import ReviewDue
from domain.kernel import new_id
from tests.application.conftest import Tenant

NO_OPT_OUT = "Hi Ada, is the bay window still of interest?"
OPENING = f"{NO_OPT_OUT} Reply STOP to opt out."
_CATEGORY = {"lead": "reply", "ai": "ai_response", "person": "human_manual", "campaign": "m1"}
_PURPOSE = {"ai": "reply", "person": "manual", "campaign": "campaign"}
_THREAD = """
INSERT INTO conversations (organization_id, id, contact_id, lead_id, channel, address, started_at, last_message_at)
SELECT $1, $2, contact_id, id, 'sms', phone, business_now(), business_now() FROM leads
WHERE organization_id = $1 AND id = $3
"""
_MESSAGE = """
INSERT INTO messages (organization_id, id, conversation_id, contact_id, lead_id, channel, direction, category, status,
  body, sender, recipient, created_at)
SELECT $1, $2, id, contact_id, lead_id, channel, $4, $5, $6, $7, '', address, clock_timestamp()
FROM conversations WHERE organization_id = $1 AND id = $3
"""
_SEND = """
INSERT INTO sends (organization_id, id, natural_key, purpose, channel, state, lead_id, contact_id, conversation_id,
  recipient, sender, due_at, verdict, reasons, created_at)
SELECT $1, $2, $4, $5, channel, 'accepted', lead_id, contact_id, id, address, '', now(), 'allow', '[]', now()
FROM conversations WHERE organization_id = $1 AND id = $3
"""


@dataclass
class ToldReviewer:
    """Be a reviewer that says what lies ready, in order, and by rules when nothing does."""

    ready: list[Review | ProviderError] = field(default_factory=list)
    tasks: list[ReviewTask] = field(default_factory=list)
    meanwhile: Callable[[], Awaitable[None]] | None = None

    async def review(self, task: ReviewTask) -> Review:
        """Say the next thing."""
        self.tasks.append(task)
        meanwhile, self.meanwhile = self.meanwhile, None
        if meanwhile is not None:
            await meanwhile()
        if not self.ready:
            return await SandboxReviewer().review(task)
        told = self.ready.pop(0)
        if isinstance(told, ProviderError):
            raise told
        return told


@dataclass
class ToldAllowance:
    """Be an allowance with so much room."""

    room: int = 1000
    taken: int = 0

    async def take(self, organization_id: UUID) -> float:
        """Count one."""
        del organization_id
        if self.taken >= self.room:
            return 600.0
        self.taken += 1
        return 0.0


@dataclass
class Office:
    """Be one organisation with a dataset whose leads are written to."""

    tenant: Tenant
    reviewer: ToldReviewer
    allowance: ToldAllowance
    dataset_id: UUID
    numbers: int = 0

    async def thread(self, *said: tuple[Author, str]) -> UUID:
        """Make a lead, and a conversation in which this was said."""
        self.numbers += 1
        lead_id = await self.tenant.lead(f"+4477009{self.numbers:05d}", self.dataset_id)
        conversation_id = new_id()
        await self.tenant.execute(_THREAD, conversation_id, lead_id)
        for by, text in said:
            await self.say(conversation_id, by, text)
        return conversation_id

    async def say(self, conversation_id: UUID, by: Author, text: str) -> UUID:
        """Let somebody say something more."""
        message_id, inbound = new_id(), by == "lead"
        async with self.tenant.sql() as connection:
            await connection.execute(
                _MESSAGE, self.tenant.organization_id, message_id, conversation_id,
                "inbound" if inbound else "outbound", _CATEGORY[by], "received" if inbound else "sent", text,
            )  # fmt: skip
            if not inbound:
                key = f"{by}:{message_id}"
                await connection.execute(
                    _SEND, self.tenant.organization_id, message_id, conversation_id, key, _PURPOSE[by]
                )
            await connection.execute(
                "UPDATE conversations SET last_message_at = business_now() WHERE organization_id = $1 AND id = $2",
                self.tenant.organization_id,
                conversation_id,
            )
        return message_id

    async def review(self, conversation_id: UUID) -> None:
        """Review it as a worker does."""
        async with self.tenant.use(Reviews, self.tenant.system()) as reviews:
            await reviews.review(ReviewDue(subject=conversation_id))

    async def rows(self, statement: str, *values: Any) -> list[dict[str, Any]]:
        """Read rows; `$1` is the organisation."""
        async with self.tenant.sql() as connection:
            return [dict(row) for row in await connection.fetch(statement, self.tenant.organization_id, *values)]

    async def insights(self) -> list[dict[str, Any]]:
        """List all insights by rule."""
        return await self.rows("SELECT * FROM insights WHERE organization_id = $1 ORDER BY rule, created_at, id")

    async def events(self, kind: str) -> list[UUID]:
        """Name the subjects of the events of a type."""
        rows = await self.rows("SELECT subject FROM events WHERE organization_id = $1 AND type = $2 ORDER BY id", kind)
        return [row["subject"] for row in rows]
