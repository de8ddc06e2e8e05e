"""What an answer needs to know, what is kept of it, and when one falls due."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal, Protocol
from uuid import UUID

from application.agenda import Agenda
from application.messaging.outreach import Party
from application.messaging.reply_writing import Said
from application.model_calls import Access
from application.ports import UnitOfWork, within
from domain.kernel import new_id
from domain.messaging.conversation import Conversation
from domain.messaging.reply import AnswerDue, Intent, Reason, Sentiment
from domain.messaging.reply_facts import DEFAULT_SEGMENTS, DEFAULT_THRESHOLD
from domain.messaging.turn import Holder

ANSWER = "messaging.answer"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplySettings:
    """Hold how an organisation wants answers: when, how sure, how long, from which facts.

    `patience_seconds` is how long an answer waits for a model that is away, before a person is to write it.
    """

    enabled: bool = True
    delay_seconds: int = 60
    patience_seconds: int = 300
    threshold: float = DEFAULT_THRESHOLD
    most_segments: int = DEFAULT_SEGMENTS
    facts: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Background:
    """Hold what one answer is written from, as it stood in one unit of work."""

    organization: str
    locale: str
    zone: str
    lead: Sequence[tuple[str, str]]
    first_name: str | None
    product: str | None
    history: Sequence[Said]
    settings: ReplySettings
    access: Access
    now: datetime


ReplyStatus = Literal["draft", "sent", "superseded", "unfit", "failed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """Hold one call of the writer: what it proposed, what it cost, what became of it."""

    id: UUID = field(default_factory=new_id)
    conversation_id: UUID
    lead_id: UUID | None
    answers_id: UUID | None
    status: ReplyStatus
    text: str | None = None
    confidence: float | None = None
    reasoning: str | None = None
    lessons: tuple[UUID, ...] = ()
    sentiment: Sentiment | None = None
    intent: Intent | None = None
    slot: str | None = None
    breaches: tuple[str, ...] = ()
    prompt_version: str
    model: str
    input_tokens: int
    output_tokens: int
    cached_tokens: int
    cost_micros: int
    latency_ms: int


class ReplyStore(Protocol):
    """Keep what is due for the AI, and what it wrote."""

    async def settings_for(self, lead_id: UUID | None) -> ReplySettings:
        """Give the organisation's settings, with the delay of the lead's campaign."""
        ...

    async def take_due(self, limit: int, at: datetime) -> list[UUID]:
        """Give conversations whose answer is due, and let them be due no more."""
        ...

    async def next_due(self) -> datetime | None:
        """Tell when the next answer is due."""
        ...

    async def background(self, thread: Conversation) -> Background:
        """Read what an answer is written from."""
        ...

    async def background_of(self, contact_id: UUID, lead_id: UUID) -> Background:
        """Read what a text that begins a conversation, or goes on with one nobody answers, is written from."""
        ...

    async def latest_inbound(self, conversation_id: UUID) -> UUID | None:
        """Name the latest text that came in."""
        ...

    async def record(self, reply: Reply, at: datetime) -> None:
        """Write down one call of the writer."""
        ...

    async def draft(self, conversation_id: UUID, answers_id: UUID | None) -> Reply | None:
        """Give the latest draft that answers this text."""
        ...

    async def get_draft(self, identifier: UUID) -> Reply | None:
        """Give a draft, locked until the unit of work ends; one that was sent or superseded is none."""
        ...

    async def became(self, identifier: UUID, status: ReplyStatus) -> None:
        """Write what became of a draft."""
        ...

    async def left_to_person(self, identifier: UUID) -> None:
        """Write that a person answers instead of what this call came to."""
        ...

    async def slot_became(self, conversation_id: UUID, answers_id: UUID, status: ReplyStatus) -> None:
        """Write what became of the draft that took a slot in answer to this text."""
        ...

    async def promised(self, booking_id: UUID) -> UUID | None:
        """Name the conversation in which a lead was told of this booking by the AI, if one was."""
        ...

    async def note_access(self, trouble: str | None, *, own: bool) -> str | None:
        """Write on the organisation's own integration that its model serves, or why not; names it where that is new.

        Of the installation's it is written down for whoever runs that.
        """
        ...

    async def feel(self, conversation_id: UUID, sentiment: Sentiment) -> None:
        """Note on the thread how the person sounds."""
        ...


class AiAvailable(Protocol):
    """Know whether the organisation of the open unit of work has a writer."""

    async def now(self) -> bool:
        """Tell."""
        ...


@dataclass(frozen=True)
class Answering:
    """Let answers fall due."""

    uow: UnitOfWork
    replies: ReplyStore
    agenda: Agenda
    available: AiAvailable

    @within
    async def expect(self, thread: Conversation, party: Party, message_id: UUID, now: datetime) -> None:
        """Let the AI answer a text after the delay, unless a person holds the turn or nobody wants it to."""
        settings = await self.replies.settings_for(party.lead_id)
        if not settings.enabled or thread.turn.holder is Holder.PERSON or not await self.available.now():
            return
        if party.lead_id is None:
            self.uow.publish(*thread.hand_to_person(Reason.UNKNOWN_SENDER))
            return
        due = now + timedelta(seconds=settings.delay_seconds)
        thread.await_answer(message_id, due)
        if settings.delay_seconds == 0:
            thread.answer_due_at = None  # nobody has to look for what begins at once
            self.uow.publish(AnswerDue(subject=thread.id))
            return
        assert thread.answer_due_at is not None
        await self.agenda.no_later_than(ANSWER, thread.answer_due_at)
