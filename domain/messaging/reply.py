"""What a writer may propose as an answer, how that is rated, and what happens when a person has to answer instead."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from domain.kernel import Event, Invalid


class Sentiment(StrEnum):
    """Name how a lead's words sound; HOT means that they want to go on now."""

    POSITIVE = "POSITIVE"
    NEGATIVE = "NEGATIVE"
    NEUTRAL = "NEUTRAL"
    HOT = "HOT"
    UNCLEAR = "UNCLEAR"


class Intent(StrEnum):
    """Name what a lead wants; `ends_contact` is a wish to hear no more in words that are no plain STOP."""

    QUESTION = "question"
    PRICE = "price"
    INTERESTED = "interested"
    LATER = "later"
    NOT_INTERESTED = "not_interested"
    WANTS_CALL = "wants_call"
    ACCEPTS_SLOT = "accepts_slot"
    WRONG_NUMBER = "wrong_number"
    COMPLAINT = "complaint"
    ENDS_CONTACT = "ends_contact"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """Hold all that a writer can do: say something, classify, name one of the slots it was given, ask for a person."""

    text: str
    confidence: float
    reasoning: str
    sentiment: Sentiment
    intent: Intent
    lessons: tuple[UUID, ...] = ()
    slot: str | None = None
    needs_person: str | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.confidence <= 1:
            raise Invalid("A confidence is between 0 and 1.", field="confidence")


class Reason(StrEnum):
    """Name why a person has to answer."""

    LOW_CONFIDENCE = "low_confidence"
    WRITER_ASKS = "writer_asks"
    DECLINED = "declined"
    INJECTION = "injection"
    FAILED_TWICE = "failed_twice"
    MODEL_AWAY = "model_away"
    ENDS_CONTACT = "ends_contact"
    BUDGET = "budget"
    UNKNOWN_SENDER = "unknown_sender"
    GIVEN_UP = "given_up"
    REFUSED = "refused"
    CALL_UNTOLD = "call_untold"
    CALL_FAILED = "call_failed"
    CALL_CHANGE = "call_change"

    @property
    def sentence(self) -> str:
        """Say it to a person."""
        return _SENTENCES[self]


_SENTENCES = {
    Reason.LOW_CONFIDENCE: "The AI was not sure enough of its answer.",
    Reason.WRITER_ASKS: "The AI asks for a person.",
    Reason.DECLINED: "The model declined to answer.",
    Reason.INJECTION: "The text looks like instructions to the AI.",
    Reason.FAILED_TWICE: "The AI failed twice to write an answer that keeps the rules.",
    Reason.MODEL_AWAY: "The model could not be reached for too long.",
    Reason.ENDS_CONTACT: "This may be a wish to hear no more; confirm it by an opt-out, or answer.",
    Reason.BUDGET: "The day's budget for the AI is used up.",
    Reason.UNKNOWN_SENDER: "The text came from somebody who is no lead.",
    Reason.GIVEN_UP: "The answer could not be written; the work was given up.",
    Reason.REFUSED: "The rules refused to send the AI's answer.",
    Reason.CALL_UNTOLD: "The AI booked a call that the lead took, and has not told the lead.",
    Reason.CALL_FAILED: "The lead was told of a call that did not get into the calendar.",
    Reason.CALL_CHANGE: "The lead wants the booked call cancelled or moved.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerDue(Event):
    """Say that what arrived in a conversation is to be answered now; the subject is the conversation."""

    type: ClassVar[str] = "conversation.answer_due"


@dataclass(frozen=True, slots=True, kw_only=True)
class HandedToPerson(Event):
    """Say that a person has to answer, and why; the subject is the conversation."""

    type: ClassVar[str] = "conversation.handed_to_person"
    lead_id: UUID | None
    contact_id: UUID
    reason: Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class AiFailed(Event):
    """Say that a model serves an organisation, the subject, no more until people mend it; told once a trouble."""

    type: ClassVar[str] = "ai.failed"
    provider: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LeadTurnedHot(Event):
    """Say that a lead wants to go on now; the subject is the lead."""

    type: ClassVar[str] = "lead.turned_hot"
    conversation_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotAccepted(Event):
    """Say that a lead took a slot which the calendar offered in this very turn; the subject is the conversation.

    `text` is what they are told once the calendar has it, `number` the turn in which it was written.
    """

    type: ClassVar[str] = "conversation.slot_accepted"
    personal: ClassVar[frozenset[str]] = frozenset({"text"})
    lead_id: UUID
    answers_id: UUID
    starts_at: datetime
    text: str
    number: int
