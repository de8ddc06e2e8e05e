"""One thread with one contact on one channel: who holds it, what is unread, whether it is put away."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar
from uuid import UUID

from domain.kernel import Entity, Event
from domain.messaging.reply import HandedToPerson, Reason
from domain.messaging.turn import Holder, Turn


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnChanged(Event):
    """Say that somebody else holds the conversation now; what was written under an older number is dropped."""

    type: ClassVar[str] = "conversation.turn_changed"
    holder: Holder
    number: int
    lead_id: UUID | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonAwaited(Event):
    """Say that a contact wrote in a conversation, the subject, that a person holds; told once a minute."""

    type: ClassVar[str] = "conversation.person_awaited"
    lead_id: UUID | None
    contact_id: UUID


TOLD_AGAIN_AFTER = timedelta(minutes=1)
"""What arrives sooner after a person was told of a text is found with it."""


@dataclass(slots=True, kw_only=True)
class Conversation(Entity):
    """Be the thread with one contact on one channel; `address` is theirs.

    `unanswered_id` is the latest text that the AI has still to answer, `answer_due_at` when it begins to,
    `writer_away_since` when it first could not, `attention` why a person has to, `person_told_at` when the person who
    has the turn was last told of a text.
    """

    contact_id: UUID
    lead_id: UUID | None
    channel: str
    address: str
    started_at: datetime
    last_message_at: datetime
    status: str = "open"
    turn_holder: Holder = Holder.NOBODY
    turn_number: int = 0
    message_count: int = 0
    unread_count: int = 0
    archived: bool = False
    answer_due_at: datetime | None = None
    unanswered_id: UUID | None = None
    answer_failures: int = 0
    writer_away_since: datetime | None = None
    attention: str | None = None
    person_told_at: datetime | None = None

    @property
    def turn(self) -> Turn:
        """Give who holds the conversation, with the fencing number."""
        return Turn(self.turn_holder, self.turn_number)

    def give_to(self, holder: Holder) -> TurnChanged:
        """Let a person or the AI take the turn, or hand it back to nobody; but for the AI nothing waits for it then."""
        turn = self.turn.take(holder)
        if holder is not Holder.AI:
            self.answered()
            self.attention = None
        return self._turned(turn)

    def take_in(self, at: datetime, lead_id: UUID | None) -> None:
        """Count one message from the contact."""
        self.lead_id = lead_id or self.lead_id
        self.message_count += 1
        self.unread_count += 1
        self.last_message_at = max(self.last_message_at, at)
        self.archived = False

    def await_answer(self, message_id: UUID, due: datetime) -> None:
        """Let the AI answer a text, together with all that comes before it begins: the first one's time holds."""
        self.unanswered_id = message_id
        self.answer_due_at = due if self.answer_due_at is None else min(self.answer_due_at, due)

    def await_person(self, at: datetime) -> tuple[PersonAwaited, ...]:
        """Let the person who has the turn know of a text, unless they were told of another one just now."""
        if self.turn_holder is not Holder.PERSON:
            return ()
        if self.person_told_at is not None and self.person_told_at <= at < self.person_told_at + TOLD_AGAIN_AFTER:
            return ()
        self.person_told_at = at
        return (PersonAwaited(subject=self.id, lead_id=self.lead_id, contact_id=self.contact_id),)

    def answered(self) -> None:
        """Let nothing wait for the AI."""
        self.answer_due_at = self.unanswered_id = self.writer_away_since = None
        self.answer_failures = 0

    def find_writer_away(self, at: datetime) -> timedelta:
        """Note that nobody could write the answer, and tell for how long that has been so."""
        self.writer_away_since = self.writer_away_since or at
        return at - self.writer_away_since

    def begin_booking(self) -> TurnChanged:
        """Let a person have the turn while the calendar is asked; what is answered stays known, as its mark."""
        return self._turned(self.turn.take(Holder.PERSON))

    def is_booking(self, answers_id: UUID, number: int) -> bool:
        """Tell whether the slot taken under this number is being booked, and nobody did anything since."""
        begun = Turn(Holder.PERSON, number + 1)
        return self.turn == begun and self.unanswered_id == answers_id

    def end_booking(self) -> TurnChanged:
        """Hand the turn back: the slot is gone, and the text is still to be answered."""
        self.answer_failures += 1
        return self._turned(self.turn.release())

    def _turned(self, turn: Turn) -> TurnChanged:
        self.turn_holder, self.turn_number = turn.holder, turn.number
        return TurnChanged(subject=self.id, holder=turn.holder, number=turn.number, lead_id=self.lead_id)

    def hand_to_person(self, reason: Reason) -> tuple[TurnChanged, HandedToPerson]:
        """Let a person answer what the AI does not."""
        changed = self.give_to(Holder.PERSON)
        self.attention = reason.value
        told = HandedToPerson(subject=self.id, lead_id=self.lead_id, contact_id=self.contact_id, reason=reason)
        return changed, told

    def answered_by_person(self) -> TurnChanged:
        """Keep the turn with whoever has it, under a new number: what the AI writes to the same texts is dropped."""
        turn = Turn(self.turn_holder, self.turn_number + 1)
        self.turn_number, self.attention = turn.number, None
        self.answered()
        return TurnChanged(subject=self.id, holder=turn.holder, number=turn.number, lead_id=self.lead_id)

    def mark_read(self) -> None:
        """Count nothing as unread any more."""
        self.unread_count = 0
