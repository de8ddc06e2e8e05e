"""What people say of lessons, and what they are shown."""

from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal
from uuid import UUID

from msgspec import UNSET, Meta, UnsetType, field

from application.ports import Command, Filter, View
from domain.coaching.clashes import ClashKind
from domain.coaching.lesson import MOST_TAGS, LessonScope, LessonStatus, LessonType

Title = Annotated[str, Meta(min_length=1, max_length=200, pattern=r"\S")]
Prose = Annotated[str, Meta(max_length=4000)]
Text = Annotated[str, Meta(min_length=1, max_length=4000, pattern=r"\S")]
Tag = Annotated[str, Meta(min_length=1, max_length=60, pattern=r"\S")]
Tags = Annotated[list[Tag], Meta(max_length=MOST_TAGS)]
Priority = Annotated[int, Meta(ge=1, le=10)]
AcceptClash = Annotated[
    bool, Meta(description="Decides for the lesson although it clashes with others, which the refusal named.")
]


class ExampleMessage(Command, frozen=True):
    """Be one message of an example; `from` says whose."""

    content: Annotated[str, Meta(min_length=1, max_length=1600)]
    by: Literal["ai", "lead"] = field(name="from")
    annotation: Annotated[str, Meta(max_length=1000)] | None = None


class ExampleConversation(Command, frozen=True):
    """Show how it went, or should have gone."""

    messages: Annotated[list[ExampleMessage], Meta(min_length=1, max_length=30)]


class NewLesson(Command, frozen=True):
    """Write a lesson; a universal one is for platform administrators."""

    lesson_type: LessonType
    title: Title
    description: Text
    scope: LessonScope = LessonScope.CLIENT_SPECIFIC
    status: Literal["active", "testing"] = "active"
    trigger: Text | None = None
    correct_response: Text | None = None
    incorrect_response: Text | None = None
    reasoning: Prose = ""
    tags: Tags = []
    priority: Priority = 5
    example_conversation: ExampleConversation | None = None
    accept_clash: AcceptClash = False
    example: ClassVar[dict[str, Any]] = {
        "lesson_type": "objection_handling",
        "title": "Too expensive",
        "description": "Do not argue about money; offer a look at the options.",
        "trigger": "They say that it is too expensive",
        "correct_response": "I understand. There are ways to bring it down; shall we go through them on a call?",
        "reasoning": "Who was offered options booked twice as often.",
        "tags": ["money"],
        "priority": 8,
    }


class ChangeLesson(Command, frozen=True):
    """Change what is named; null takes a value away. Scope stays as it is."""

    lesson_type: LessonType | UnsetType = UNSET
    title: Title | UnsetType = UNSET
    description: Text | UnsetType = UNSET
    status: LessonStatus | UnsetType = UNSET
    trigger: Text | UnsetType | None = UNSET
    correct_response: Text | UnsetType | None = UNSET
    incorrect_response: Text | UnsetType | None = UNSET
    reasoning: Prose | UnsetType = UNSET
    tags: Tags | UnsetType = UNSET
    priority: Priority | UnsetType = UNSET
    example_conversation: ExampleConversation | UnsetType | None = UNSET
    accept_clash: AcceptClash = False
    example: ClassVar[dict[str, Any]] = {"priority": 9, "tags": ["money", "calls"]}


class LessonFilter(Filter, frozen=True):
    """Narrow the list of lessons; archived ones are shown where `status` asks for them."""

    lesson_type: LessonType | None = None
    scope: LessonScope | None = None
    status: LessonStatus | None = None
    search: Annotated[str, Meta(min_length=1, max_length=200)] | None = None
    tags: Annotated[list[Tag], Meta(max_length=MOST_TAGS)] | None = None


class Rate(View, frozen=True):
    """Show a share of 0 to 1 with its interval of 95 % (Wilson); null where nothing was counted."""

    value: float | None
    low: float | None
    high: float | None


class AcceptedClashView(View, frozen=True):
    """Show which lesson one clashes with, and who decided for both all the same."""

    kind: ClashKind
    lesson_id: UUID
    title: str
    accepted_by: UUID | None
    accepted_at: datetime


class CountedRate(Rate, frozen=True):
    """Show in how many conversations, and which share of those that a lesson was applied in that is."""

    count: int


class Followed(View, frozen=True):
    """Show what came within seven days of its messages: any answer, a good one, a booked call, an opt-out."""

    replied: CountedRate
    positive: CountedRate
    booked: CountedRate
    opted_out: CountedRate


class LessonView(View, frozen=True):
    """Show a lesson, how often it was applied, in how many conversations, in how many of those it succeeded."""

    id: UUID
    lesson_type: LessonType
    scope: LessonScope
    status: LessonStatus
    title: str
    description: str
    trigger: str | None
    correct_response: str | None
    incorrect_response: str | None
    reasoning: str
    tags: list[str]
    priority: int
    example_conversation: dict[str, Any] | None
    accepted_clashes: list[AcceptedClashView]
    insight_id: UUID | None
    created_by: UUID | None
    created_at: datetime
    updated_at: datetime
    times_applied: int
    conversations: int
    success_rate: Rate
    followed_by: Followed
    version: int
    example: ClassVar[dict[str, Any]] = {
        "id": "01938c5e-9b1a-7c3e-8f00-5a2b6c7d8ea4",
        "lesson_type": "objection_handling",
        "scope": "client_specific",
        "status": "active",
        "title": "Too expensive",
        "description": "Do not argue about money; offer a look at the options.",
        "trigger": "They say that it is too expensive",
        "correct_response": "I understand. There are ways to bring it down; shall we go through them on a call?",
        "incorrect_response": None,
        "reasoning": "Who was offered options booked twice as often.",
        "tags": ["money"],
        "priority": 8,
        "example_conversation": None,
        "accepted_clashes": [],
        "insight_id": None,
        "created_by": "01938c5e-9b1a-7c3e-8f00-5a2b6c7d8ea5",
        "created_at": "2026-03-22T09:00:00.000000Z",
        "updated_at": "2026-03-22T09:00:00.000000Z",
        "times_applied": 52,
        "conversations": 40,
        "success_rate": {"value": 0.25, "low": 0.1419, "high": 0.402},
        "followed_by": {
            "replied": {"count": 22, "value": 0.55, "low": 0.3983, "high": 0.6929},
            "positive": {"count": 9, "value": 0.225, "low": 0.1232, "high": 0.3750},
            "booked": {"count": 4, "value": 0.1, "low": 0.0396, "high": 0.2305},
            "opted_out": {"count": 1, "value": 0.025, "low": 0.0044, "high": 0.1288},
        },
        "version": 1,
    }
