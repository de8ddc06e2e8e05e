"""Scheduling finds leads and writes on them what is booked, as sales and outreach would have it."""

from datetime import datetime
from typing import Any
from uuid import UUID

from adapters.persistence.database import PostgresUnitOfWork
from adapters.persistence.erased_addresses import ErasedAddresses
from application.ports import Actor, Clock, UnitOfWork
from application.sales.contacts import Contacts, ContactStore, NewContact
from application.sales.lead_ports import ContactStatusRule, LeadStore, OutreachOfLead, StageStore
from application.scheduling.leads import Attendee, Visitor
from domain.kernel import Email, Event, Invalid, NotFound, new_id
from domain.messaging.languages import language_of
from domain.messaging.spoken import LANGUAGES
from domain.sales.lead import Lead

SOURCE = "calendar"
_ATTENDEE = """
SELECT lead.id AS lead_id, contact.id AS contact_id, concat_ws(' ', contact.first_name, contact.last_name) AS name,
       contact.email, contact.phone, coalesce(contact.zones[1], o.time_zone) AS zone, o.locale,
       (SELECT string_agg(said.body, ' ') FROM (
          SELECT body FROM messages m WHERE m.organization_id = $1 AND m.lead_id = lead.id AND m.direction = 'inbound'
          ORDER BY m.created_at DESC LIMIT 3) said) AS wrote
FROM leads lead JOIN contacts contact ON contact.organization_id = $1 AND contact.id = lead.contact_id
JOIN organizations o ON o.organization_id = $1 AND o.id = $1
WHERE lead.organization_id = $1 AND lead.id = $2
"""
_CONTACT = """
SELECT id FROM contacts WHERE organization_id = $1 AND email = $2
UNION ALL (SELECT id FROM contacts WHERE organization_id = $1 AND phone = $3 ORDER BY created_at DESC LIMIT 1) LIMIT 1
"""
_LATEST_LEAD = """
SELECT id FROM leads WHERE organization_id = $1 AND contact_id = $2 ORDER BY archived, created_at DESC, id DESC LIMIT 1
"""


class LeadsOfSales:
    """Be scheduling's `BookedLeads`."""

    def __init__(
        self,
        actor: Actor,
        uow: UnitOfWork,
        records: PostgresUnitOfWork,
        clock: Clock,
        leads: LeadStore,
        contacts: ContactStore,
        people: Contacts,
        stages: StageStore,
        outreach: OutreachOfLead,
        statuses: ContactStatusRule,
        erased: ErasedAddresses,
    ) -> None:
        self._actor = actor
        self._uow = uow
        self._records = records
        self._clock = clock
        self._leads = leads
        self._contacts = contacts
        self._people = people
        self._stages = stages
        self._outreach = outreach
        self._statuses = statuses
        self._erased = erased

    async def attendee(self, lead_id: UUID) -> Attendee:
        """Tell whom a call with this lead is with."""
        await self._leads.require_visible(lead_id)
        row = await self._fetch(_ATTENDEE, lead_id)
        assert row is not None
        return Attendee(
            lead_id=row["lead_id"],
            contact_id=row["contact_id"],
            name=row["name"] or row["phone"] or row["email"] or "Unknown",
            email=row["email"],
            phone=row["phone"],
            zone=row["zone"],
            language=_reminded_in(row["wrote"] or "", row["locale"]),
        )

    async def lock(self, lead_id: UUID) -> None:
        """Lock contact and lead, in the house's order."""
        await self._contacts.locked(await self._leads.contact_of(lead_id))
        await self._leads.locked(lead_id)

    async def has(self, lead_id: UUID) -> bool:
        """Tell whether there is such a lead."""
        try:
            await self._leads.require_visible(lead_id)
        except NotFound:
            return False
        return True

    async def take_in(self, visitor: Visitor) -> UUID | None:
        """Give the lead of whoever booked, known or made; of two at once the second finds the first one's."""
        email = _email(visitor.email)
        phone = await self._phone(visitor.phone)
        if email is None and phone is None:
            return None
        who = f"{self._actor.organization_id} {email or phone}"
        await self._records.connection.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", who)
        found = await self._fetch(_CONTACT, email, phone)
        if found is None:
            contact_id = await self._enter(visitor, email, phone)
        else:
            contact_id = found["id"]
        lead = await self._fetch(_LATEST_LEAD, contact_id)
        return lead["id"] if lead is not None else await self._open(contact_id)

    async def may_mail(self, email: str) -> bool:
        """Tell whether an address has not opted out."""
        return (
            await self._fetch("SELECT 1 FROM suppressions WHERE organization_id = $1 AND address = $2", email) is None
        )

    async def set_call(self, lead_id: UUID, uid: str, start_at: datetime) -> None:
        """Note a booked call: a person has the lead now, and what was planned for it is cancelled."""
        lead, at = await self._leads.locked(lead_id), self._clock.now()
        lead.set_call(uid, start_at, at)
        events: list[Event | None] = [
            lead.set_contact_status(self._statuses.by_booking(lead.contact_status), at),
            lead.set_manual_mode(True, at),
        ]
        await self._outreach.stop(lead_id, "call booked")
        await self._outreach.hold(lead_id, by_person=False)
        await self._save(lead, events)

    async def move_call(self, lead_id: UUID, uid: str, start_at: datetime) -> None:
        """Note that the call is at another time."""
        lead = await self._leads.locked(lead_id)
        lead.set_call(uid, start_at, self._clock.now())
        await self._save(lead, [])

    async def clear_call(self, lead_id: UUID) -> None:
        """Note that no call is booked any more; manual mode stays."""
        lead, at = await self._leads.locked(lead_id), self._clock.now()
        lead.clear_call(at)
        await self._save(lead, [lead.set_contact_status(self._statuses.by_cancelled_booking(lead.contact_status), at)])

    async def _enter(self, visitor: Visitor, email: str | None, phone: str | None) -> UUID:
        first, _, last = " ".join((visitor.name or "").split()).partition(" ")
        contact = await self._people.enter(
            NewContact(
                first_name=first[:200] or None,
                last_name=last[:200] or None,
                email=email,
                phone_number=phone,
                source=SOURCE,
            )
        )
        await self._erased.recall([address for address in (email, phone) if address is not None])
        return contact.id

    async def _open(self, contact_id: UUID) -> UUID:
        contact, at = await self._contacts.locked(contact_id), self._clock.now()
        lead = Lead(
            id=new_id(),
            organization_id=self._actor.organization_id,
            contact_id=contact_id,
            stage=(await self._stages.of_category("open")).key,
            contact_status=await self._statuses.at_start(contact.phone, contact.email, contact.sms_eligible),
            source=SOURCE,
            created_at=at,
            updated_at=at,
        )
        lead.follow(contact)
        await self._leads.add(lead)
        self._uow.publish(lead.created())
        return lead.id

    async def _phone(self, text: str | None) -> str | None:
        try:
            return None if not text else str((await self._people.phones.read(text)).phone)
        except Invalid:
            return None

    async def _save(self, lead: Lead, events: list[Event | None]) -> None:
        await self._leads.save(lead)
        self._uow.publish(*(event for event in events if event is not None))

    async def _fetch(self, statement: str, *values: Any) -> Any:
        return await self._records.connection.fetchrow(statement, self._actor.organization_id, *values)


def _reminded_in(wrote: str, locale: str) -> str:
    """Name the language that somebody wrote, where reminders are worded in it, or the organisation's."""
    language = language_of(wrote)
    return language if language in LANGUAGES else locale[:2]


def _email(text: str | None) -> str | None:
    try:
        return None if not text else str(Email(text))
    except Invalid:
        return None
