"""A location: a place where an organisation works under one of its brands; people are assigned to locations."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from domain.identity.places import check_country, check_time_zone
from domain.kernel import Email, Entity, Event, Invalid, Phone


@dataclass(frozen=True, slots=True, kw_only=True)
class LocationCreated(Event):
    """Say that a location was made."""

    type: ClassVar[str] = "location.created"
    name: str
    brand_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class LocationChanged(Event):
    """Say which fields of a location changed, by their names."""

    type: ClassVar[str] = "location.changed"
    changed: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LocationDeleted(Event):
    """Say that a location was deleted; nobody is assigned to it any more."""

    type: ClassVar[str] = "location.deleted"
    name: str


@dataclass(slots=True, kw_only=True)
class Location(Entity):
    """Be one location; its name is unique within its brand. Without a zone the organisation's holds."""

    brand_id: UUID
    name: str
    address: str | None = None
    city: str | None = None
    postcode: str | None = None
    country: str | None = None
    time_zone: str | None = None
    phone: Phone | None = None
    email: Email | None = None
    is_active: bool = True
    created_at: datetime

    def __post_init__(self) -> None:
        self._check()

    def _check(self) -> None:
        self.name = " ".join(self.name.split())
        if not self.name:
            raise Invalid("A location needs a name.", field="name")
        if self.country is not None:
            check_country(self.country)
        if self.time_zone is not None:
            check_time_zone(self.time_zone)

    def created(self) -> LocationCreated:
        """Tell of the making."""
        return LocationCreated(subject=self.id, name=self.name, brand_id=self.brand_id)

    def change(self, values: Mapping[str, Any]) -> LocationChanged | None:
        """Take new values by field name; None when nothing is different."""
        changed = tuple(sorted(name for name, value in values.items() if getattr(self, name) != value))
        for name in changed:
            setattr(self, name, values[name])
        self._check()
        return LocationChanged(subject=self.id, changed=changed) if changed else None

    def deleted(self) -> LocationDeleted:
        """Tell of the end."""
        return LocationDeleted(subject=self.id, name=self.name)
