"""What people see of leads; PostgreSQL writes these shapes, the document shows them."""

from datetime import date, datetime
from typing import Any, ClassVar
from uuid import UUID

import msgspec

from application.ports import View

_ID = "01938c5e-9b1a-7c3e-8f00-5a2b6c7d8ea0"
_AT = "2026-03-22T09:00:00.000000Z"


class ContactOfLead(msgspec.Struct, frozen=True, kw_only=True):
    """Show the person behind a lead."""

    id: UUID
    first_name: str | None
    last_name: str | None
    email: str | None
    phone_number: str | None
    postcode: str | None
    sms_eligible: bool
    phone_type: str | None


class LeadItem(View, frozen=True):
    """Show a lead in a list; `tags` are slugs."""

    id: UUID
    contact: ContactOfLead
    dataset_id: UUID | None
    stage: str
    contact_status: str
    lead_sentiment: str | None
    source: str | None
    score: int
    tags: list[str]
    latest_lead_reply: str | None
    reply_received_at: datetime | None
    call_booked: bool
    call_booked_time: datetime | None
    cal_booking_id: str | None
    manual_mode: bool
    archived: bool
    assigned_to: UUID | None
    inquiry_date: date | None
    product: str | None
    created_at: datetime
    updated_at: datetime
    version: int
    example: ClassVar[dict[str, Any]] = {
        "id": _ID,
        "contact": {
            "id": "01938c5e-9b1a-7c3e-8f00-5a2b6c7d8e9f",
            "first_name": "Jane",
            "last_name": "Smith",
            "email": "jane@example.com",
            "phone_number": "+447700900123",
            "postcode": "LS1 4AP",
            "sms_eligible": True,
            "phone_type": "mobile",
        },
        "dataset_id": None,
        "stage": "NEW_LEAD",
        "contact_status": "READY",
        "lead_sentiment": None,
        "source": "web form",
        "score": 0,
        "tags": [],
        "latest_lead_reply": None,
        "reply_received_at": None,
        "call_booked": False,
        "call_booked_time": None,
        "cal_booking_id": None,
        "manual_mode": False,
        "archived": False,
        "assigned_to": None,
        "inquiry_date": "2025-11-03",
        "product": "Solar panels",
        "created_at": _AT,
        "updated_at": _AT,
        "version": 1,
    }


class MoneyView(msgspec.Struct, frozen=True, kw_only=True):
    """Show an amount of money."""

    amount: str
    currency: str


class TagOfLead(msgspec.Struct, frozen=True, kw_only=True):
    """Show a tag on a lead."""

    id: UUID
    slug: str
    name: str
    category: str
    color: str | None
    applied_at: datetime
    applied_by: UUID | None


class ConversationOfLead(msgspec.Struct, frozen=True, kw_only=True):
    """Show the lead's latest conversation, in brief."""

    id: UUID
    message_count: int
    last_message_at: datetime
    status: str
    sentiment: str | None


class ActivityView(msgspec.Struct, frozen=True, kw_only=True):
    """Show one thing that happened to the lead or its contact."""

    id: UUID
    type: str
    at: datetime
    actor_id: UUID | None
    data: dict[str, Any]


class InsightOfLead(msgspec.Struct, frozen=True, kw_only=True):
    """Show what the coach found in the lead's conversation, in brief."""

    id: UUID
    severity: str
    title: str
    status: str
    created_at: datetime


class LeadDetail(LeadItem, frozen=True):
    """Show a lead in full; `tags` are whole here, `insights` the latest 20, `activities` the latest 50."""

    tags: list[TagOfLead]  # type: ignore[assignment]  # the list's slugs grow into whole tags
    notes: str | None
    source_campaign: str | None
    estimated_units: int | None
    estimated_revenue: MoneyView | None
    lost_reason: str | None
    is_dnc: bool
    manual_mode_activated_at: datetime | None
    archived_at: datetime | None
    created_by: UUID | None
    conversation: ConversationOfLead | None
    insights: list[InsightOfLead]
    activities: list[ActivityView]
    example: ClassVar[dict[str, Any]] = LeadItem.example | {
        "tags": [],
        "notes": None,
        "source_campaign": None,
        "estimated_units": 2,
        "estimated_revenue": {"amount": "1200.00", "currency": "GBP"},
        "lost_reason": None,
        "is_dnc": False,
        "manual_mode_activated_at": None,
        "archived_at": None,
        "created_by": None,
        "conversation": None,
        "insights": [],
        "activities": [{"id": _ID, "type": "lead.created", "at": _AT, "actor_id": None, "data": {"stage": "NEW_LEAD"}}],
    }


class StageView(View, frozen=True):
    """Show one step of a pipeline."""

    id: UUID
    pipeline_id: UUID
    key: str
    name: str
    category: str
    position: int
    example: ClassVar[dict[str, Any]] = {
        "id": _ID,
        "pipeline_id": "01938c5e-9b1a-7c3e-8f00-5a2b6c7d8ea1",
        "key": "NEW_LEAD",
        "name": "New lead",
        "category": "open",
        "position": 1,
    }
