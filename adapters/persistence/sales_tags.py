"""Tags, which leads have them, and notes in PostgreSQL."""

from typing import Any
from uuid import UUID

import msgspec
import sqlalchemy as sa

from adapters.persistence.database import PostgresUnitOfWork
from adapters.persistence.finder import Finder, Listing, json_object
from adapters.persistence.schema.identity import accounts
from adapters.persistence.schema.sales import notes, tags
from adapters.persistence.store import PostgresStore
from application.ports import Filter, Found, PageRequest
from application.sales.tags import TagFilter
from domain.kernel import NotFound
from domain.sales.note import Note
from domain.sales.tag import Tag

TAGS = Listing(
    source=tags,
    organization=tags.c.organization_id,
    identifier=tags.c.id,
    shown={
        name: tags.c[name]
        for name in (
            "id",
            "slug",
            "name",
            "category",
            "color",
            "description",
            "sort_order",
            "is_system",
            "is_active",
            "created_at",
            "version",
        )
    },
    sorts={"slug": tags.c.slug},
    default_sort="slug",
    default_order="asc",
    filters={"category": lambda p: tags.c.category == p, "is_active": lambda p: tags.c.is_active == p},
    types={"is_active": sa.Boolean()},
)
NOTES = Listing(
    source=notes.outerjoin(accounts, accounts.c.id == notes.c.author_id),
    organization=notes.c.organization_id,
    identifier=notes.c.id,
    shown={
        "id": notes.c.id,
        "lead_id": notes.c.lead_id,
        "body": notes.c.body,
        "author": json_object(
            {"id": notes.c.author_id, "first_name": accounts.c.first_name, "last_name": accounts.c.last_name}
        ),
        "created_at": notes.c.created_at,
        "updated_at": notes.c.updated_at,
        "version": notes.c.version,
    },
    sorts={"created": notes.c.created_at},
    default_sort="created",
    default_order="asc",
    filters={"lead_id": lambda p: notes.c.lead_id == p},
    types={"lead_id": sa.Uuid()},
)
LISTINGS = (TAGS, NOTES)
_OF_LEAD = """
SELECT json_build_object('id', tags.id, 'slug', tags.slug, 'name', tags.name, 'category', tags.category,
         'color', tags.color, 'applied_at', to_char(applied_at, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
         'applied_by', applied_by)::text
FROM lead_tags JOIN tags ON tags.organization_id = lead_tags.organization_id AND tags.id = lead_tags.tag_id
WHERE lead_tags.organization_id = $1 AND lead_tags.lead_id = $2 ORDER BY tags.sort_order, tags.slug
"""


class PostgresTags(PostgresStore[Tag]):
    """Be the `TagStore` and the `LeadTagStore` of the open unit of work."""

    entity = Tag
    table = tags
    noun = "tag"
    unique = {"uq_tags_organization_id_slug": "slug"}

    def __init__(self, uow: PostgresUnitOfWork, finder: Finder) -> None:
        super().__init__(uow)
        self._finder = finder

    async def locked(self, identifier: UUID) -> Tag:
        """Load one, locked until the unit of work ends."""
        return await self.get_for_update(identifier)

    async def with_slug(self, slug: str) -> Tag:
        """Load one by its slug."""
        tag = await self.find_one("slug = $2", slug)
        if tag is None:
            raise NotFound("There is no such tag.")
        return tag

    async def find(self, narrowed: TagFilter, page: PageRequest) -> Found:
        """List tags."""
        values: dict[str, Any] = {} if narrowed.category is None else {"category": narrowed.category}
        if narrowed.active != "all":
            values["is_active"] = narrowed.active == "true"
        return await self._finder.find(TAGS, Filter(), page, values)

    async def show(self, identifier: UUID) -> msgspec.Raw:
        """Show one."""
        shown = await self._finder.one(TAGS, identifier)
        if shown is None:
            raise NotFound("There is no such tag.")
        return shown

    async def apply(self, lead_id: UUID, tag: Tag, by: UUID | None) -> bool:
        """Put a tag on a lead; False when it was there already."""
        done = await self.uow.connection.execute(
            "INSERT INTO lead_tags (organization_id, lead_id, tag_id, applied_by, applied_at)"
            " VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
            self.uow.organization_id,
            lead_id,
            tag.id,
            by,
            self.uow.now(),
        )
        return str(done) == "INSERT 0 1"

    async def take_off(self, lead_id: UUID, tag: Tag) -> bool:
        """Take a tag off a lead; False when it was not there."""
        done = await self.uow.connection.execute(
            "DELETE FROM lead_tags WHERE organization_id = $1 AND lead_id = $2 AND tag_id = $3",
            self.uow.organization_id,
            lead_id,
            tag.id,
        )
        return str(done) == "DELETE 1"

    async def of_lead(self, lead_id: UUID) -> list[msgspec.Raw]:
        """Show a lead's tags."""
        rows = await self.uow.connection.fetch(_OF_LEAD, self.uow.organization_id, lead_id)
        return [msgspec.Raw(row[0].encode()) for row in rows]


class PostgresNotes(PostgresStore[Note]):
    """Be the `NoteStore` of the open unit of work."""

    entity = Note
    table = notes
    noun = "note"

    def __init__(self, uow: PostgresUnitOfWork, finder: Finder) -> None:
        super().__init__(uow)
        self._finder = finder

    async def of_lead(self, lead_id: UUID, identifier: UUID) -> Note:
        """Load a note of this lead, locked until the unit of work ends."""
        return await self._one("lead_id = $2 AND id = $3", lead_id, identifier, lock=" FOR NO KEY UPDATE")

    async def find(self, lead_id: UUID, page: PageRequest) -> Found:
        """List a lead's notes."""
        return await self._finder.find(NOTES, Filter(), page, {"lead_id": lead_id})

    async def show(self, identifier: UUID) -> msgspec.Raw:
        """Show one."""
        shown = await self._finder.one(NOTES, identifier)
        if shown is None:
            raise NotFound("There is no such note.")
        return shown
