"""Checking a lesson against the others before it becomes active: the person sees what it clashes with, and decides."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from application.coaching.model_access import ModelAccess
from application.model_calls import Access, Unusable, Usage
from application.model_spending import Spending
from application.ports import Actor, UnitOfWork
from application.provider import NotConfigured, ProviderError, provider_port
from domain.coaching.clashes import SAME, SURE, Clash, Teaching, clashes
from domain.coaching.lesson import Lesson
from domain.identity.role import Permission
from domain.kernel import Conflict


@dataclass(frozen=True, slots=True)
class Comparison:
    """Hold the clashes that were found, and what finding them cost."""

    clashes: Sequence[Clash]
    usage: Usage


@provider_port
class LessonChecker(Protocol):
    """Tell which lessons say the same as a new one, or the contrary."""

    async def check(self, lesson: Teaching, others: Sequence[Teaching], access: Access) -> Comparison:
        """Compare, or raise `Rejected`, `Unavailable`, `Unknown` or `Unusable`."""
        ...


class KnownLessons(Protocol):
    """Know what is taught, within the open unit of work."""

    async def known(self) -> Sequence[Teaching]:
        """Give what every lesson in use teaches: active and testing ones, universal ones among them."""
        ...


@dataclass(frozen=True, slots=True)
class Checked:
    """Hold what was checked, and against what it was: whatever is different when it is written is checked then.

    `clashes` are those that were found and are accepted.
    """

    taught: Teaching
    others: frozenset[Teaching]
    clashes: Sequence[Clash] = ()


@dataclass(frozen=True)
class LessonChecks:
    """Check lessons."""

    actor: Actor
    uow: UnitOfWork
    lessons: KnownLessons
    checker: LessonChecker
    access: ModelAccess
    spending: Spending

    async def check(self, lesson: Teaching, *, accept: bool = False) -> Checked:
        """Refuse a lesson that clashes (`Conflict`, naming with which) unless that is accepted; gives what it saw.

        What the words alone show clearly counts whatever the model says, and where it cannot be asked, or the day's
        budget is used up, nothing else does: a lesson never waits for a provider.
        """
        self.actor.require(Permission.LESSONS_WRITE)
        async with self.uow:  # takes a request's key: a repeated one is answered, not compared with what it made
            others = [other for other in await self.lessons.known() if other.id != lesson.id]
        asked = await self._asked(lesson, others)
        found, alike = ((), SAME) if asked is None else (asked, SURE)
        by_words = await asyncio.to_thread(clashes, lesson, others, alike)  # others' requests do not wait for it
        together = _each_once([*found, *by_words])
        if not accept:
            _refuse(together)
        return Checked(lesson, frozenset(others), together)

    async def _asked(self, lesson: Teaching, others: Sequence[Teaching]) -> Sequence[Clash] | None:
        """Give what the model finds, None where it is not asked or does not say."""
        try:
            async with self.uow.reading():  # and holds nothing open while the model is asked
                access = await self.access.access()
                if await self.spending.is_spent():
                    return None
            compared = await self.checker.check(lesson, others, access)
        except Unusable as error:
            await self._note(error.usage)
            return None
        except (ProviderError, NotConfigured):
            return None
        await self._note(compared.usage)
        return compared.clashes

    async def _note(self, usage: Usage) -> None:
        if usage.cost_micros:
            async with self.uow:
                await self.spending.note("lesson_check", usage.cost_micros)

    def settle(
        self, lesson: Teaching, known: Sequence[Teaching], checked: Checked | None, *, accept: bool
    ) -> Sequence[Clash]:
        """Refuse a clash with what was written or changed since the check; with anything, where this is not checked.

        Gives the clashes where they are accepted.
        """
        is_checked = checked is not None and replace(checked.taught, id=lesson.id) == lesson
        before = checked if checked is not None and is_checked else Checked(lesson, frozenset())
        unseen = clashes(lesson, [other for other in known if other not in before.others])
        if not accept:
            _refuse(unseen)
        return _each_once([*before.clashes, *unseen])


def _each_once(found: Sequence[Clash]) -> list[Clash]:
    """Keep what was found first of each lesson."""
    return list({clash.lesson_id: clash for clash in reversed(found)}.values())[::-1]


def _refuse(found: Sequence[Clash]) -> None:
    if not found:
        return
    details = [(f"{clash.kind.value}:{clash.lesson_id}", f"“{clash.title}”: {clash.why}") for clash in found]
    raise Conflict(
        f"This lesson clashes with “{found[0].title}”. Change one of them, or decide by accept_clash.", details=details
    )


def teaching(lesson: Lesson) -> Teaching:
    """Give what a lesson teaches."""
    return Teaching.of(
        lesson.id,
        lesson.title,
        lesson.description,
        lesson.trigger,
        lesson.correct_response,
        lesson.incorrect_response,
    )
