"""Contacts: the people behind leads, found, entered, changed and deleted."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, ClassVar, Protocol
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
    within,
)
from domain.identity.role import Permission
from domain.kernel import Conflict, Duplicate, Email, Phone, new_id
from domain.sales.contact import Contact, ContactDeleted, PhoneLine, reached_at, tidy

Line = Annotated[str, Meta(max_length=200)]
Prose = Annotated[str, Meta(max_length=10_000)]
Query = Annotated[str, Meta(min_length=1, max_length=200)]


class NewContact(Command, frozen=True):
    """Enter a person; an e-mail address or a phone number is needed. `sms_eligible` false keeps texts away."""

    first_name: Line | None = None
    last_name: Line | None = None
    email: Annotated[str, Meta(max_length=254)] | None = None
    phone_number: Annotated[str, Meta(max_length=50)] | None = None
    sms_eligible: bool | None = None
    postcode: Annotated[str, Meta(max_length=20)] | None = None
    title: Line | None = None
    company_name: Line | None = None
    source: Line | None = None
    notes: Prose | None = None
    example: ClassVar[dict[str, Any]] = {
        "first_name": "Jane",
        "last_name": "Smith",
        "email": "jane@example.com",
        "phone_number": "07700 900123",
    }


class ChangeContact(Command, frozen=True):
    """Change what is named; null takes a value away."""

    first_name: Line | UnsetType | None = UNSET
    last_name: Line | UnsetType | None = UNSET
    email: Annotated[str, Meta(max_length=254)] | UnsetType | None = UNSET
    phone_number: Annotated[str, Meta(max_length=50)] | UnsetType | None = UNSET
    sms_eligible: bool | UnsetType = UNSET
    postcode: Annotated[str, Meta(max_length=20)] | UnsetType | None = UNSET
    title: Line | UnsetType | None = UNSET
    company_name: Line | UnsetType | None = UNSET
    source: Line | UnsetType | None = UNSET
    notes: Prose | UnsetType | None = UNSET
    example: ClassVar[dict[str, Any]] = {"postcode": "SW1A 1AA", "title": None}


class ContactFilter(Filter, frozen=True):
    """Narrow the list of contacts: `search` looks in names, e-mail addresses and phone numbers."""

    search: Query | None = None


class ContactSearch(Filter, frozen=True):
    """Say whom to look for."""

    q: Query
    example: ClassVar[dict[str, Any]] = {"q": "jane"}


class ContactItem(View, frozen=True):
    """Show a contact in a list."""

    id: UUID
    first_name: str | None
    last_name: str | None
    email: str | None
    phone_number: str | None
    phone_type: str | None
    sms_eligible: bool
    country: str | None
    postcode: str | None
    title: str | None
    company_name: str | None
    source: str | None
    created_at: datetime
    updated_at: datetime
    version: int
    example: ClassVar[dict[str, Any]] = {
        "id": "01938c5e-9b1a-7c3e-8f00-5a2b6c7d8e9f",
        "first_name": "Jane",
        "last_name": "Smith",
        "email": "jane@example.com",
        "phone_number": "+447700900123",
        "phone_type": "mobile",
        "sms_eligible": True,
        "country": "GB",
        "postcode": "LS1 4AP",
        "title": None,
        "company_name": None,
        "source": "web form",
        "created_at": "2026-03-22T09:00:00.000000Z",
        "updated_at": "2026-03-22T09:00:00.000000Z",
        "version": 1,
    }


class LeadOfContact(msgspec.Struct, frozen=True, kw_only=True):
    """Show one of a contact's leads, in brief."""

    id: UUID
    stage: str
    contact_status: str
    dataset_id: UUID | None
    archived: bool
    created_at: datetime


class ContactDetail(ContactItem, frozen=True):
    """Show a contact with its notes and the leads that the caller may see."""

    notes: str | None
    zones: list[str]
    lead_count: int
    leads: list[LeadOfContact]
    example: ClassVar[dict[str, Any]] = ContactItem.example | {
        "notes": "Prefers mornings.",
        "zones": ["Europe/London"],
        "lead_count": 1,
        "leads": [
            {
                "id": "01938c5e-9b1a-7c3e-8f00-5a2b6c7d8ea0",
                "stage": "NEW_LEAD",
                "contact_status": "READY",
                "dataset_id": None,
                "archived": False,
                "created_at": "2026-03-22T09:00:00.000000Z",
            }
        ],
    }


class Suggestion(View, frozen=True):
    """Show just enough of a contact to pick it."""

    id: UUID
    name: str
    email: str | None
    phone_number: str | None
    example: ClassVar[dict[str, Any]] = {
        "id": "01938c5e-9b1a-7c3e-8f00-5a2b6c7d8e9f",
        "name": "Jane Smith",
        "email": "jane@example.com",
        "phone_number": "+447700900123",
    }


class ReadPhones(Protocol):
    """Read phone numbers as people of the organisation's country write them."""

    async def read(self, text: str) -> PhoneLine:
        """Read a whole number, or refuse with `Invalid` on the field `phone_number`."""
        ...

    async def calling_code(self) -> str:
        """Give the digits that stand for the leading 0 of a number at home, such as `44`."""
        ...


class ContactStore(Store[Contact], Protocol):
    """Keep contacts; only those the actor may see are found."""

    async def add(self, entity: Contact) -> None:
        """Insert one, or refuse a second with the same e-mail address (`email_taken`)."""
        ...

    async def locked(self, identifier: UUID) -> Contact:
        """Load one and keep others from changing it, or refuse with `NotFound`."""
        ...

    async def with_email(self, email: str) -> UUID | None:
        """Tell whose e-mail address this is."""
        ...

    async def has_history(self, identifier: UUID) -> bool:
        """Tell whether a lead or a conversation of this contact exists."""
        ...

    async def rename_leads(self, contact: Contact) -> None:
        """Copy name and number to the contact's leads; a clash with another lead's number is a `Duplicate`."""
        ...

    async def find(self, narrowed: ContactFilter, page: PageRequest) -> Found:
        """List contacts, latest first; a search is best first, at most 1,000."""
        ...

    async def suggest(self, query: str) -> list[Suggestion]:
        """Give the ten best by the beginning of name, e-mail or number."""
        ...

    async def show(self, identifier: UUID) -> msgspec.Raw:
        """Show one in full, or refuse with `NotFound`."""
        ...


class ContactReach(Protocol):
    """Keep outreach to a contact in step with its number."""

    async def readdress(self, contact: Contact, old_phone: str | None) -> None:
        """Send what is planned to the new number, or cancel it where that takes no texts; open statuses again."""
        ...


@dataclass(frozen=True)
class Contacts:
    """Work contacts."""

    actor: Actor
    uow: UnitOfWork
    clock: Clock
    contacts: ContactStore
    phones: ReadPhones
    reach: ContactReach

    async def find(self, narrowed: ContactFilter, page: PageRequest) -> Found:
        """List or search contacts."""
        self.actor.require(Permission.CONTACTS_READ)
        async with self.uow.reading():
            return await self.contacts.find(narrowed, page)

    async def suggest(self, query: str) -> list[Suggestion]:
        """Complete what somebody is typing."""
        self.actor.require(Permission.CONTACTS_READ)
        async with self.uow.reading():
            return await self.contacts.suggest(query)

    async def show(self, identifier: UUID) -> msgspec.Raw:
        """Show one contact."""
        self.actor.require(Permission.CONTACTS_READ)
        async with self.uow.reading():
            return await self.contacts.show(identifier)

    async def create(self, command: NewContact) -> msgspec.Raw:
        """Enter a contact, or refuse a second with the same e-mail address (`Duplicate`)."""
        self.actor.require(Permission.CONTACTS_WRITE)
        async with self.uow:
            contact = await self.enter(command)
            return await self.contacts.show(contact.id)

    async def change(self, identifier: UUID, command: ChangeContact, version: int | None) -> msgspec.Raw:
        """Change a contact; its leads follow."""
        self.actor.require(Permission.CONTACTS_WRITE)
        async with self.uow:
            contact = await self.contacts.locked(identifier)
            values = await self.read(contact, command)
            require_version(contact, version, values, "contact")
            await self.amend(contact, values)
            return await self.contacts.show(identifier)

    async def delete(self, identifier: UUID) -> None:
        """Delete a contact for good, or refuse while leads or conversations need it (`Conflict`)."""
        self.actor.require(Permission.CONTACTS_WRITE)
        async with self.uow:
            contact = await self.contacts.locked(identifier)
            if await self.contacts.has_history(identifier):
                raise Conflict("This contact has leads or conversations, so it cannot be deleted.")
            await self.contacts.remove(contact)
            self.uow.publish(ContactDeleted(subject=identifier))

    @within
    async def enter(self, command: NewContact) -> Contact:
        """Make a contact inside the caller's unit of work."""
        line = await self.phones.read(command.phone_number) if command.phone_number else None
        email = str(Email(command.email)) if command.email else None
        at = self.clock.now()
        contact = Contact(
            id=new_id(),
            organization_id=self.actor.organization_id,
            first_name=tidy(command.first_name),
            last_name=tidy(command.last_name),
            email=email,
            postcode=tidy(command.postcode),
            title=tidy(command.title),
            company_name=tidy(command.company_name),
            source=tidy(command.source),
            notes=command.notes,
            created_by=self.actor.id,
            created_at=at,
            updated_at=at,
            **reached_at(line, command.sms_eligible),
        )
        contact.require_a_way_to_reach()
        await self.contacts.add(contact)
        self.uow.publish(contact.created())
        return contact

    @within
    async def amend(self, contact: Contact, values: dict[str, Any]) -> bool:
        """Change a locked contact inside the caller's unit of work, and its copies; tells whether it changed."""
        old_phone, could_text = contact.phone, contact.sms_eligible
        changes, event = contact.change(values, self.clock.now())
        if event is None:
            return False
        if "email" in changes.new:
            holder = await self.contacts.with_email(contact.email) if contact.email else None
            if holder is not None:
                raise email_taken(holder)
        await self.contacts.save(contact)
        if changes.new.keys() & {"first_name", "last_name", "phone"}:
            await self.contacts.rename_leads(contact)
        if contact.phone != old_phone or contact.sms_eligible != could_text:
            await self.reach.readdress(contact, old_phone)
        self.uow.publish(event)
        return True

    @within
    async def read(self, contact: Contact, command: ChangeContact) -> dict[str, Any]:
        """Read what a person typed into a contact's fields, inside the caller's unit of work."""
        values: dict[str, Any] = {
            name: tidy(value)
            for name in ("first_name", "last_name", "postcode", "title", "company_name", "source")
            if not isinstance(value := getattr(command, name), UnsetType)
        }
        if not isinstance(command.notes, UnsetType):
            values["notes"] = command.notes
        if not isinstance(command.email, UnsetType):
            values["email"] = str(Email(command.email)) if command.email else None
        may_text = None if isinstance(command.sms_eligible, UnsetType) else command.sms_eligible
        if not isinstance(command.phone_number, UnsetType):
            line = await self.phones.read(command.phone_number) if command.phone_number else None
            values |= reached_at(line, may_text)
        elif may_text is not None:
            line = await self.phones.read(Phone(contact.phone)) if contact.phone else None
            values["sms_eligible"] = may_text and line is not None and line.sms_eligible
        return values


def email_taken(holder: UUID | None) -> Duplicate:
    """Say that an e-mail address is another contact's, and whose, where that is known yet."""
    message = "Another contact has this e-mail address."
    known = [] if holder is None else [("existing_contact_id", str(holder))]
    return Duplicate(message, details=[("email", message), *known])
