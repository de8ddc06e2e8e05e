"""What people write down about a lead."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar
from uuid import UUID

from domain.kernel import Entity, Event, Forbidden


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteAdded(Event):
    """Say that a note was written; the subject is the lead."""

    type: ClassVar[str] = "note.added"
    personal: ClassVar[frozenset[str]] = frozenset({"body"})
    note_id: UUID
    body: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteEdited(Event):
    """Say that a note was rewritten; the subject is the lead."""

    type: ClassVar[str] = "note.edited"
    personal: ClassVar[frozenset[str]] = frozenset({"old", "new"})
    note_id: UUID
    old: str
    new: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteDeleted(Event):
    """Say that a note was taken away; the subject is the lead."""

    type: ClassVar[str] = "note.deleted"
    note_id: UUID


@dataclass(slots=True, kw_only=True)
class Note(Entity):
    """Be one person's note about a lead; nobody else changes it."""

    lead_id: UUID
    author_id: UUID
    body: str
    created_at: datetime
    updated_at: datetime

    def _require_author(self, by: UUID | None) -> None:
        if by != self.author_id:
            raise Forbidden("Only its author may change a note.")

    def edit(self, by: UUID | None, body: str, at: datetime) -> NoteEdited:
        """Rewrite the note, or refuse anybody but its author (`Forbidden`)."""
        self._require_author(by)
        edited = NoteEdited(subject=self.lead_id, note_id=self.id, old=self.body, new=body)
        self.body, self.updated_at = body, at
        return edited

    def delete(self, by: UUID | None) -> NoteDeleted:
        """Let the note go, or refuse anybody but its author (`Forbidden`)."""
        self._require_author(by)
        return NoteDeleted(subject=self.lead_id, note_id=self.id)
