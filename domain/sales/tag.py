"""Words that leads are marked with; some of them do something."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from domain.kernel import Conflict, Entity, Event, Forbidden, Invalid
from domain.sales.changes import apply

WON = "won"
DO_NOT_CONTACT = "dnc"
CUSTOM = "CUSTOM"
_SLUG = re.compile(r"[a-z0-9-]{1,100}")


@dataclass(frozen=True, slots=True, kw_only=True)
class TagCreated(Event):
    """Say that a tag was made."""

    type: ClassVar[str] = "tag.created"
    slug: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TagChanged(Event):
    """Say what of a tag was changed."""

    type: ClassVar[str] = "tag.changed"
    old: Mapping[str, Any]
    new: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class TagDeleted(Event):
    """Say that a tag was deleted."""

    type: ClassVar[str] = "tag.deleted"
    slug: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TagApplied(Event):
    """Say that a lead, the subject, was given a tag."""

    type: ClassVar[str] = "lead.tag_applied"
    tag_id: UUID
    slug: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TagRemoved(Event):
    """Say that a tag was taken off a lead, the subject."""

    type: ClassVar[str] = "lead.tag_removed"
    tag_id: UUID
    slug: str


@dataclass(slots=True, kw_only=True)
class Tag(Entity):
    """Be one tag; system tags are the product's own and cannot be changed or deleted."""

    slug: str
    name: str
    category: str = CUSTOM
    color: str | None = None
    description: str | None = None
    sort_order: int = 0
    is_system: bool = False
    is_active: bool = True
    created_at: datetime

    def created(self) -> TagCreated:
        """Tell that the tag was made, or refuse a slug of other characters than a-z, 0-9 and `-` (`Invalid`)."""
        if not _SLUG.fullmatch(self.slug):
            raise Invalid("A slug is made of a-z, 0-9 and hyphens.", field="slug")
        return TagCreated(subject=self.id, slug=self.slug, name=self.name)

    def require_active(self) -> None:
        """Refuse to mark anything with a tag that is out of use (`Conflict`)."""
        if not self.is_active:
            raise Conflict("This tag is not in use any more.")

    def _require_custom(self) -> None:
        if self.is_system:
            raise Forbidden("System tags cannot be changed or deleted.")

    def change(self, values: Mapping[str, Any]) -> TagChanged | None:
        """Set fields, or refuse on a system tag (`Forbidden`)."""
        self._require_custom()
        changes = apply(self, values)
        return TagChanged(subject=self.id, old=changes.old, new=changes.new) if changes else None

    def delete(self) -> TagDeleted:
        """Let the tag go, or refuse on a system tag (`Forbidden`)."""
        self._require_custom()
        return TagDeleted(subject=self.id, slug=self.slug)
