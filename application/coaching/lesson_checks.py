"""Checking a lesson against the others before it becomes active: the person sees what it clashes with, and decides."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from application.coaching.model_access import ModelAccess
from application.model_calls import Access
from application.ports import Actor, UnitOfWork
from application.provider import ProviderError, provider_port
from domain.coaching.clashes import Clash, Teaching, clashes
from domain.coaching.lesson import Lesson
from domain.identity.role import Permission
from domain.kernel import Conflict


@provider_port
class LessonChecker(Protocol):
    """Tell which lessons say the same as a new one, or the contrary."""

    async def check(self, lesson: Teaching, others: Sequence[Teaching], access: Access) -> Sequence[Clash]:
        """Compare, or raise `Rejected`, `Unavailable`, `Unknown` or `Unusable`."""
        ...


class KnownLessons(Protocol):
    """Know what is taught, within the open unit of work."""

    async def known(self) -> Sequence[Teaching]:
        """Give what every lesson in use teaches."""
        ...


@dataclass(frozen=True)
class LessonChecks:
    """Check lessons."""

    actor: Actor
    uow: UnitOfWork
    lessons: KnownLessons
    checker: LessonChecker
    access: ModelAccess

    async def check(self, lesson: Teaching) -> Collection[UUID]:
        """Refuse a lesson that clashes (`Conflict`, naming with which); gives the lessons that it was compared with.

        What the words alone show counts whatever the model says, and where it cannot be asked nothing else does: a
        lesson never waits for a provider.
        """
        self.actor.require(Permission.LESSONS_WRITE)
        async with self.uow:  # takes a request's key: a repeated one is answered, not compared with what it made
            others = [other for other in await self.lessons.known() if other.id != lesson.id]
        async with self.uow.reading():  # and holds nothing open while the model is asked
            access = await self.access.access()
        by_words = clashes(lesson, others)
        try:
            found = await self.checker.check(lesson, others, access)
        except ProviderError:
            found = ()
        named = {clash.lesson_id for clash in found}
        _refuse([*found, *(clash for clash in by_words if clash.lesson_id not in named)])
        return {other.id for other in others}

    def refuse_unseen(self, lesson: Teaching, known: Sequence[Teaching], seen: Collection[UUID]) -> None:
        """Refuse a clash with a lesson that was written since the check."""
        _refuse(clashes(lesson, [other for other in known if other.id not in seen]))


def _refuse(found: Sequence[Clash]) -> None:
    if not found:
        return
    details = [(f"{clash.kind.value}:{clash.lesson_id}", f"“{clash.title}”: {clash.why}") for clash in found]
    raise Conflict(
        f"This lesson clashes with “{found[0].title}”. Change one of them, or decide by accept_clash.", details=details
    )


def teaching(lesson: Lesson) -> Teaching:
    """Give what a lesson teaches."""
    return Teaching(
        lesson.id,
        lesson.title,
        lesson.description,
        lesson.trigger,
        lesson.correct_response,
        lesson.incorrect_response,
    )
