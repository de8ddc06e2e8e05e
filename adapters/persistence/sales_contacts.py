"""Contacts in PostgreSQL, and phone numbers as the organisation's country writes them."""

from dataclasses import replace
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
import sqlalchemy as sa
from phonenumbers import country_code_for_region

from adapters.persistence.database import PostgresUnitOfWork
from adapters.persistence.erased_addresses import ErasedAddresses
from adapters.persistence.finder import Finder, Listing
from adapters.persistence.sales_search import Search
from adapters.persistence.schema.sales import contacts, leads
from adapters.persistence.store import PostgresStore
from adapters.persistence.visibility import LeadVisibility
from application.outreach.phone_numbers import PhoneNumbers, Unreadable
from application.ports import Actor, Filter, Found, PageRequest
from application.sales.contacts import ContactFilter, Suggestion, email_taken
from domain.kernel import Duplicate, Invalid, NotFound
from domain.sales.contact import Contact, PhoneLine

_SUGGESTIONS = 10
_UTC = """'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'"""


def _leads(*conditions: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
    return sa.exists(
        sa.select(sa.literal_column("1"))
        .select_from(leads)
        .where(leads.c.organization_id == contacts.c.organization_id, leads.c.contact_id == contacts.c.id, *conditions)
        .correlate(contacts)
    )


def _user(name: str) -> sa.BindParameter[Any]:
    return sa.bindparam(name, type_=sa.Uuid())


_NO_LEADS = sa.not_(_leads())
CONTACTS = Listing(
    source=contacts,
    organization=contacts.c.organization_id,
    identifier=contacts.c.id,
    shown={
        "id": contacts.c.id,
        "first_name": contacts.c.first_name,
        "last_name": contacts.c.last_name,
        "email": contacts.c.email,
        "phone_number": contacts.c.phone,
        "phone_type": contacts.c.phone_type,
        "sms_eligible": contacts.c.sms_eligible,
        "country": contacts.c.country,
        "postcode": contacts.c.postcode,
        "title": contacts.c.title,
        "company_name": contacts.c.company_name,
        "source": contacts.c.source,
        "created_at": contacts.c.created_at,
        "updated_at": contacts.c.updated_at,
        "version": contacts.c.version,
    },
    sorts={"created": contacts.c.created_at, "name": contacts.c.name_key},
    default_sort="created",
    filters={
        "visible_to": lambda p: sa.or_(
            _NO_LEADS, _leads(sa.or_(leads.c.assigned_to.is_(None), leads.c.assigned_to == p))
        ),
        "visible_datasets": lambda p: sa.or_(
            sa.and_(contacts.c.created_by == _user("viewer"), _NO_LEADS), _leads(leads.c.dataset_id == sa.any_(p))
        ),
        "visible_to_in_datasets": lambda p: sa.or_(
            sa.and_(contacts.c.created_by == _user("viewer"), _NO_LEADS),
            _leads(
                leads.c.dataset_id == sa.any_(p),
                sa.or_(leads.c.assigned_to.is_(None), leads.c.assigned_to == _user("viewer")),
            ),
        ),
        "viewer": lambda _: sa.true(),
    },
    types={
        "visible_to": sa.Uuid(),
        "visible_datasets": sa.ARRAY(sa.Uuid()),
        "visible_to_in_datasets": sa.ARRAY(sa.Uuid()),
    },
)
LISTINGS = (CONTACTS,)


def contact_scope(actor: Actor) -> dict[str, Any]:
    """Narrow to contacts with a lead that the actor may see; without any lead, everybody's but the limited ones'."""
    limits = None if actor.dataset_ids is None else sorted(actor.dataset_ids)
    if limits is None:
        return {} if actor.sees_all_leads else {"visible_to": actor.user_id}
    return {"visible_datasets" if actor.sees_all_leads else "visible_to_in_datasets": limits, "viewer": actor.id}


CONTACT_DETAIL = replace(
    CONTACTS, shown={**CONTACTS.shown, "notes": contacts.c.notes, "zones": sa.func.to_json(contacts.c.zones)}
)
_LEADS_OF_CONTACT = f"""
SELECT count(*) AS leads, coalesce(json_agg(shown ORDER BY created_at DESC, id) FILTER (WHERE n <= 50), '[]')::text
FROM (SELECT id, created_at, row_number() OVER (ORDER BY created_at DESC, id) AS n,
        json_build_object('id', id, 'stage', stage, 'contact_status', contact_status, 'dataset_id', dataset_id,
          'archived', archived, 'created_at', to_char(created_at, {_UTC})) AS shown
      FROM leads WHERE organization_id = $1 AND contact_id = $2 AND {{visible}}) seen
"""  # noqa: S608 - our own words
_HISTORY = """
SELECT EXISTS (SELECT 1 FROM leads WHERE organization_id = $1 AND contact_id = $2)
    OR EXISTS (SELECT 1 FROM conversations WHERE organization_id = $1 AND contact_id = $2)
"""
_RENAME = "UPDATE leads SET name_key = $3, phone = $4 WHERE organization_id = $1 AND contact_id = $2"
# Of two at once the second waits for the first, and then finds the address taken.
_UNLESS_TAKEN = (
    " ON CONFLICT (organization_id, email) WHERE email IS NOT NULL DO NOTHING"
    " RETURNING EXISTS (SELECT FROM suppressions s"
    " WHERE s.organization_id = contacts.organization_id AND s.address ^@ 'erased:')"
)
_SUGGEST = """
SELECT id, concat_ws(' ', first_name, last_name) AS name, email, phone AS phone_number
FROM contacts WHERE organization_id = $1 AND id = ANY ($2)
"""


class PostgresContacts(PostgresStore[Contact]):
    """Be the `ContactStore` of the open unit of work."""

    entity = Contact
    table = contacts
    noun = "contact"
    unique = {"uq_contacts_email": "email"}

    def __init__(
        self,
        uow: PostgresUnitOfWork,
        actor: Actor,
        finder: Finder,
        visibility: LeadVisibility,
        search: Search,
        erased: ErasedAddresses,
    ) -> None:
        super().__init__(uow)
        self._erased = erased
        self._scope = contact_scope(actor)
        self._finder = finder
        self._visibility = visibility
        self._search = search

    async def add(self, entity: Contact) -> None:
        """Insert one, or say whose its e-mail address is; whoever was erased stays left alone."""
        any_erased = await self._write_and_ask(self._insert + _UNLESS_TAKEN, entity)
        if any_erased is None:
            raise email_taken(await self.with_email(str(entity.email)))
        if any_erased:
            await self._erased.recall(_addresses(entity))

    async def save(self, entity: Contact) -> None:
        """Update one; whoever was erased stays left alone."""
        await super().save(entity)
        await self._erased.recall(_addresses(entity))

    async def locked(self, identifier: UUID) -> Contact:
        """Load one that the actor may see, locked until the unit of work ends."""
        if self._scope:
            _there(await self._finder.one(CONTACTS, identifier, self._scope))
        return await self.get_for_update(identifier)

    async def with_email(self, email: str) -> UUID | None:
        """Tell whose e-mail address this is."""
        found: UUID | None = await self.uow.connection.fetchval(
            "SELECT id FROM contacts WHERE organization_id = $1 AND email = $2", self.uow.organization_id, email
        )
        return found

    async def has_history(self, identifier: UUID) -> bool:
        """Tell whether a lead or a conversation of this contact exists."""
        return bool(await self.uow.connection.fetchval(_HISTORY, self.uow.organization_id, identifier))

    async def rename_leads(self, contact: Contact) -> None:
        """Copy name and number to the contact's leads."""
        try:
            await self.uow.connection.execute(
                _RENAME, self.uow.organization_id, contact.id, contact.name_key, contact.phone
            )
        except asyncpg.UniqueViolationError:
            message = "Another lead of the same dataset has this phone number."
            raise Duplicate(message, field="phone_number") from None

    async def find(self, narrowed: ContactFilter, page: PageRequest) -> Found:
        """List contacts, or search them."""
        if narrowed.search is not None:
            return await self._search.find(CONTACTS, narrowed.search, self._scope, page)
        return await self._finder.find(CONTACTS, Filter(), page, self._scope)

    async def suggest(self, query: str) -> list[Suggestion]:
        """Give the ten best by beginnings."""
        found = (await self._search.hits(CONTACTS, query, self._scope, within=False))[:_SUGGESTIONS]
        rows = await self.uow.connection.fetch(_SUGGEST, self.uow.organization_id, found)
        shown = {row["id"]: Suggestion(**dict(row.items())) for row in rows}
        return [shown[identifier] for identifier in found if identifier in shown]

    async def show(self, identifier: UUID) -> msgspec.Raw:
        """Show one in full."""
        shown = _there(await self._finder.one(CONTACT_DETAIL, identifier, self._scope))
        condition, parameters = self._visibility.sql("leads", first=3)
        count, leads_shown = await self.uow.connection.fetchrow(
            _LEADS_OF_CONTACT.format(visible=condition), self.uow.organization_id, identifier, *parameters
        )
        return msgspec.Raw(bytes(shown)[:-1] + f',"lead_count":{count},"leads":{leads_shown}}}'.encode())


def _addresses(contact: Contact) -> list[str]:
    return [address for address in (contact.phone, contact.email) if address]


def _there(shown: msgspec.Raw | None) -> msgspec.Raw:
    if shown is None:
        raise NotFound("There is no such contact.")
    return shown


class OrganizationPhones:
    """Read phone numbers with the organisation's country as the default: the `ReadPhones` of the open unit of work."""

    def __init__(self, uow: PostgresUnitOfWork, phones: PhoneNumbers) -> None:
        self._uow = uow
        self._phones = phones

    async def _country(self) -> str:
        return str(
            await self._uow.connection.fetchval(
                "SELECT country FROM organizations WHERE organization_id = $1", self._uow.organization_id
            )
        )

    async def read(self, text: str) -> PhoneLine:
        """Read a whole number."""
        read = self._phones.read(text, await self._country())
        if isinstance(read, Unreadable):
            raise Invalid(read.reason, field="phone_number")
        return PhoneLine(read.phone, read.line_type, read.sms_eligible, read.zones, read.country)

    async def calling_code(self) -> str:
        """Give the country's calling code."""
        return str(country_code_for_region(await self._country()))
