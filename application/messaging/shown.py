"""What lists and threads show, for the document; PostgreSQL writes these as JSON."""

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

import msgspec

from application.ports import View

_CONVERSATION: dict[str, Any] = {
    "id": "01890a5d-ab00-7b1e-9d2c-7e51c0a4b8aa",
    "channel": "sms",
    "status": "open",
    "sentiment": None,
    "lead_id": "01890a5d-ac96-774b-bcce-b302099a8057",
    "contact": {
        "id": "01890a5d-aa00-7d10-8f2e-1a2b3c4d5e6f",
        "first_name": "Ada",
        "last_name": "Nowak",
        "phone_number": "+447700900101",
        "email": None,
    },
    "contact_status": "REPLIED",
    "turn": {"holder": "nobody", "number": 0},
    "message_count": 2,
    "unread_count": 1,
    "archived": False,
    "attention": None,
    "started_at": "2027-03-22T09:00:00Z",
    "last_message_at": "2027-03-22T10:15:04Z",
    "version": 3,
}
_MESSAGE: dict[str, Any] = {
    "id": "01890a5d-ad10-7c3e-8a53-4f0f6a2c1d77",
    "conversation_id": "01890a5d-ab00-7b1e-9d2c-7e51c0a4b8aa",
    "lead_id": "01890a5d-ac96-774b-bcce-b302099a8057",
    "contact_id": "01890a5d-aa00-7d10-8f2e-1a2b3c4d5e6f",
    "channel": "sms",
    "direction": "outbound",
    "message_category": "m1",
    "status": "delivered",
    "content": "Hi Ada, it's Bright Windows. Is the bay window still of interest? Reply STOP to opt out.",
    "from": "+442079460001",
    "to": "+447700900101",
    "media": [],
    "author_id": None,
    "provider_id": "01890a5d-ae00-7f00-9b00-0c0d0e0f1011",
    "segments": 1,
    "error_code": None,
    "price": "0.0079",
    "price_currency": "USD",
    "sent_at": "2027-03-22T09:00:01Z",
    "delivered_at": "2027-03-22T09:00:04Z",
    "created_at": "2027-03-22T09:00:00Z",
}


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
    attention: str | None
    started_at: datetime
    last_message_at: datetime
    version: int
    example: ClassVar[dict[str, Any]] = _CONVERSATION


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
    price: str | None
    price_currency: str | None
    sent_at: datetime | None
    delivered_at: datetime | None
    created_at: datetime
    example: ClassVar[dict[str, Any]] = _MESSAGE


class FoundInMessage(msgspec.Struct, frozen=True, kw_only=True):
    """Show what the coach found in a message, in brief."""

    id: UUID
    severity: str
    title: str
    status: str


class WrittenWith(msgspec.Struct, frozen=True, kw_only=True):
    """Show what the AI wrote a message with: versions of prompts, lessons that it followed, model and tokens."""

    prompt_version: str
    lesson_ids: list[UUID]
    model: str
    input_tokens: int
    output_tokens: int


class MessageOfThread(MessageView, frozen=True):
    """Show a message with what the coach thinks of it: `ai_quality_score` is from 0 to 100, for the AI's alone."""

    ai_generated: bool
    written_with: WrittenWith | None
    ai_quality_score: int | None
    insights: list[FoundInMessage]
    example: ClassVar[dict[str, Any]] = {
        **_MESSAGE,
        "ai_generated": True,
        "written_with": {
            "prompt_version": "master-0/m1-2",
            "lesson_ids": ["01938c5e-9b1a-7c3e-8f00-5a2b6c7d8ea4"],
            "model": "claude-haiku-4-5",
            "input_tokens": 912,
            "output_tokens": 61,
        },
        "ai_quality_score": 85,
        "insights": [],
    }


class ThreadView(ConversationView, frozen=True):
    """Show a thread with what was said; `quality_score` is the coach's, from 0 to 100."""

    quality_score: int | None
    messages: list[MessageOfThread]
    example: ClassVar[dict[str, Any]] = {**_CONVERSATION, "quality_score": 85, "messages": [MessageOfThread.example]}
