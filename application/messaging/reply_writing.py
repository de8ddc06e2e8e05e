"""The port through which answers are written, in our words, and what a writer is given."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Literal, Protocol
from uuid import UUID

from application.model_calls import Access, Usage
from application.provider import provider_port
from domain.coaching.lesson import SAY
from domain.messaging.campaign_text import Opening
from domain.messaging.reply import Proposal
from domain.messaging.reply_facts import Slot


@dataclass(frozen=True, slots=True)
class Said:
    """Hold one message of the thread: the lead's words are data, whatever they say."""

    by: Literal["lead", "us"]
    text: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Lesson:
    """Hold one approved lesson that answers follow; `say` are words of its text that are meant for the lead."""

    id: UUID
    text: str
    trigger: str | None = None
    say: str | None = None

    @property
    def instruction(self) -> str:
        """Give the lesson without the words that are meant for the lead."""
        return self.text if self.say is None else self.text.replace(f"{SAY}{self.say}", "", 1)


@dataclass(frozen=True, slots=True)
class Prompt:
    """Hold the live prompt with its version, and the lessons that go with it."""

    version: str
    text: str
    lessons: Sequence[Lesson] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class WritingTask:
    """Hold all that a writer may know: one lead, one thread, our own facts, the slots of this turn, what to mend.

    `opening` says that it is no answer but a campaign's text, and which.
    """

    organization: str
    lead: Sequence[tuple[str, str]]
    facts: Sequence[str]
    history: Sequence[Said]
    prompt: Prompt
    slots: Sequence[Slot]
    language: str | None
    now: datetime
    first_name: str | None = None
    product: str | None = None
    mend: Sequence[str] = ()
    access: Access = field(default_factory=Access)
    opening: Opening | None = None


@dataclass(frozen=True, slots=True)
class Written:
    """Hold what a writer proposes, and what it cost."""

    proposal: Proposal
    usage: Usage


@provider_port
class ReplyWriter(Protocol):
    """Write answers."""

    async def write(self, task: WritingTask) -> Written:
        """Propose one answer, or raise `Rejected`, `Unavailable`, `Unknown` or `Unusable`; nothing is sent by it."""
        ...


@provider_port
class OfferedSlots(Protocol):
    """Know when a call could be booked."""

    async def offered(
        self, lead_id: UUID, at: datetime, zone: str, language: str | None, said: Sequence[str]
    ) -> Sequence[Slot]:
        """Give free times, said on the lead's clocks: some of the next, and those named in what we said; else none."""
        ...


class Booked(StrEnum):
    """Tell whether a call stands, or is at least wanted, in the calendar."""

    YES = "yes"
    NO = "no"


@provider_port
class CallBooking(Protocol):
    """Book the slot that a lead took."""

    async def book(self, lead_id: UUID, start: datetime, key: str) -> Booked:
        """Book it once for a key."""
        ...


class LivePrompt(Protocol):
    """Know the prompts that are live, within the open unit of work."""

    async def live(self, lead_id: UUID, touch: str | None = None) -> Prompt:
        """Give the one for answers to a lead, who may be on one side of a trial, or for a touch (`M1`)."""
        ...


class TextAllowance(Protocol):
    """Count the organisation's manual and AI texts of the hour."""

    async def take(self, organization_id: UUID) -> float:
        """Count one; gives 0, or in how many seconds there is room again."""
        ...
