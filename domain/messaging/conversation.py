"""One thread with one contact on one channel: who holds it, what is unread, whether it is put away."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar
from uuid import UUID

from domain.kernel import Entity, Event
from domain.messaging.turn import Holder, Turn


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnChanged(Event):
    """Say that somebody else holds the conversation now; what was written under an older number is dropped."""

    type: ClassVar[str] = "conversation.turn_changed"
    holder: Holder
    number: int
    lead_id: UUID | None


@dataclass(slots=True, kw_only=True)
class Conversation(Entity):
    """Be the thread with one contact on one channel; `address` is theirs."""

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

    @property
    def turn(self) -> Turn:
        """Give who holds the conversation, with the fencing number."""
        return Turn(self.turn_holder, self.turn_number)

    def give_to(self, holder: Holder) -> TurnChanged:
        """Let a person or the AI take the turn, or hand it back to nobody."""
        turn = self.turn.take(holder)
        self.turn_holder, self.turn_number = turn.holder, turn.number
        return TurnChanged(subject=self.id, holder=turn.holder, number=turn.number, lead_id=self.lead_id)

    def take_in(self, at: datetime, lead_id: UUID | None) -> None:
        """Count one message from the contact."""
        self.lead_id = lead_id or self.lead_id
        self.message_count += 1
        self.unread_count += 1
        self.last_message_at = max(self.last_message_at, at)
        self.archived = False

    def mark_read(self) -> None:
        """Count nothing as unread any more."""
        self.unread_count = 0
