"""Lessons of an organisation, and of the platform beside them."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from adapters.persistence.database import PostgresUnitOfWork
from adapters.persistence.finder import Finder, Listing, json_object
from adapters.persistence.schema.coaching_lessons import lesson_figures, lessons, platform_lessons
from adapters.persistence.store import Layout, PostgresStore
from adapters.persistence.wilson import wilson
from application.coaching.lesson_forms import LessonFilter
from application.ports import Found, PageRequest
from domain.coaching.clashes import Teaching
from domain.coaching.lesson import Lesson, LessonScope, LessonStatus
from domain.kernel import NotFound

_COLUMNS = [column.name for column in platform_lessons.columns]
# Everybody's lessons stand in each organisation's list as if they were its own.
_ORGANIZATION = sa.literal_column("nullif(current_setting('rapport.organization_id', true), '')::uuid", sa.Uuid())
# Who of another organisation wrote one, and what it clashed with there, is nobody's business.
_WITHHELD: dict[str, sa.ColumnElement[Any]] = {
    "created_by": sa.cast(sa.null(), sa.Uuid()),
    "accepted_clashes": sa.cast(sa.literal_column("'[]'"), JSONB()),
}
_EVERYBODYS_SHOWN = [
    _WITHHELD[name].label(name) if name in _WITHHELD else platform_lessons.c[name] for name in _COLUMNS
]
_ALL = sa.union_all(
    sa.select(lessons.c.organization_id, *(lessons.c[name] for name in _COLUMNS)),
    sa.select(_ORGANIZATION.label("organization_id"), *_EVERYBODYS_SHOWN),
).subquery("lessons")
_COUNTED = {
    name: sa.func.coalesce(lesson_figures.c[name], 0)
    for name in ("applied", "conversations", "succeeded", "replied", "positive", "booked", "opted_out")
}
_SUCCESS = wilson(_COUNTED["succeeded"], _COUNTED["conversations"])


def _followed(name: str) -> sa.ColumnElement[Any]:
    # A process of the version before counts messages until it is gone: no more are shown than there are conversations.
    count = sa.func.least(_COUNTED[name], _COUNTED["conversations"])
    return json_object({"count": count, **wilson(count, _COUNTED["conversations"])})


_SHOWN = (
    "id", "lesson_type", "scope", "status", "title", "description", "trigger", "correct_response",
    "incorrect_response", "reasoning", "tags", "priority", "example_conversation", "accepted_clashes",
    "insight_id", "created_by", "created_at", "updated_at",
)  # fmt: skip
LESSONS = Listing(
    source=_ALL.outerjoin(
        lesson_figures,
        sa.and_(lesson_figures.c.organization_id == _ALL.c.organization_id, lesson_figures.c.lesson_id == _ALL.c.id),
    ),
    organization=_ALL.c.organization_id,
    identifier=_ALL.c.id,
    shown={
        **{name: _ALL.c[name] for name in _SHOWN},
        "times_applied": _COUNTED["applied"],
        "conversations": _COUNTED["conversations"],
        "success_rate": json_object(_SUCCESS),
        "followed_by": json_object({name: _followed(name) for name in ("replied", "positive", "booked", "opted_out")}),
        "version": _ALL.c.version,
    },
    sorts={
        "created": _ALL.c.created_at,
        "priority": _ALL.c.priority,
        "times_applied": _COUNTED["applied"],
        # By what is at least so: one of one is no better than nine of ten.
        "success_rate": sa.cast(sa.func.coalesce(_SUCCESS["low"], 0), sa.Float()),
    },
    default_sort="created",
    filters={
        "lesson_type": lambda p: _ALL.c.lesson_type == p,
        "scope": lambda p: _ALL.c.scope == p,
        "status": lambda p: _ALL.c.status == p,
        "in_use": lambda p: (_ALL.c.status != sa.literal_column("'archived'")) == p,
        "search": lambda p: _ALL.c.words.op("@@")(sa.func.websearch_to_tsquery(sa.literal_column("'english'"), p)),
        "tags": _ALL.c.tags.op("@>"),
    },
    types={"in_use": sa.Boolean(), "tags": sa.ARRAY(sa.Text())},
)
_EVERYBODYS = [name for name in Layout(Lesson, lessons).names if name != "organization_id"]
_TAUGHT = "id, title, description, trigger, correct_response, incorrect_response"
_KNOWN = f"""
SELECT {_TAUGHT} FROM lessons WHERE organization_id = $1 AND status <> 'archived'
UNION ALL SELECT {_TAUGHT} FROM platform_lessons WHERE status <> 'archived'
"""  # noqa: S608 - our own columns


class PostgresLessons(PostgresStore[Lesson]):
    """Be the `LessonStore` of the open unit of work."""

    entity = Lesson
    table = lessons
    noun = "lesson"

    def __init__(self, uow: PostgresUnitOfWork, finder: Finder) -> None:
        super().__init__(uow)
        self._finder = finder

    async def get(self, identifier: UUID) -> Lesson:
        """Load one of either."""
        return await self._either(identifier, "")

    async def locked(self, identifier: UUID) -> Lesson:
        """Load one of either, locked until the unit of work ends."""
        return await self._either(identifier, " FOR NO KEY UPDATE")

    async def _either(self, identifier: UUID, lock: str) -> Lesson:
        try:
            return await self._one("id = $2", identifier, lock=lock)
        except NotFound:
            row = await self.uow.connection.fetchrow(
                f"SELECT $1::uuid AS organization_id, {', '.join(_EVERYBODYS)} FROM platform_lessons"  # noqa: S608
                f" WHERE id = $2{lock}",
                self.uow.organization_id,
                identifier,
            )
            if row is None:
                raise
            return self.layout.read(row)

    async def add(self, entity: Lesson) -> None:
        """Insert one where its scope says."""
        if entity.scope is not LessonScope.UNIVERSAL:
            await super().add(entity)
            return
        await self.uow.connection.execute(
            f"INSERT INTO platform_lessons ({', '.join(_EVERYBODYS)})"  # noqa: S608
            f" VALUES ({', '.join(f'${n}' for n in range(1, len(_EVERYBODYS) + 1))})",
            *self._values(entity),
        )

    async def save(self, entity: Lesson) -> None:
        """Update one where its scope says, or refuse with `Stale`."""
        if entity.scope is not LessonScope.UNIVERSAL:
            await super().save(entity)
            return
        places = {name: place for place, name in enumerate(_EVERYBODYS, 1)}
        settable = [name for name in places if name not in ("id", "version")]
        done = await self.uow.connection.execute(
            "UPDATE platform_lessons SET version = version + 1, "  # noqa: S608
            + ", ".join(f"{name} = ${places[name]}" for name in settable)
            + f" WHERE id = ${places['id']} AND version = ${places['version']}",
            *self._values(entity),
        )
        if done == "UPDATE 0":
            raise self._stale()
        entity.version += 1

    def _values(self, entity: Lesson) -> list[Any]:
        row = zip(self.layout.names, self.layout.row(entity), strict=True)
        return [value for name, value in row if name != "organization_id"]

    async def hold(self, *, universal: bool = False) -> None:
        """Wait for others who add lessons; who adds for all waits for those first."""
        for held in [*(["universal"] if universal else []), str(self.uow.organization_id)]:
            await self.uow.connection.execute(
                "SELECT pg_advisory_xact_lock(hashtextextended('lessons/' || $1, 0))", held
            )

    async def known(self) -> Sequence[Teaching]:
        """Give what every lesson in use teaches."""
        rows = await self.uow.connection.fetch(_KNOWN, self.uow.organization_id)
        return [Teaching(*row.values()) for row in rows]

    async def active(self, *, testing: bool = False) -> Sequence[Lesson]:
        """Give the active ones, and those in testing if wanted: the most pressing first, then the older."""
        own, everybodys = ", ".join(self.layout.names), ", ".join(_EVERYBODYS)
        rows = await self.uow.connection.fetch(
            f"SELECT {own} FROM lessons WHERE organization_id = $1 AND status = ANY ($2)"  # noqa: S608
            f" UNION ALL SELECT $1, {everybodys} FROM platform_lessons WHERE status = ANY ($2)"
            " ORDER BY priority DESC, created_at, id",
            self.uow.organization_id,
            [LessonStatus.ACTIVE, LessonStatus.TESTING] if testing else [LessonStatus.ACTIVE],
        )
        return [self.layout.read(row) for row in rows]

    async def find(self, narrowed: LessonFilter, page: PageRequest) -> Found:
        """List them; archived ones where they are asked for."""
        if narrowed.tags is not None:
            narrowed = msgspec.structs.replace(narrowed, tags=[tag.strip().lower() for tag in narrowed.tags])
        return await self._finder.find(LESSONS, narrowed, page, {"in_use": True} if narrowed.status is None else {})

    async def show(self, identifier: UUID) -> msgspec.Raw:
        """Show one."""
        shown = await self._finder.one(LESSONS, identifier)
        if shown is None:
            raise NotFound("There is no such lesson.")
        return shown
