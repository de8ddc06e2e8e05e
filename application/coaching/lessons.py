"""Lessons: written by people, by hand or from insights, and checked against one another before they hold."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol
from uuid import UUID

import msgspec
from msgspec import UnsetType

from application.coaching.lesson_checks import Checked, KnownLessons, LessonChecks, teaching
from application.coaching.lesson_forms import ChangeLesson, LessonFilter, NewLesson
from application.coaching.prompt_ports import ActiveLessons
from application.ports import Actor, Clock, Found, PageRequest, Store, UnitOfWork, require_version, within
from domain.coaching.clashes import Teaching
from domain.coaching.lesson import AcceptedClash, Lesson, LessonChanged, LessonScope, LessonStatus, LessonType
from domain.identity.role import Permission
from domain.kernel import Conflict, Forbidden, new_id

MOST_IN_USE = 500
"""Lessons that an organisation has active or in testing at once, universal ones among them."""


class LessonStore(Store[Lesson], KnownLessons, ActiveLessons, Protocol):
    """Keep the organisation's lessons, and show those of the platform beside them."""

    async def locked(self, identifier: UUID) -> Lesson:
        """Load one of either, and keep others from changing it, or refuse with `NotFound`."""
        ...

    async def hold(self, *, universal: bool = False) -> None:
        """Keep others from adding lessons until the unit of work ends: those of the organisation, or of all."""
        ...

    async def find(self, narrowed: LessonFilter, page: PageRequest) -> Found:
        """List lessons."""
        ...

    async def show(self, identifier: UUID) -> msgspec.Raw:
        """Show one (`LessonView`)."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Learning:
    """Hold what an insight teaches, and the note of whoever decided on it."""

    insight_id: UUID
    lesson_type: LessonType
    title: str
    description: str
    reasoning: str
    note: str
    correct_response: str | None = None
    priority: int = 5
    mutes: str | None = None

    @property
    def teaching(self) -> Teaching:
        """Give what it would teach, to be checked before."""
        return Teaching.of(self.insight_id, self.title, self.description, correct_response=self.correct_response)


@dataclass(frozen=True)
class Lessons:
    """Teach the AI."""

    actor: Actor
    uow: UnitOfWork
    clock: Clock
    lessons: LessonStore
    checks: LessonChecks

    async def find(self, narrowed: LessonFilter, page: PageRequest) -> Found:
        """List lessons."""
        self.actor.require(Permission.COACH_READ)
        async with self.uow.reading():
            return await self.lessons.find(narrowed, page)

    async def show(self, identifier: UUID) -> msgspec.Raw:
        """Show a lesson."""
        self.actor.require(Permission.COACH_READ)
        async with self.uow.reading():
            return await self.lessons.show(identifier)

    async def create(self, command: NewLesson) -> msgspec.Raw:
        """Write a lesson, or refuse one that clashes with others (`Conflict`) unless that is accepted."""
        self.actor.require(Permission.LESSONS_WRITE)
        self._require_scope(command.scope)
        identifier = new_id()
        taught = Teaching.of(
            identifier,
            command.title,
            command.description,
            command.trigger,
            command.correct_response,
            command.incorrect_response,
        )
        is_active = command.status == "active"
        checked = await self.checks.check(taught, accept=command.accept_clash) if is_active else None
        async with self.uow:
            now = self.clock.now()
            lesson = Lesson(
                id=identifier,
                organization_id=self.actor.organization_id,
                lesson_type=command.lesson_type,
                scope=command.scope,
                status=LessonStatus(command.status),
                title=command.title,
                description=command.description,
                trigger=command.trigger,
                correct_response=command.correct_response,
                incorrect_response=command.incorrect_response,
                reasoning=command.reasoning,
                tags=tuple(command.tags),
                priority=command.priority,
                example_conversation=_example(command.example_conversation),
                created_by=self.actor.id,
                created_at=now,
                updated_at=now,
            )
            await self._add(lesson, checked, accept=command.accept_clash)
            return await self.lessons.show(lesson.id)

    async def change(self, identifier: UUID, command: ChangeLesson, version: int | None) -> msgspec.Raw:
        """Change a lesson; what an active one says then is checked like a new one."""
        self.actor.require(Permission.LESSONS_WRITE)
        values = _changed(command)
        checked = await self._checked(identifier, values, accept=command.accept_clash)
        async with self.uow:
            lesson = await self._writable(identifier)
            require_version(lesson, version, values, "lesson")
            was, was_active = lesson.status, _active(lesson)
            changed = lesson.change(values, self.clock.now())
            if changed is not None:
                is_other = _active(lesson) not in (None, was_active)
                if is_other or was is LessonStatus.ARCHIVED:
                    known = await self._held(lesson, adds=was is LessonStatus.ARCHIVED)
                    if is_other:
                        self._settle(lesson, known, checked, accept=command.accept_clash)
                        if isinstance(changed, LessonChanged):
                            changed = replace(changed, accepted=lesson.accepted)
                await self.lessons.save(lesson)
                self.uow.publish(changed)
            return await self.lessons.show(identifier)

    async def archive(self, identifier: UUID) -> None:
        """Put a lesson away; prompts that are live keep it until the next is made live."""
        self.actor.require(Permission.LESSONS_WRITE)
        async with self.uow:
            lesson = await self._writable(identifier)
            archived = lesson.archive(self.clock.now())
            await self.lessons.save(lesson)
            self.uow.publish(archived)

    @within
    async def learn(self, learning: Learning, checked: Checked, *, accept: bool) -> Lesson:
        """Make an active lesson of an insight; `checked` is what `LessonChecks` gave."""
        now = self.clock.now()
        lesson = Lesson(
            organization_id=self.actor.organization_id,
            lesson_type=learning.lesson_type,
            title=learning.title,
            description=learning.description,
            correct_response=learning.correct_response,
            reasoning="\n\n".join(part for part in (learning.reasoning.strip(), learning.note.strip()) if part),
            priority=learning.priority,
            insight_id=learning.insight_id,
            mutes=learning.mutes,
            created_by=self.actor.id,
            created_at=now,
            updated_at=now,
        )
        await self._add(lesson, checked, accept=accept)
        return lesson

    async def _add(self, lesson: Lesson, checked: Checked | None, *, accept: bool) -> None:
        known = await self._held(lesson, adds=True)
        if checked is not None:
            self._settle(lesson, known, checked, accept=accept)
        await self.lessons.add(lesson)
        self.uow.publish(lesson.learned())

    def _settle(self, lesson: Lesson, known: Sequence[Teaching], checked: Checked | None, *, accept: bool) -> None:
        """Refuse clashes, or write down who decided for which."""
        lesson.accepted_clashes = tuple(
            AcceptedClash(
                kind=clash.kind.value,
                lesson_id=clash.lesson_id,
                title=clash.title,
                accepted_by=self.actor.id,
                accepted_at=self.clock.now(),
            )
            for clash in self.checks.settle(teaching(lesson), known, checked, accept=accept)
        )

    async def _held(self, lesson: Lesson, *, adds: bool) -> Sequence[Teaching]:
        """Give what is taught while nobody else can add to it, or refuse one too many (`Conflict`)."""
        await self.lessons.hold(universal=lesson.scope is LessonScope.UNIVERSAL)
        known = await self.lessons.known()
        if adds and lesson.status is not LessonStatus.ARCHIVED and len(known) >= MOST_IN_USE:
            raise Conflict(f"{MOST_IN_USE} lessons are in use; archive some before another.")
        return known

    async def _writable(self, identifier: UUID) -> Lesson:
        lesson = await self.lessons.locked(identifier)
        self._require_scope(lesson.scope)
        return lesson

    def _require_scope(self, scope: LessonScope) -> None:
        if scope is LessonScope.UNIVERSAL and Permission.PLATFORM not in self.actor.permissions:
            raise Forbidden("Universal lessons are written by administrators of the platform.")

    async def _checked(self, identifier: UUID, values: Mapping[str, Any], *, accept: bool) -> Checked | None:
        """Check what the lesson would say, where that is new and it would be active."""
        async with self.uow.reading():
            lesson = await self.lessons.get(identifier)
        self._require_scope(lesson.scope)
        was = _active(lesson)
        lesson.change(values, lesson.updated_at)
        taught = _active(lesson)
        return None if taught in (None, was) else await self.checks.check(taught, accept=accept)


def _active(lesson: Lesson) -> Teaching | None:
    """Give what a lesson teaches while it is active."""
    return teaching(lesson) if lesson.status is LessonStatus.ACTIVE else None


def _changed(command: ChangeLesson) -> dict[str, Any]:
    values = {
        name: value
        for name in command.__struct_fields__
        if name != "accept_clash" and not isinstance(value := getattr(command, name), UnsetType)
    }
    if "tags" in values:
        values["tags"] = tuple(sorted({tag.strip().lower() for tag in values["tags"]}))
    if "example_conversation" in values:
        values["example_conversation"] = _example(values["example_conversation"])
    return values


def _example(given: Any) -> dict[str, Any] | None:
    return None if given is None else msgspec.to_builtins(given)
