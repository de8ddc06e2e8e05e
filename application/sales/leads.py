"""Leads: found, entered, changed, moved, put away, taken over."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec
from msgspec import UnsetType

from application.ports import Actor, Clock, Found, PageRequest, UnitOfWork, require_version, within
from application.sales.contacts import ChangeContact, Contacts, ContactStore
from application.sales.lead_forms import ChangeLead, LeadFilter, MoneyForm, NewLead
from application.sales.lead_ports import ContactStatusRule, LeadStore, Members, OutreachOfLead, StageStore
from domain.identity.role import Permission
from domain.kernel import Duplicate, Event, Invalid, Money, new_id
from domain.sales.contact import Contact, tidy
from domain.sales.lead import Lead
from domain.sales.stage import Stage

READY = "READY"
"""The outreach status of a lead that a campaign may text."""
_PLAIN_FIELDS = ("source", "source_campaign", "notes", "lost_reason", "inquiry_date", "product", "estimated_units")


@dataclass(frozen=True)
class Leads:
    """Work leads."""

    actor: Actor
    uow: UnitOfWork
    clock: Clock
    leads: LeadStore
    contacts: ContactStore
    people: Contacts
    stages: StageStore
    members: Members
    outreach: OutreachOfLead
    statuses: ContactStatusRule

    async def find(self, narrowed: LeadFilter, page: PageRequest) -> Found:
        """List or search the leads that the caller may see."""
        self.actor.require(Permission.LEADS_READ)
        async with self.uow.reading():
            return await self.leads.find(narrowed, page)

    async def show(self, identifier: UUID) -> msgspec.Raw:
        """Show one lead with its conversation, activities and tags."""
        self.actor.require(Permission.LEADS_READ)
        async with self.uow.reading():
            return await self.leads.show(identifier)

    async def create(self, command: NewLead) -> msgspec.Raw:
        """Enter a lead for a contact that is there or for a new one; one number stands in a dataset once."""
        self.actor.require(Permission.LEADS_WRITE)
        if (command.contact_id is None) == (command.contact is None):
            raise Invalid("Name either contact_id or contact.", field="contact_id")
        async with self.uow:
            dataset_id = await self._dataset(command.dataset_id)
            await self._require_member(command.assigned_to)
            contact = await self._contact(command)
            await self._refuse_second(dataset_id, contact)
            at = self.clock.now()
            amount, currency = _money(command.estimated_revenue)
            lead = Lead(
                id=new_id(),
                organization_id=self.actor.organization_id,
                contact_id=contact.id,
                dataset_id=dataset_id,
                stage=command.stage,
                contact_status=await self.statuses.at_start(contact.phone, contact.email, contact.sms_eligible),
                source=tidy(command.source),
                source_campaign=tidy(command.source_campaign),
                inquiry_date=command.inquiry_date,
                product=tidy(command.product),
                notes=command.notes,
                estimated_units=command.estimated_units,
                estimated_revenue=amount,
                estimated_currency=currency,
                assigned_to=command.assigned_to,
                created_by=self.actor.id,
                created_at=at,
                updated_at=at,
            )
            lead.follow(contact)
            shown = await self.leads.add_shown(lead)
            if dataset_id is not None and lead.contact_status == READY and not lead.is_dnc:
                await self.outreach.enrol(lead.id, dataset_id)
            self.uow.publish(lead.created())
            return shown

    async def change(self, identifier: UUID, command: ChangeLead, version: int | None) -> msgspec.Raw:
        """Change what is named; each kind of change is an event of its own."""
        self.actor.require(Permission.LEADS_WRITE)
        form = command.of_contact()
        async with self.uow:
            # Contact, lead, enrolments, ledger rows, thread: as everywhere, so that no two wait for each other.
            contact = await self._lock_contact(identifier) if form or _reaches_outreach(command) else None
            lead = await self.leads.locked(identifier)
            require_version(lead, version, _named(command), "lead")
            renamed = await self._change_contact(lead, contact, form)
            events: list[Event | None] = [
                lead.change(_plain(command), self.clock.now()),
                await self._assign(lead, command.assigned_to),
                self._set_status(lead, command.contact_status),
            ]
            if not isinstance(command.manual_mode, UnsetType):
                events.append(await self._set_manual_mode(lead, command.manual_mode))
            if not isinstance(command.archived, UnsetType) and command.archived != lead.archived:
                events.append(await self._toggle_archived(lead))
            if not isinstance(command.stage, UnsetType):
                events += await self.place(lead, await self.stages.with_key(command.stage))
            await self._save(lead, events, renamed)
            return await self.leads.show(identifier)

    async def move(self, identifier: UUID, stage: str, version: int | None) -> msgspec.Raw:
        """Put a lead into a stage; one that is not open any more gets no further texts."""
        self.actor.require(Permission.LEADS_WRITE)
        async with self.uow:
            lead, to = await self.leads.locked_beside(identifier, stage)
            require_version(lead, version, ("stage",), "lead")
            moved = _happened(await self.place(lead, to))
            self.uow.publish(*moved)
            return await (self.leads.save_shown(lead) if moved else self.leads.item(identifier))

    async def discard(self, identifier: UUID) -> None:
        """Delete softly: the lead goes to the stage for what was none."""
        self.actor.require(Permission.LEADS_WRITE)
        async with self.uow:
            lead = await self.leads.locked(identifier)
            bogus = await self.stages.of_category("bogus")
            await self._save(lead, await self.place(lead, bogus))

    async def toggle_archived(self, identifier: UUID) -> msgspec.Raw:
        """Put a lead away, which cancels what is planned for it, or take it out again."""
        self.actor.require(Permission.LEADS_WRITE)
        async with self.uow:
            lead = await self.leads.locked(identifier)
            await self._save(lead, [await self._toggle_archived(lead)])
            return await self.leads.show(identifier)

    async def set_manual_mode(self, identifier: UUID, enabled: bool) -> msgspec.Raw:
        """Take a lead over from the machine, which holds what is planned, or give it back."""
        self.actor.require(Permission.LEADS_WRITE)
        async with self.uow:
            await self._lock_contact(identifier)
            lead = await self.leads.locked(identifier)
            await self._save(lead, [await self._set_manual_mode(lead, enabled)])
            return await self.leads.show(identifier)

    @within
    async def place(self, lead: Lead, stage: Stage) -> "list[Event | None]":
        """Put a locked lead into a stage inside the caller's unit of work; gives what happened, yet to be published."""
        moved = lead.move_to(stage, self.clock.now())
        if moved is None or moved.category == "open":
            return [moved]
        await self.outreach.stop(lead.id, f"stage {moved.stage_to}")
        if moved.category != "won":
            return [moved]
        return [moved, lead.set_contact_status(self.statuses.by_sale(lead.contact_status), self.clock.now())]

    async def _lock_contact(self, lead_id: UUID) -> Contact:
        return await self.contacts.locked(await self.leads.contact_of(lead_id))

    async def _save(self, lead: Lead, events: "Sequence[Event | None]", renamed: bool = False) -> None:
        happened = _happened(events)
        if happened or renamed:
            await self.leads.save(lead)
            self.uow.publish(*happened)

    async def _dataset(self, dataset_id: UUID | None) -> UUID | None:
        allowed = self.actor.dataset_ids
        if allowed is not None and dataset_id is None:
            raise Invalid("Name one of the datasets that you work in.", field="dataset_id")
        if dataset_id is not None:
            await self.leads.require_dataset(dataset_id)
        return dataset_id

    async def _contact(self, command: NewLead) -> Contact:
        if command.contact_id is not None:
            return await self.contacts.locked(command.contact_id)
        assert command.contact is not None
        return await self.people.enter(command.contact)

    async def _refuse_second(self, dataset_id: UUID | None, contact: Contact) -> None:
        if dataset_id is None or contact.phone is None:
            return
        twin = await self.leads.with_phone(dataset_id, contact.phone)
        if twin is not None:
            message = "This dataset has a lead with this phone number already."
            raise Duplicate(message, details=[("phone_number", message), ("existing_lead_id", str(twin))])

    async def _require_member(self, user_id: UUID | None) -> None:
        if user_id is not None and not await self.members.has(user_id):
            raise Invalid("Nobody here has this id.", field="assigned_to")

    async def _change_contact(self, lead: Lead, contact: Contact | None, form: ChangeContact | None) -> bool:
        if contact is None or form is None:
            return False
        changed = await self.people.amend(contact, await self.people.read(contact, form))
        lead.follow(contact)
        return changed

    async def _assign(self, lead: Lead, to: UUID | UnsetType | None) -> Event | None:
        if isinstance(to, UnsetType):
            return None
        await self._require_member(to)
        return lead.assign(to, self.clock.now())

    def _set_status(self, lead: Lead, to: str | UnsetType) -> Event | None:
        if isinstance(to, UnsetType):
            return None
        return lead.set_contact_status(self.statuses.by_person(lead.contact_status, to), self.clock.now())

    async def _set_manual_mode(self, lead: Lead, enabled: bool) -> Event | None:
        event = lead.set_manual_mode(enabled, self.clock.now())
        if event is not None:
            await (self.outreach.hold(lead.id) if enabled else self.outreach.release(lead.id))
        return event

    async def _toggle_archived(self, lead: Lead) -> Event:
        if lead.archived:
            return lead.unarchive(self.clock.now())
        await self.outreach.stop(lead.id, "archived")
        return lead.archive(self.clock.now())


def _happened(events: "Sequence[Event | None]") -> list[Event]:
    return [event for event in events if event is not None]


def _reaches_outreach(command: ChangeLead) -> bool:
    """Tell whether a change may hold, release or cancel what is planned for the lead."""
    return not all(isinstance(v, UnsetType) for v in (command.manual_mode, command.archived, command.stage))


def _plain(command: ChangeLead) -> dict[str, Any]:
    values = {name: value for name in _PLAIN_FIELDS if not isinstance(value := getattr(command, name), UnsetType)}
    if not isinstance(command.lead_sentiment, UnsetType):
        values["sentiment"] = command.lead_sentiment
    if not isinstance(command.estimated_revenue, UnsetType):
        values["estimated_revenue"], values["estimated_currency"] = _money(command.estimated_revenue)
    return values


def _money(form: MoneyForm | None) -> tuple[Decimal | None, str | None]:
    if form is None:
        return None, None
    money = Money.of(form.amount, form.currency)
    return money.amount, money.currency


def _named(command: ChangeLead) -> list[str]:
    return [name for name in command.__struct_fields__ if not isinstance(getattr(command, name), UnsetType)]
