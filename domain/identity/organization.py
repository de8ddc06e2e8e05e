"""An organisation: the tenant that owns every row."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, ClassVar

from domain.identity.places import check_country, check_currency, check_locale, check_time_zone
from domain.identity.settings import check_settings
from domain.kernel import Conflict, Email, Entity, Event, Invalid, Phone

ERASED_AFTER = timedelta(days=30)
"""How long a closed organisation's rows stay."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrganizationCreated(Event):
    """Say that an organisation was made."""

    type: ClassVar[str] = "organization.created"
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OrganizationChanged(Event):
    """Say which settings of an organisation changed, by their names."""

    type: ClassVar[str] = "organization.changed"
    changed: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OrganizationDeleted(Event):
    """Say that an organisation was closed; its rows stay until they are erased."""

    type: ClassVar[str] = "organization.deleted"


@dataclass(slots=True, kw_only=True)
class Organization(Entity):
    """Hold what an organisation is called, where it is, and how it presents itself; `id` is its own tenant."""

    name: str
    country: str = "GB"
    time_zone: str = "Europe/London"
    currency: str = "GBP"
    locale: str = "en"
    industry: str | None = None
    business_type: str | None = None
    phone: Phone | None = None
    email: Email | None = None
    logo_url: str | None = None
    primary_color: str | None = None
    business_hours: dict[str, Any] | None = None
    settings: dict[str, Any] = field(default_factory=dict)
    coach_name: str = "Sophie"
    sender: Phone | None = None
    created_at: datetime
    deleted_at: datetime | None = None

    def __post_init__(self) -> None:
        self._check()

    def _check(self) -> None:
        if not self.name.strip():
            raise Invalid("An organisation needs a name.", field="name")
        check_country(self.country)
        check_currency(self.currency)
        check_time_zone(self.time_zone)
        check_locale(self.locale)

    def created(self) -> OrganizationCreated:
        """Tell of the making."""
        return OrganizationCreated(subject=self.id, name=self.name)

    def change(self, values: dict[str, Any]) -> OrganizationChanged | None:
        """Take new values by field name; None when nothing is different."""
        changed = tuple(sorted(name for name, value in values.items() if getattr(self, name) != value))
        for name in changed:
            setattr(self, name, values[name])
        self._check()
        if "settings" in changed:
            check_settings(self.settings)
        return OrganizationChanged(subject=self.id, changed=changed) if changed else None

    def delete(self, at: datetime) -> OrganizationDeleted:
        """Close the organisation, once."""
        if self.deleted_at is not None:
            raise Conflict("This organisation is closed already.")
        self.deleted_at = at
        return OrganizationDeleted(subject=self.id)
