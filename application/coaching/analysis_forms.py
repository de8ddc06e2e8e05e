"""What is asked of an analysis, and what it shows."""

from typing import Any, ClassVar, Literal
from uuid import UUID

import msgspec

from application.ports import Command, View
from domain.coaching.finding import Category, Severity

_CONVERSATION = "01890a5d-ab00-7b1e-9d2c-7e51c0a4b8aa"
_MESSAGE = "01890a5d-ad10-7c3e-8a53-4f0f6a2c1d77"


class AnalyzeMessage(Command, frozen=True):
    """Ask for a review of one message, in its conversation."""

    message_id: UUID
    example: ClassVar[dict[str, Any]] = {"message_id": _MESSAGE}


class AnalyzeConversation(Command, frozen=True):
    """Ask for a review of a whole conversation."""

    conversation_id: UUID
    example: ClassVar[dict[str, Any]] = {"conversation_id": _CONVERSATION}


class QuoteView(msgspec.Struct, frozen=True, kw_only=True):
    """Show words of a message."""

    message_id: UUID
    words: str


class FindingView(msgspec.Struct, frozen=True, kw_only=True):
    """Show what was found."""

    rule: str
    category: Category
    severity: Severity
    title: str
    description: str
    suggestion: str
    suggested_text: str | None
    quotes: list[QuoteView]


class AnalysisView(View, frozen=True):
    """Show what a review found; `queued` is one that waits for room, for money or for the model.

    `score` and `message_scores` are from 0 to 100; `insight_ids` are what the findings were raised as.
    """

    status: Literal["done", "queued"]
    conversation_id: UUID
    score: int | None
    message_scores: dict[UUID, int]
    findings: list[FindingView]
    insight_ids: list[UUID]
    example: ClassVar[dict[str, Any]] = {
        "status": "done",
        "conversation_id": _CONVERSATION,
        "score": 50,
        "message_scores": {_MESSAGE: 50},
        "findings": [
            {
                "rule": "price_promise",
                "category": "accuracy",
                "severity": "critical",
                "title": "The AI names a price or makes a promise",
                "description": "Whoever reads this may hold us to it.",
                "suggestion": "Say what the price depends on, and offer a call.",
                "suggested_text": None,
                "quotes": [{"message_id": _MESSAGE, "words": "£500 off"}],
            }
        ],
        "insight_ids": ["01890a5d-b000-7d1a-9e2b-3c4d5e6f7a8b"],
    }
