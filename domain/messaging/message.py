"""What is said in a conversation, what becomes of it on its way out, and the events both make."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from domain.kernel import Event


class SendState(StrEnum):
    """Name where an outgoing message stands in the ledger; `docs/states.md`."""

    PLANNED = "planned"
    CLAIMED = "claimed"
    HANDED = "handed"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    UNKNOWN = "unknown"
    CANCELLED = "cancelled"
    REFUSED = "refused"
    PARKED = "parked"


class MessageStatus(StrEnum):
    """Name what a person is told of a message."""

    PENDING = "pending"
    SENT = "sent"
    DELIVERED = "delivered"
    FAILED = "failed"
    REFUSED = "refused"
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"
    RECEIVED = "received"


_FORWARD = {
    MessageStatus.PENDING: 0,
    MessageStatus.UNKNOWN: 1,
    MessageStatus.SENT: 2,
    MessageStatus.FAILED: 3,
    MessageStatus.DELIVERED: 4,  # what arrived has arrived, whatever else was said of it
}


def later(current: MessageStatus, told: MessageStatus) -> MessageStatus:
    """Give the status after a provider's report: reports come twice and out of order, states only move forward."""
    if current not in _FORWARD or told not in _FORWARD:
        return current
    return told if _FORWARD[told] > _FORWARD[current] else current


@dataclass(frozen=True, slots=True, kw_only=True)
class TextArrived(Event):
    """Say that a provider brought a text; it lies in `inbound` and has not been looked at."""

    type: ClassVar[str] = "text.arrived"
    personal: ClassVar[frozenset[str]] = frozenset({"sender", "recipient", "body", "media"})
    provider: str
    external_id: str
    sender: str
    recipient: str
    body: str
    media: tuple[str, ...]
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageReceived(Event):
    """Say that a contact's message stands in its conversation."""

    type: ClassVar[str] = "message.received"
    conversation_id: UUID
    contact_id: UUID
    lead_id: UUID | None
    reading: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MessagePlanned(Event):
    """Say that a message which somebody waits for may go out now; the subject is its id."""

    type: ClassVar[str] = "message.planned"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """Say what became of one message; `outcome` is accepted, rejected or unreachable, or refused by the gate."""

    send_id: UUID
    outcome: str
    at: datetime
    lead_id: UUID | None
    campaign_id: UUID | None
    touch: str | None
    purpose: str | None = None
    variant: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MessagesSettled(Event):
    """Say what became of a group of messages; the subject is the batch."""

    type: ClassVar[str] = "messages.settled"
    settled: tuple[Settled, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RecipientRefused(Event):
    """Say that a provider carries no message, the subject, any more: its recipient told the provider to stop."""

    type: ClassVar[str] = "message.recipient_refused"
    personal: ClassVar[frozenset[str]] = frozenset({"address"})
    contact_id: UUID
    address: str
    code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TextingFailed(Event):
    """Say that a provider serves an organisation, the subject, no more until people mend it; told once a trouble."""

    type: ClassVar[str] = "texting.failed"
    provider: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MailFailed(Event):
    """Say that mails of an organisation, the subject, leave no more until people mend it; told once a trouble."""

    type: ClassVar[str] = "mail.failed"
    provider: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OptedOut(Event):
    """Say that nothing more may go to an address; the subject is the contact, or the consent where none is known."""

    type: ClassVar[str] = "contact.opted_out"
    personal: ClassVar[frozenset[str]] = frozenset({"address", "wording"})
    address: str
    how: str
    wording: str | None
    lead_ids: tuple[UUID, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OptedIn(Event):
    """Say that an address may be written to again."""

    type: ClassVar[str] = "contact.opted_in"
    personal: ClassVar[frozenset[str]] = frozenset({"address", "wording"})
    address: str
    how: str
    wording: str | None
    lead_ids: tuple[UUID, ...]
