"""The organisation's tags."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal, Protocol
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from application.ports import (
    Actor,
    Clock,
    Command,
    Filter,
    Found,
    PageRequest,
    Store,
    UnitOfWork,
    View,
    require_version,
)
from domain.identity.role import Permission
from domain.kernel import Conflict, new_id
from domain.sales.tag import Tag

Name = Annotated[str, Meta(min_length=1, max_length=100, pattern=r"\S")]
Color = Annotated[str, Meta(min_length=1, max_length=30)]
Description = Annotated[str, Meta(max_length=1000)]
Position = Annotated[int, Meta(ge=-2_147_483_648, le=2_147_483_647)]


class NewTag(Command, frozen=True):
    """Make a tag of one's own; the slug is what leads are marked with."""

    slug: Annotated[str, Meta(pattern=r"^[a-z0-9-]{1,100}$")]
    name: Name
    color: Color | None = None
    description: Description | None = None
    example: ClassVar[dict[str, Any]] = {"slug": "hot-list", "name": "Hot list", "color": "#b91c1c"}


class ChangeTag(Command, frozen=True):
    """Change what is named; null takes a value away. The slug stays."""

    name: Name | UnsetType = UNSET
    color: Color | UnsetType | None = UNSET
    sort_order: Position | UnsetType = UNSET
    is_active: bool | UnsetType = UNSET
    description: Description | UnsetType | None = UNSET
    example: ClassVar[dict[str, Any]] = {"name": "Very hot list", "description": "Ring these first."}


class TagFilter(Filter, frozen=True):
    """Narrow the list of tags; without `active` those in use are shown."""

    category: Annotated[str, Meta(max_length=100)] | None = None
    active: Literal["true", "false", "all"] = "true"


class TagView(View, frozen=True):
    """Show a tag."""

    id: UUID
    slug: str
    name: str
    category: str
    color: str | None
    description: str | None
    sort_order: int
    is_system: bool
    is_active: bool
    created_at: datetime
    version: int
    example: ClassVar[dict[str, Any]] = {
        "id": "01938c5e-9b1a-7c3e-8f00-5a2b6c7d8ea4",
        "slug": "spoke-to-owner",
        "name": "Spoke to the owner",
        "category": "CUSTOM",
        "color": "#2266aa",
        "description": None,
        "sort_order": 0,
        "is_system": False,
        "is_active": True,
        "created_at": "2026-03-22T09:00:00.000000Z",
        "version": 1,
    }


class TagStore(Store[Tag], Protocol):
    """Keep tags."""

    async def locked(self, identifier: UUID) -> Tag:
        """Load one and keep others from changing it, or refuse with `NotFound`."""
        ...

    async def find(self, narrowed: TagFilter, page: PageRequest) -> Found:
        """List tags by their slugs."""
        ...

    async def show(self, identifier: UUID) -> msgspec.Raw:
        """Show one (`TagView`)."""
        ...


@dataclass(frozen=True)
class Tags:
    """Work the list of tags."""

    actor: Actor
    uow: UnitOfWork
    clock: Clock
    tags: TagStore

    async def find(self, narrowed: TagFilter, page: PageRequest) -> Found:
        """List tags."""
        self.actor.require(Permission.TAGS_READ)
        async with self.uow.reading():
            return await self.tags.find(narrowed, page)

    async def create(self, command: NewTag) -> msgspec.Raw:
        """Make a tag, or refuse a second with the same slug (`Duplicate`)."""
        self.actor.require(Permission.TAGS_WRITE)
        async with self.uow:
            tag = Tag(
                id=new_id(),
                organization_id=self.actor.organization_id,
                slug=command.slug,
                name=command.name.strip(),
                color=command.color,
                description=command.description,
                created_at=self.clock.now(),
            )
            created = tag.created()
            await self.tags.add(tag)
            self.uow.publish(created)
            return await self.tags.show(tag.id)

    async def change(self, identifier: UUID, command: ChangeTag, version: int | None) -> msgspec.Raw:
        """Change a tag of one's own."""
        self.actor.require(Permission.TAGS_WRITE)
        values = {
            name: value
            for name in command.__struct_fields__
            if not isinstance(value := getattr(command, name), UnsetType)
        }
        async with self.uow:
            tag = await self.tags.locked(identifier)
            require_version(tag, version, values, "tag")
            changed = tag.change(values)
            if changed is not None:
                await self.tags.save(tag)
                self.uow.publish(changed)
            return await self.tags.show(identifier)

    async def delete(self, identifier: UUID) -> None:
        """Delete a tag of one's own that no lead has."""
        self.actor.require(Permission.TAGS_WRITE)
        async with self.uow:
            tag = await self.tags.locked(identifier)
            deleted = tag.delete()
            try:
                await self.tags.remove(tag)
            except Conflict:
                raise Conflict("Leads have this tag; take it off them first.") from None
            self.uow.publish(deleted)
