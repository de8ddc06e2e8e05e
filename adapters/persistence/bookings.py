"""Bookings in PostgreSQL, and whose calendar an organisation books into."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
import sqlalchemy as sa
from cryptography.fernet import InvalidToken, MultiFernet

from adapters.persistence.database import PostgresUnitOfWork
from adapters.persistence.finder import Finder, Listing, json_object
from adapters.persistence.schema.sales import contacts, leads
from adapters.persistence.schema.scheduling import bookings
from adapters.persistence.store import PostgresStore, encode_json
from adapters.persistence.visibility import LeadVisibility
from application.ports import Found, PageRequest
from application.provider import NotConfigured
from application.scheduling.booking_forms import BookingFilter
from application.scheduling.calendar import Account
from domain.kernel import NotFound, new_id
from domain.scheduling.booking import Booking

BOOKINGS = Listing(
    source=bookings.outerjoin(
        leads, sa.and_(leads.c.organization_id == bookings.c.organization_id, leads.c.id == bookings.c.lead_id)
    ).outerjoin(
        contacts,
        sa.and_(contacts.c.organization_id == bookings.c.organization_id, contacts.c.id == bookings.c.contact_id),
    ),
    organization=bookings.c.organization_id,
    identifier=bookings.c.id,
    shown={
        "id": bookings.c.id,
        "lead": json_object(
            {
                "id": bookings.c.lead_id,
                "contact_id": bookings.c.contact_id,
                "name": sa.func.concat_ws(sa.literal_column("' '"), contacts.c.first_name, contacts.c.last_name),
                "contact_status": leads.c.contact_status,
            }
        ),
        "status": bookings.c.status,
        "change": bookings.c.step,
        "start_time": bookings.c.start_at,
        "end_time": bookings.c.end_at,
        "timezone": bookings.c.zone,
        "title": bookings.c.title,
        "notes": bookings.c.notes,
        "booking_url": bookings.c.booking_url,
        "cal_booking_id": bookings.c.uid,
        "provider": bookings.c.provider,
        "source": bookings.c.source,
        "error": bookings.c.error,
        "lead_updated": sa.and_(
            bookings.c.uid.is_not(None), sa.func.coalesce(leads.c.cal_booking_id == bookings.c.uid, sa.false())
        ),
        "created_by": bookings.c.created_by,
        "created_at": bookings.c.created_at,
        "updated_at": bookings.c.updated_at,
        "version": bookings.c.version,
    },
    sorts={"start": bookings.c.start_at, "created": bookings.c.created_at},
    default_sort="start",
    filters={
        "status": lambda p: bookings.c.status == p,
        "lead_id": lambda p: bookings.c.lead_id == p,
        "contact_id": lambda p: bookings.c.contact_id == p,
        "starts_from": lambda p: bookings.c.start_at >= p,
        "starts_before": lambda p: bookings.c.start_at < p,
        "visible_to": lambda p: sa.or_(leads.c.assigned_to.is_(None), leads.c.assigned_to == p),
        "visible_datasets": lambda p: leads.c.dataset_id == sa.any_(p),
    },
    types={
        "lead_id": sa.Uuid(),
        "contact_id": sa.Uuid(),
        "starts_from": sa.DateTime(timezone=True),
        "starts_before": sa.DateTime(timezone=True),
        "visible_to": sa.Uuid(),
        "visible_datasets": sa.ARRAY(sa.Uuid()),
    },
)
_LEAD = """
SELECT b.lead_id FROM bookings b JOIN leads l ON l.organization_id = $1 AND l.id = b.lead_id
WHERE b.organization_id = $1 AND b.id = $2 AND """
_HAND = """
UPDATE bookings SET handed_at = clock_timestamp() WHERE organization_id = $1 AND id = $2 RETURNING handed_at
"""
_UNDER_WAY = """
SELECT handed_at > clock_timestamp() - $3::interval FROM bookings WHERE organization_id = $1 AND id = $2
"""
_UNSETTLED = """
SELECT id FROM bookings WHERE organization_id = $1 AND step IS NOT NULL ORDER BY id LIMIT 100
"""
_NAME = """
INSERT INTO booking_names (organization_id, uid, booking_id) SELECT $1, uid, $2 FROM unnest($3::text[]) AS n(uid)
ON CONFLICT (organization_id, uid) DO UPDATE SET booking_id = excluded.booking_id
"""
_TO_REMIND_OF = """
SELECT id FROM bookings WHERE organization_id = $1 AND reminder_at <= $2 ORDER BY reminder_at LIMIT 100
"""
_NOTICE = """
INSERT INTO inbound (id, provider, account, external_id, organization_id, kind, payload)
VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING
"""


class PostgresBookings(PostgresStore[Booking]):
    """Be the `BookingStore` of the open unit of work."""

    entity = Booking
    table = bookings
    noun = "booking"

    def __init__(self, uow: PostgresUnitOfWork, finder: Finder, visibility: LeadVisibility) -> None:
        super().__init__(uow)
        self._finder = finder
        self._visibility = visibility

    async def locked(self, identifier: UUID) -> Booking:
        """Load one, locked until the unit of work ends."""
        return await self.get_for_update(identifier)

    async def lead_of(self, identifier: UUID) -> UUID:
        """Tell whose call it is."""
        condition, parameters = self._visibility.sql("l", first=3)
        found: UUID | None = await self.uow.connection.fetchval(
            _LEAD + condition, self.uow.organization_id, identifier, *parameters
        )
        if found is None:
            raise NotFound("There is no such booking.")
        return found

    async def open_of(self, lead_id: UUID) -> Booking | None:
        """Give the lead's next call that is asked for or stands."""
        return await self.find_one(
            "lead_id = $2 AND (status = 'requested' OR status = 'scheduled' AND start_at > business_now())"
            " ORDER BY start_at, id",
            lead_id,
        )

    async def with_key(self, natural_key: str) -> Booking | None:
        """Find one by its natural key."""
        return await self.find_one("natural_key = $2", natural_key)

    async def hand(self, booking: Booking) -> None:
        """Say that the calendar is being told from now on."""
        booking.handed_at = await self.uow.connection.fetchval(_HAND, self.uow.organization_id, booking.id)

    async def under_way(self, identifier: UUID, limit: timedelta) -> bool:
        """Tell whether whoever handed it over may still be at it."""
        return bool(await self.uow.connection.fetchval(_UNDER_WAY, self.uow.organization_id, identifier, limit))

    async def unsettled(self) -> list[UUID]:
        """List those of which the calendar is yet to be told."""
        rows = await self.uow.connection.fetch(_UNSETTLED, self.uow.organization_id)
        return [row["id"] for row in rows]

    async def named(self, uids: tuple[str, ...]) -> dict[str, UUID]:
        """Tell which booking each of the calendar's names belongs to."""
        rows = await self.uow.connection.fetch(
            "SELECT uid, booking_id FROM booking_names WHERE organization_id = $1 AND uid = ANY ($2)",
            self.uow.organization_id,
            list(uids),
        )
        return {row["uid"]: row["booking_id"] for row in rows}

    async def name(self, booking_id: UUID, uids: tuple[str, ...]) -> None:
        """Remember the calendar's names for a booking."""
        await self.uow.connection.execute(_NAME, self.uow.organization_id, booking_id, list(uids))

    async def to_remind_of(self, at: datetime) -> list[UUID]:
        """List those whose reminder is due."""
        rows = await self.uow.connection.fetch(_TO_REMIND_OF, self.uow.organization_id, at)
        return [row["id"] for row in rows]

    async def next_reminder(self) -> datetime | None:
        """Tell when the next reminder is due."""
        found: datetime | None = await self.uow.connection.fetchval(
            "SELECT min(reminder_at) FROM bookings WHERE organization_id = $1", self.uow.organization_id
        )
        return found

    async def find(self, narrowed: BookingFilter, page: PageRequest) -> Found:
        """List bookings."""
        return await self._finder.find(BOOKINGS, narrowed, page, self._visibility.scope())

    async def show(self, identifier: UUID) -> msgspec.Raw:
        """Show one."""
        shown = await self._finder.one(BOOKINGS, identifier, self._visibility.scope())
        if shown is None:
            raise NotFound("There is no such booking.")
        return shown


class PostgresReportedBookings:
    """Be the `ReportedBookings` of the open unit of work."""

    def __init__(self, uow: PostgresUnitOfWork) -> None:
        self._uow = uow

    async def write_down(self, provider: str, external_id: str, kind: str, payload: dict[str, Any]) -> bool:
        """Store a report once."""
        done = await self._uow.connection.execute(
            _NOTICE,
            new_id(),
            provider,
            str(self._uow.organization_id),
            external_id,
            self._uow.organization_id,
            kind,
            encode_json(payload),
        )
        return str(done) == "INSERT 0 1"


class OrganizationCalendars:
    """Be the `CalendarAccounts` of the open unit of work: the sandbox's, the organisation's own, the installation's."""

    def __init__(self, uow: PostgresUnitOfWork, vault: MultiFernet, installed: Account | None) -> None:
        self._uow = uow
        self._vault = vault
        self._installed = installed

    async def current(self) -> Account:
        """Give the calendar that serves here."""
        own = None if self._is_sandbox() else await self._own()
        return own or await self._installations()

    async def of(self, booking: Booking) -> Account:
        """Give the calendar that a call was booked in; what was booked before that was remembered is in today's."""
        if booking.account_owner is None or self._is_sandbox():
            return await self.current()
        account = await (self._own() if booking.account_owner == "organization" else self._installations())
        if account is None or account.provider != booking.provider:
            raise NotConfigured("The calendar that this call was booked in is not set up any more.")
        return replace(account, event_type_id=booking.event_type_id or account.event_type_id)

    def _is_sandbox(self) -> bool:
        return self._installed is not None and self._installed.provider == "sandbox"

    async def _installations(self) -> Account:
        if self._installed is None:
            raise NotConfigured("No provider is configured for booking.")
        return replace(self._installed, organization_id=self._uow.organization_id, zone=await self._zone())

    async def _zone(self) -> str:
        zone: str = await self._uow.connection.fetchval(
            "SELECT time_zone FROM organizations WHERE organization_id = $1", self._uow.organization_id
        )
        return zone

    async def _own(self) -> Account | None:
        row = await self._uow.connection.fetchrow(
            "SELECT settings, credentials FROM integrations WHERE organization_id = $1 AND provider = 'calcom'"
            " AND is_active AND credentials IS NOT NULL",
            self._uow.organization_id,
        )
        if row is None:
            return None
        try:
            credentials = msgspec.json.decode(self._vault.decrypt(row["credentials"]))
        except InvalidToken:
            raise NotConfigured("The calendar's key lies under a key that is gone; set it anew.") from None
        event_type_id = msgspec.json.decode(row["settings"]).get("event_type_id")
        if event_type_id is None:
            raise NotConfigured("Set calcom's event_type_id, so that it is known what is booked.")
        return Account(
            provider="calcom",
            owner="organization",
            organization_id=self._uow.organization_id,
            zone=await self._zone(),
            event_type_id=event_type_id,
            api_key=credentials["api_key"],
        )
