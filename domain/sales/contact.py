"""A person one can write to or ring."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from domain.kernel import Entity, Event, Invalid, Phone
from domain.sales.changes import Changes, apply

PERSONAL = frozenset(
    {"first_name", "last_name", "email", "phone", "postcode", "title", "company_name", "notes", "zones", "country"}
)


def tidy(name: str | None) -> str | None:
    """Trim a name and close its gaps; nothing left is None."""
    return " ".join(name.split()) or None if name else None


def name_key(first_name: str | None, last_name: str | None) -> str:
    """Give what people are sorted and searched by: `last first`, in lower case, single spaces."""
    return " ".join(f"{last_name or ''} {first_name or ''}".split()).lower()


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactCreated(Event):
    """Say that a contact was entered."""

    type: ClassVar[str] = "contact.created"
    personal: ClassVar[frozenset[str]] = frozenset({"first_name", "last_name", "email", "phone"})
    first_name: str | None
    last_name: str | None
    email: str | None
    phone: str | None
    source: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactChanged(Event):
    """Say what of a contact was changed, field by field."""

    type: ClassVar[str] = "contact.changed"
    personal: ClassVar[frozenset[str]] = frozenset({"personal_old", "personal_new"})
    old: Mapping[str, Any]
    new: Mapping[str, Any]
    personal_old: Mapping[str, Any]
    personal_new: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactDeleted(Event):
    """Say that a contact was deleted for good."""

    type: ClassVar[str] = "contact.deleted"


@dataclass(frozen=True, slots=True)
class PhoneLine:
    """Hold a phone number and what its kind of line allows; `zones` are the plausible IANA zones of its holder."""

    phone: Phone
    line_type: str
    sms_eligible: bool
    zones: tuple[str, ...]
    country: str


def reached_at(line: PhoneLine | None, may_text: bool | None = None) -> dict[str, Any]:
    """Give the fields that a new number, or none, sets; `may_text` False keeps texts away from a mobile."""
    if line is None:
        return {"phone": None, "phone_type": None, "sms_eligible": False, "zones": (), "country": None}
    return {
        "phone": str(line.phone),
        "phone_type": line.line_type,
        "sms_eligible": line.sms_eligible and may_text is not False,
        "zones": line.zones,
        "country": line.country,
    }


@dataclass(slots=True, kw_only=True)
class Contact(Entity):
    """Be one person, unique by e-mail in the organisation."""

    first_name: str | None = None
    last_name: str | None = None
    name_key: str = ""
    email: str | None = None
    phone: str | None = None
    phone_type: str | None = None
    sms_eligible: bool = False
    zones: tuple[str, ...] = field(default=())
    country: str | None = None
    postcode: str | None = None
    title: str | None = None
    company_name: str | None = None
    source: str | None = None
    notes: str | None = None
    created_by: UUID | None = None
    created_at: datetime
    updated_at: datetime

    def __post_init__(self) -> None:
        self.name_key = name_key(self.first_name, self.last_name)

    def require_a_way_to_reach(self) -> None:
        """Refuse a contact that has neither e-mail nor phone (`Invalid`)."""
        if self.email is None and self.phone is None:
            raise Invalid("A contact needs an e-mail address or a phone number.", field="email")

    def created(self) -> ContactCreated:
        """Tell that this contact was entered."""
        return ContactCreated(
            subject=self.id,
            first_name=self.first_name,
            last_name=self.last_name,
            email=self.email,
            phone=self.phone,
            source=self.source,
        )

    def change(self, values: Mapping[str, Any], at: datetime) -> tuple[Changes, ContactChanged | None]:
        """Set fields; refuses to take away the last way to reach somebody who had one."""
        reachable = self.email is not None or self.phone is not None
        changes = apply(self, values)
        if not changes:
            return changes, None
        if reachable:
            self.require_a_way_to_reach()
        self.name_key = name_key(self.first_name, self.last_name)
        self.updated_at = at
        open_, private = changes.without(PERSONAL), changes.of(PERSONAL)
        return changes, ContactChanged(
            subject=self.id,
            old=open_.old,
            new=open_.new,
            personal_old=private.old,
            personal_new=private.new,
        )
