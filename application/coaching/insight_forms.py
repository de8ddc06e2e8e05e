"""What people say of insights, and what they are shown."""

from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal
from uuid import UUID

import msgspec

from application.ports import Command, Filter, View
from domain.coaching.finding import Author, Category, Severity
from domain.coaching.insight import InsightStatus

Note = Annotated[str, msgspec.Meta(min_length=1, max_length=2000)]
_ID = "01890a5d-b000-7d1a-9e2b-3c4d5e6f7a8b"
_CONVERSATION = "01890a5d-ab00-7b1e-9d2c-7e51c0a4b8aa"
_MESSAGE = "01890a5d-ad10-7c3e-8a53-4f0f6a2c1d77"
_LEAD = "01890a5d-ac96-774b-bcce-b302099a8057"
_INSIGHT: dict[str, Any] = {
    "id": _ID,
    "rule": "no_opt_out",
    "severity": "critical",
    "category": "compliance",
    "title": "The first campaign text does not say how to opt out",
    "description": "Whoever is written to for the first time must be told how to hear no more.",
    "suggestion": "End the campaign's first text with “Reply STOP to opt out.”",
    "original_text": "Hi Ada, is the bay window still of interest?",
    "suggested_text": "Hi Ada, is the bay window still of interest? Reply STOP to opt out.",
    "affected_leads_count": 214,
    "message_id": _MESSAGE,
    "conversation_id": _CONVERSATION,
    "status": "pending",
    "note": None,
    "lesson_id": None,
    "decided_by": None,
    "decided_at": None,
    "viewed_at": None,
    "raised_at": "2027-03-22T10:17:04Z",
    "created_at": "2027-03-22T10:17:04Z",
    "version": 1,
}


class InsightFilter(Filter, frozen=True):
    """Narrow the list: those nobody decided or looked at, unless `status` says otherwise."""

    status: Literal["pending", "viewed", "approved_and_learned", "taught_sophie", "dismissed", "all"] | None = None
    severity: Severity | None = None
    category: Category | None = None
    dataset_id: UUID | None = None
    lead_id: UUID | None = None
    conversation_id: UUID | None = None


class InsightView(View, frozen=True):
    """Show an insight, with the latest words that show it among those that you may see.

    `affected_leads_count` counts the leads among whose messages it was found.
    """

    id: UUID
    rule: str
    severity: Severity
    category: Category
    title: str
    description: str | None
    suggestion: str | None
    original_text: str | None
    suggested_text: str | None
    affected_leads_count: int
    message_id: UUID | None
    conversation_id: UUID | None
    status: InsightStatus
    note: str | None
    lesson_id: UUID | None
    decided_by: UUID | None
    decided_at: datetime | None
    viewed_at: datetime | None
    raised_at: datetime
    created_at: datetime
    version: int
    example: ClassVar[dict[str, Any]] = _INSIGHT


class EvidenceView(msgspec.Struct, frozen=True, kw_only=True):
    """Show words of one message."""

    message_id: UUID
    conversation_id: UUID
    lead_id: UUID | None
    by: Author
    words: str
    suggested_text: str | None
    written_at: datetime


class InsightDetail(InsightView, frozen=True):
    """Show an insight in full; `evidence` is the latest 50 that you may see."""

    evidence: list[EvidenceView]
    example: ClassVar[dict[str, Any]] = _INSIGHT | {
        "evidence": [
            {
                "message_id": _MESSAGE,
                "conversation_id": _CONVERSATION,
                "lead_id": _LEAD,
                "by": "campaign",
                "words": "Hi Ada, is the bay window still of interest?",
                "suggested_text": None,
                "written_at": "2027-03-22T09:00:00Z",
            }
        ]
    }


class DismissInsight(Command, frozen=True):
    """Let an insight rest."""

    reason: Note | None = None
    example: ClassVar[dict[str, Any]] = {"reason": "This customer asked for it."}
