"""A lesson: what people taught the AI, in words that go into its prompts."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar
from uuid import UUID

from domain.kernel import Conflict, Entity, Event, Invalid

MOST_TAGS = 20
SAY = "Say: "
"""What stands in an instruction before words that are meant for the lead."""


class LessonType(StrEnum):
    """Name what a lesson is about."""

    OBJECTION_HANDLING = "objection_handling"
    DOS_DONTS = "dos_donts"
    TONE = "tone"
    QUALIFICATION = "qualification"
    BOOKING = "booking"
    FOLLOW_UP = "follow_up"
    COMPLIANCE = "compliance"
    OTHER = "other"


class LessonScope(StrEnum):
    """Name for whom a lesson holds: one organisation, or all of them."""

    CLIENT_SPECIFIC = "client_specific"
    UNIVERSAL = "universal"


class LessonStatus(StrEnum):
    """Name where a lesson stands: only active ones go live; testing ones are seen in previews alone."""

    ACTIVE = "active"
    TESTING = "testing"
    ARCHIVED = "archived"


@dataclass(frozen=True, slots=True, kw_only=True)
class AcceptedClash:
    """Hold which lesson one clashes with, and who decided for both all the same."""

    kind: str
    lesson_id: UUID
    title: str
    accepted_by: UUID | None
    accepted_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class LessonLearned(Event):
    """Say that a lesson was written, by hand or from an insight; `accepted` names clashes as their refusal does."""

    type: ClassVar[str] = "lesson.learned"
    insight_id: UUID | None
    accepted: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LessonChanged(Event):
    """Say which fields of a lesson changed, by their names, and which clashes were accepted for it."""

    type: ClassVar[str] = "lesson.changed"
    changed: tuple[str, ...]
    accepted: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LessonArchived(Event):
    """Say that a lesson was put away; what was learned is never deleted."""

    type: ClassVar[str] = "lesson.archived"


@dataclass(slots=True, kw_only=True)
class Lesson(Entity):
    """Be one lesson; `mutes` is the fingerprint of the findings that it teaches the reviewer not to raise.

    A universal one belongs to no organisation: `organization_id` is then whose eyes it is seen with.
    """

    lesson_type: LessonType
    scope: LessonScope = LessonScope.CLIENT_SPECIFIC
    status: LessonStatus = LessonStatus.ACTIVE
    title: str
    description: str
    trigger: str | None = None
    correct_response: str | None = None
    incorrect_response: str | None = None
    reasoning: str = ""
    tags: tuple[str, ...] = ()
    priority: int = 5
    example_conversation: dict[str, Any] | None = None
    accepted_clashes: tuple[AcceptedClash, ...] = ()
    insight_id: UUID | None = None
    mutes: str | None = None
    created_by: UUID | None = None
    created_at: datetime
    updated_at: datetime

    def __post_init__(self) -> None:
        self._check()

    def _check(self) -> None:
        self.title = " ".join(self.title.split())
        self.description = self.description.strip()
        self.tags = tuple(sorted({tag.strip().lower() for tag in self.tags} - {""}))
        if not self.title:
            raise Invalid("A lesson needs a title.", field="title")
        if not self.description:
            raise Invalid("A lesson needs a description.", field="description")
        if not 1 <= self.priority <= 10:
            raise Invalid("A priority is a number from 1 to 10.", field="priority")
        if len(self.tags) > MOST_TAGS:
            raise Invalid(f"A lesson has at most {MOST_TAGS} tags.", field="tags")

    @property
    def instruction(self) -> str:
        """Put it as it stands in a prompt."""
        parts = [f"{self.title}: {self.description}"]
        if self.trigger:
            parts.append(f"When: {self.trigger}")
        if self.correct_response:
            parts.append(f"{SAY}{self.correct_response}")
        if self.incorrect_response:
            parts.append(f"Never: {self.incorrect_response}")
        return "\n".join(parts)

    @property
    def accepted(self) -> tuple[str, ...]:
        """Name the clashes that somebody decided for."""
        return tuple(f"{clash.kind}:{clash.lesson_id}" for clash in self.accepted_clashes)

    def learned(self) -> LessonLearned:
        """Tell of the making."""
        return LessonLearned(subject=self.id, insight_id=self.insight_id, accepted=self.accepted)

    def change(self, values: Mapping[str, Any], at: datetime) -> LessonChanged | LessonArchived | None:
        """Take new values by field name; None when nothing is different."""
        changed = tuple(sorted(name for name, value in values.items() if getattr(self, name) != value))
        if not changed:
            return None
        was = self.status
        for name in changed:
            setattr(self, name, values[name])
        self.updated_at = at
        self._check()
        if was is not self.status is LessonStatus.ARCHIVED:
            return LessonArchived(subject=self.id)
        return LessonChanged(subject=self.id, changed=changed)

    def archive(self, at: datetime) -> LessonArchived:
        """Put it away, or refuse where it is already (`Conflict`)."""
        if self.status is LessonStatus.ARCHIVED:
            raise Conflict("This lesson is archived already.")
        self.status, self.updated_at = LessonStatus.ARCHIVED, at
        return LessonArchived(subject=self.id)
