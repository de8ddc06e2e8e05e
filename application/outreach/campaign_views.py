"""What people are shown of campaigns."""

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from application.ports import View
from domain.outreach.campaign import TextFrom


class VariantView(View, frozen=True):
    """Show one wording."""

    name: str
    weight: int
    template: str
    text_from: TextFrom


class TouchView(View, frozen=True):
    """Show one touch."""

    touch: str
    delay_hours: int
    variants: list[VariantView]


class ScheduleView(View, frozen=True):
    """Show the hours."""

    start: str
    end: str
    days: list[str]


class TouchCounts(View, frozen=True):
    """Count one touch's texts by what became of them."""

    touch: str
    variant: str
    state: str
    verdict_rule: str | None
    delayed_by: str | None
    count: int


class AiTextCounts(View, frozen=True):
    """Count one variant's texts that the AI is to write: `due`, `written`, or `fell_back` on the template, and why."""

    touch: str
    variant: str
    status: str
    reason: str | None
    count: int


class CampaignView(View, frozen=True):
    """Show a campaign with its plan and where it stands."""

    id: UUID
    dataset_id: UUID
    status: str
    total_leads: int
    messages_queued: int
    estimated_completion: datetime | None
    rate_limit_messages_per_minute: int
    ai_response_delay_seconds: int
    schedule: ScheduleView
    touches: list[TouchView]
    started_at: datetime | None
    completed_at: datetime | None
    texts: list[TouchCounts]
    ai_texts: list[AiTextCounts]
    version: int
    example: ClassVar[dict[str, Any]] = {
        "id": "01890a5d-ab00-7b1e-9d2c-7e51c0a4b8aa",
        "dataset_id": "01890a5d-aa00-7d10-8f2e-1a2b3c4d5e6f",
        "status": "active",
        "total_leads": 600,
        "messages_queued": 412,
        "estimated_completion": "2027-03-22T15:52:00Z",
        "rate_limit_messages_per_minute": 1,
        "ai_response_delay_seconds": 60,
        "schedule": {"start": "09:00", "end": "20:00", "days": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]},
        "touches": [
            {
                "touch": "M1",
                "delay_hours": 0,
                "variants": [
                    {
                        "name": "A",
                        "weight": 100,
                        "template": "Hi {{ first_name | there }}, still interested?",
                        "text_from": "prompt",
                    }
                ],
            }
        ],
        "started_at": "2027-03-22T09:00:00Z",
        "completed_at": None,
        "texts": [
            {
                "touch": "M1",
                "variant": "A",
                "state": "accepted",
                "verdict_rule": None,
                "delayed_by": "quiet_hours",
                "count": 188,
            }
        ],
        "ai_texts": [
            {"touch": "M1", "variant": "A", "status": "written", "reason": None, "count": 595},
            {"touch": "M1", "variant": "A", "status": "fell_back", "reason": "failed_twice", "count": 5},
        ],
        "version": 2,
    }


class PreviewView(View, frozen=True):
    """Show a text as a lead would get it; where the prompt writes it, the template that stands in for it, and where
    to see what the prompt would write.
    """

    text: str
    variant: str | None
    text_from: TextFrom
    written_preview_url: str | None
    encoding: str
    segments: int
    characters: int
    example: ClassVar[dict[str, Any]] = {
        "text": "Hi Ada, still interested?",
        "variant": "A",
        "text_from": "template",
        "written_preview_url": None,
        "encoding": "GSM-7",
        "segments": 1,
        "characters": 25,
    }
