"""What lists and threads show, for the document; PostgreSQL writes these as JSON."""

from datetime import datetime
from uuid import UUID

import msgspec

from application.ports import View


class ContactBlock(View, frozen=True):
    """Show whom a thread is with."""

    id: UUID
    first_name: str | None
    last_name: str | None
    phone_number: str | None
    email: str | None


class TurnBlock(View, frozen=True):
    """Show who holds a thread, with the fencing number."""

    holder: str
    number: int


class ConversationView(View, frozen=True):
    """Show a thread."""

    id: UUID
    channel: str
    status: str
    sentiment: str | None
    lead_id: UUID | None
    contact: ContactBlock
    contact_status: str | None
    turn: TurnBlock
    message_count: int
    unread_count: int
    archived: bool
    started_at: datetime
    last_message_at: datetime
    version: int


class MessageView(View, frozen=True):
    """Show a message."""

    id: UUID
    conversation_id: UUID
    lead_id: UUID | None
    contact_id: UUID
    channel: str
    direction: str
    message_category: str
    status: str
    content: str
    sender: str = msgspec.field(name="from")
    recipient: str = msgspec.field(name="to")
    media: list[str]
    author_id: UUID | None
    provider_id: str | None
    segments: int | None
    error_code: str | None
    sent_at: datetime | None
    delivered_at: datetime | None
    created_at: datetime


class ThreadView(ConversationView, frozen=True):
    """Show a thread with what was said."""

    messages: list[MessageView]
