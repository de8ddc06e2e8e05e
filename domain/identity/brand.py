"""A brand: a name under which an organisation runs its locations."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from domain.kernel import Entity, Event, Invalid


@dataclass(frozen=True, slots=True, kw_only=True)
class BrandCreated(Event):
    """Say that a brand was made."""

    type: ClassVar[str] = "brand.created"
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BrandChanged(Event):
    """Say which fields of a brand changed, by their names."""

    type: ClassVar[str] = "brand.changed"
    changed: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BrandDeleted(Event):
    """Say that a brand was deleted."""

    type: ClassVar[str] = "brand.deleted"
    name: str


@dataclass(slots=True, kw_only=True)
class Brand(Entity):
    """Be one brand; its name is unique in the organisation."""

    name: str
    logo_url: str | None = None
    created_at: datetime

    def __post_init__(self) -> None:
        self._check()

    def _check(self) -> None:
        self.name = " ".join(self.name.split())
        if not self.name:
            raise Invalid("A brand needs a name.", field="name")

    def created(self) -> BrandCreated:
        """Tell of the making."""
        return BrandCreated(subject=self.id, name=self.name)

    def change(self, values: Mapping[str, Any]) -> BrandChanged | None:
        """Take new values by field name; None when nothing is different."""
        changed = tuple(sorted(name for name, value in values.items() if getattr(self, name) != value))
        for name in changed:
            setattr(self, name, values[name])
        self._check()
        return BrandChanged(subject=self.id, changed=changed) if changed else None

    def deleted(self) -> BrandDeleted:
        """Tell of the end."""
        return BrandDeleted(subject=self.id, name=self.name)
