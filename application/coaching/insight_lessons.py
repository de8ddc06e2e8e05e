"""Insights of which people make lessons: what they agree with, and what they teach the coach instead."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, ClassVar, Protocol
from uuid import UUID

import msgspec

from application.coaching.insight_forms import Note
from application.coaching.lesson_checks import LessonChecks
from application.coaching.lessons import Learning, Lessons
from application.ports import Actor, Clock, Command, UnitOfWork, View, require_version
from domain.coaching.insight import Insight, InsightStatus
from domain.coaching.lesson import Lesson, LessonStatus, LessonType
from domain.coaching.taught import Material, lesson_type
from domain.identity.role import Permission

_LESSON = {
    "id": "01890a5d-b100-7c2d-8e3f-4a5b6c7d8e9f",
    "title": "The AI names a price or makes a promise",
    "lesson_type": "dos_donts",
    "status": "active",
    "created_at": "2027-03-22T11:00:00Z",
}


class AgreeWithInsight(Command, frozen=True):
    """Agree, and say what is to be learned from it."""

    learning_note: Note
    lesson_title: Annotated[str, msgspec.Meta(min_length=1, max_length=200)] | None = None
    lesson_priority: Annotated[int, msgspec.Meta(ge=1, le=10)] = 5
    accept_clash: bool = False
    example: ClassVar[dict[str, Any]] = {"learning_note": "We never name a price by text.", "lesson_priority": 8}


class DisagreeWithInsight(Command, frozen=True):
    """Disagree, and teach the coach why it is no fault and how it should be."""

    teaching_note: Note
    correct_approach: Note
    accept_clash: bool = False
    example: ClassVar[dict[str, Any]] = {
        "teaching_note": "Our customers like one exclamation mark too many.",
        "correct_approach": "Exclamation marks are welcome in our texts.",
    }


class LessonOfInsight(msgspec.Struct, frozen=True, kw_only=True):
    """Show the lesson that was made."""

    id: UUID
    title: str
    lesson_type: LessonType
    status: LessonStatus
    created_at: datetime


class LearnedView(View, frozen=True):
    """Show what was learned of an insight; it reaches answers with the next prompt that is made live."""

    lesson: LessonOfInsight
    insight_updated: bool
    example: ClassVar[dict[str, Any]] = {"lesson": _LESSON, "insight_updated": True}


class TaughtView(View, frozen=True):
    """Show what the coach was taught: it does not raise this again while the lesson is active."""

    lesson: LessonOfInsight
    coach_updated: bool
    example: ClassVar[dict[str, Any]] = {"lesson": _LESSON, "coach_updated": True}


class DecidedInsights(Protocol):
    """Keep insights while people decide about them."""

    async def locked(self, identifier: UUID) -> Insight:
        """Load one, locked; refuse with `NotFound` what the actor does not see, `Forbidden` what they see a part of."""
        ...

    async def material(self, identifier: UUID) -> Material:
        """Give what its latest evidence suggests."""
        ...

    async def lead_of(self, identifier: UUID) -> UUID | None:
        """Name the lead of the latest evidence."""
        ...

    async def save(self, entity: Insight) -> None:
        """Update one; refuse with `Stale` when another change was saved since it was loaded."""
        ...


@dataclass(frozen=True)
class InsightLessons:
    """Make lessons of insights."""

    actor: Actor
    uow: UnitOfWork
    clock: Clock
    insights: DecidedInsights
    lessons: Lessons
    checks: LessonChecks

    async def agree(self, identifier: UUID, command: AgreeWithInsight, version: int | None) -> LearnedView:
        """Make an active lesson of it."""
        self.actor.require(Permission.LESSONS_WRITE)
        insight, material = await self._open(identifier, version)
        learning = Learning(
            insight_id=insight.id,
            lesson_type=lesson_type(insight.rule, insight.category),
            title=command.lesson_title or insight.title,
            description=material.advice or insight.title,
            reasoning=f"Learned from what the coach found: {insight.title}.",
            note=command.learning_note,
            correct_response=material.wording,
            priority=command.lesson_priority,
        )
        decided = InsightStatus.APPROVED_AND_LEARNED
        lesson = await self._learn(learning, decided, version, accept_clash=command.accept_clash)
        return LearnedView(lesson=_shown(lesson), insight_updated=True)

    async def disagree(self, identifier: UUID, command: DisagreeWithInsight, version: int | None) -> TaughtView:
        """Teach the coach that it is no fault; it is raised no more while the lesson is active."""
        self.actor.require(Permission.LESSONS_WRITE)
        insight, _ = await self._open(identifier, version)
        learning = Learning(
            insight_id=insight.id,
            lesson_type=LessonType.DOS_DONTS,
            title=f"No fault: {insight.title}",
            description=command.correct_approach,
            reasoning="",
            note=command.teaching_note,
            mutes=insight.fingerprint,
        )
        lesson = await self._learn(learning, InsightStatus.TAUGHT_SOPHIE, version, accept_clash=command.accept_clash)
        return TaughtView(lesson=_shown(lesson), coach_updated=True)

    async def _open(self, identifier: UUID, version: int | None) -> tuple[Insight, Material]:
        """Read what the lesson is made of, or refuse what may not be decided."""
        async with self.uow:
            insight = await self.insights.locked(identifier)
            require_version(insight, version, ("status",), "insight")
            insight.require_open()
            return insight, await self.insights.material(identifier)

    async def _learn(
        self, learning: Learning, status: InsightStatus, version: int | None, *, accept_clash: bool
    ) -> Lesson:
        checked = await self.checks.check(learning.teaching, accept=accept_clash)
        async with self.uow:
            insight = await self.insights.locked(learning.insight_id)
            require_version(insight, version, ("status",), "insight")
            insight.require_open()
            lesson = await self.lessons.learn(learning, checked, accept=accept_clash)
            decided = insight.decide(
                status,
                by=self.actor.id,
                at=self.clock.now(),
                note=learning.note,
                lesson_id=lesson.id,
                lead_id=await self.insights.lead_of(insight.id),
            )
            await self.insights.save(insight)
            self.uow.publish(decided)
            return lesson


def _shown(lesson: Lesson) -> LessonOfInsight:
    return LessonOfInsight(
        id=lesson.id,
        title=lesson.title,
        lesson_type=lesson.lesson_type,
        status=lesson.status,
        created_at=lesson.created_at,
    )
