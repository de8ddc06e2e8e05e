"""What people write down about leads."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, ClassVar, Protocol
from uuid import UUID

import msgspec
from msgspec import Meta

from application.ports import Actor, Clock, Command, Found, PageRequest, Store, UnitOfWork, View, require_version
from application.sales.lead_ports import LeadStore
from domain.identity.role import Permission
from domain.kernel import Forbidden, new_id
from domain.sales.note import Note, NoteAdded

Body = Annotated[str, Meta(min_length=1, max_length=10_000, pattern=r"\S")]


class WriteNote(Command, frozen=True):
    """Say what to write down."""

    body: Body
    example: ClassVar[dict[str, Any]] = {"body": "Call back on Tuesday."}


class Author(msgspec.Struct, frozen=True, kw_only=True):
    """Show who wrote a note."""

    id: UUID
    first_name: str | None
    last_name: str | None


class NoteView(View, frozen=True):
    """Show a note."""

    id: UUID
    lead_id: UUID
    body: str
    author: Author
    created_at: datetime
    updated_at: datetime
    version: int
    example: ClassVar[dict[str, Any]] = {
        "id": "01938c5e-9b1a-7c3e-8f00-5a2b6c7d8ea2",
        "lead_id": "01938c5e-9b1a-7c3e-8f00-5a2b6c7d8ea0",
        "body": "Call back on Tuesday.",
        "author": {"id": "01938c5e-9b1a-7c3e-8f00-5a2b6c7d8ea3", "first_name": "Olga", "last_name": "Nowak"},
        "created_at": "2026-03-22T09:00:00.000000Z",
        "updated_at": "2026-03-22T09:00:00.000000Z",
        "version": 1,
    }


class NoteStore(Store[Note], Protocol):
    """Keep notes."""

    async def of_lead(self, lead_id: UUID, identifier: UUID) -> Note:
        """Load a note of this lead and keep others from changing it, or refuse with `NotFound`."""
        ...

    async def find(self, lead_id: UUID, page: PageRequest) -> Found:
        """List a lead's notes, oldest first."""
        ...

    async def show(self, identifier: UUID) -> msgspec.Raw:
        """Show one (`NoteView`)."""
        ...


@dataclass(frozen=True)
class Notes:
    """Work notes."""

    actor: Actor
    uow: UnitOfWork
    clock: Clock
    leads: LeadStore
    notes: NoteStore

    async def find(self, lead_id: UUID, page: PageRequest) -> Found:
        """List a lead's notes."""
        self.actor.require(Permission.LEADS_READ)
        async with self.uow.reading():
            await self.leads.require_visible(lead_id)
            return await self.notes.find(lead_id, page)

    async def add(self, lead_id: UUID, command: WriteNote) -> msgspec.Raw:
        """Write something down; only a person can."""
        self.actor.require(Permission.LEADS_WRITE)
        if self.actor.user_id is None:
            raise Forbidden("Only a person writes notes.")
        async with self.uow:
            await self.leads.require_visible(lead_id)
            at = self.clock.now()
            note = Note(
                id=new_id(),
                organization_id=self.actor.organization_id,
                lead_id=lead_id,
                author_id=self.actor.user_id,
                body=command.body,
                created_at=at,
                updated_at=at,
            )
            await self.notes.add(note)
            self.uow.publish(NoteAdded(subject=lead_id, note_id=note.id, body=note.body))
            return await self.notes.show(note.id)

    async def edit(self, lead_id: UUID, identifier: UUID, command: WriteNote, version: int | None) -> msgspec.Raw:
        """Rewrite one's own note."""
        self.actor.require(Permission.LEADS_WRITE)
        async with self.uow:
            await self.leads.require_visible(lead_id)
            note = await self.notes.of_lead(lead_id, identifier)
            edited = note.edit(self.actor.user_id, command.body, self.clock.now())
            require_version(note, version, ("body",), "note")
            await self.notes.save(note)
            self.uow.publish(edited)
            return await self.notes.show(note.id)

    async def delete(self, lead_id: UUID, identifier: UUID) -> None:
        """Take one's own note away."""
        self.actor.require(Permission.LEADS_WRITE)
        async with self.uow:
            await self.leads.require_visible(lead_id)
            note = await self.notes.of_lead(lead_id, identifier)
            deleted = note.delete(self.actor.user_id)
            await self.notes.remove(note)
            self.uow.publish(deleted)
