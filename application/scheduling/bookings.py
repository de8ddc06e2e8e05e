"""Bookings: asked for, listed, moved, cancelled by people."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

import msgspec

from application.ports import Actor, Clock, Found, PageRequest, UnitOfWork, require_version
from application.provider import Capabilities
from application.scheduling.booking_forms import BookCall, BookingFilter, MoveBooking
from application.scheduling.calendar import CalendarAccounts, Slot
from application.scheduling.desk import CalendarDesk
from application.scheduling.leads import BookedLeads
from application.scheduling.slots import Slots
from application.scheduling.store import BookingStore
from domain.identity.role import Permission
from domain.kernel import Conflict, new_id
from domain.scheduling.booking import Booking, BookingStatus, asked_time


@dataclass(frozen=True)
class Bookings:
    """Book calls."""

    actor: Actor
    uow: UnitOfWork
    clock: Clock
    bookings: BookingStore
    leads: BookedLeads
    accounts: CalendarAccounts
    capabilities: Capabilities
    desk: CalendarDesk
    slots: Slots

    async def find(self, narrowed: BookingFilter, page: PageRequest) -> Found:
        """List bookings of leads that the actor may see."""
        self.actor.require(Permission.BOOKINGS_READ)
        async with self.uow.reading():
            return await self.bookings.find(narrowed, page)

    async def show(self, identifier: UUID) -> msgspec.Raw:
        """Show one booking."""
        self.actor.require(Permission.BOOKINGS_READ)
        async with self.uow.reading():
            return await self.bookings.show(identifier)

    async def book(self, command: BookCall) -> tuple[msgspec.Raw, bool]:
        """Book a call with a lead; tells with it whether the calendar has it already, or is still being asked."""
        self.actor.require(Permission.BOOKINGS_WRITE)
        booking_id = new_id()
        try:
            await self._request(
                command.lead_id, command.start_time, command.notes, f"person:{booking_id}", "person", booking_id
            )
        except Conflict as refusal:
            raise _instead(refusal.message, await self.slots.after(command.start_time)) from None
        return await self._outcome(await self.desk.tell(booking_id), command.start_time)

    async def book_offered(self, lead_id: UUID, start: datetime, key: str) -> BookingStatus:
        """Book a time that the machine had offered, once for `key`; tells how far that has come."""
        self.actor.require(Permission.BOOKINGS_WRITE)
        natural_key = f"offer:{key}"
        try:
            await self._request(lead_id, start, None, natural_key, "ai", new_id())
        except Conflict:
            return BookingStatus.FAILED
        async with self.uow.reading():
            asked = await self.bookings.with_key(natural_key)
        assert asked is not None
        return (await self.desk.tell(asked.id)).status

    async def _request(
        self, lead_id: UUID, start: datetime, notes: str | None, natural_key: str, source: str, booking_id: UUID
    ) -> None:
        """Write down that a call is wanted, or refuse where the lead has one already (`Conflict`)."""
        async with self.uow:
            await self.capabilities.require("booking")
            await self.leads.lock(lead_id)
            if await self.bookings.with_key(natural_key) is not None:
                return
            now = self.clock.now()
            start_at = asked_time(start, now)
            standing = await self.bookings.open_of(lead_id)
            if standing is not None:
                raise Conflict(f"This lead has a call booked for {_utc(standing.start_at)}; move or cancel that one.")
            attendee = await self.leads.attendee(lead_id)
            account = await self.accounts.current()
            booking = Booking(
                id=booking_id,
                organization_id=self.actor.organization_id,
                lead_id=lead_id,
                contact_id=attendee.contact_id,
                provider=account.provider,
                account_owner=account.owner,
                event_type_id=account.event_type_id,
                natural_key=natural_key,
                source=source,
                start_at=start_at,
                zone=attendee.zone,
                notes=notes,
                created_by=self.actor.id,
                created_at=now,
                updated_at=now,
            )
            await self.bookings.add(booking)

    async def move(self, identifier: UUID, command: MoveBooking, version: int | None) -> tuple[msgspec.Raw, bool]:
        """Put a call to another time; tells with it whether the calendar has done so already."""
        self.actor.require(Permission.BOOKINGS_WRITE)
        async with self.uow:
            await self.leads.lock(await self.bookings.lead_of(identifier))
            booking = await self.bookings.locked(identifier)
            require_version(booking, version, ("start_time",), "booking")
            now = self.clock.now()
            booking.ask_to_move(asked_time(command.start_time, now), now)
            await self.bookings.save(booking)
        return await self._outcome(await self.desk.tell(identifier), command.start_time)

    async def cancel(self, identifier: UUID) -> bool:
        """Cancel a call; tells whether the calendar has done so already."""
        self.actor.require(Permission.BOOKINGS_WRITE)
        async with self.uow:
            await self.leads.lock(await self.bookings.lead_of(identifier))
            booking = await self.bookings.locked(identifier)
            booking.ask_to_cancel(self.clock.now())
            await self.bookings.save(booking)
        booking = await self.desk.tell(identifier)
        if booking.step is None and booking.error is not None:
            raise Conflict(f"The calendar did not cancel: {booking.error}")
        return booking.step is None

    async def _outcome(self, booking: Booking, start: datetime) -> tuple[msgspec.Raw, bool]:
        refused = booking.step is None and booking.error is not None
        free = await self.slots.after(start) if refused else []
        # A writing block, so that the answer to a request with a key is kept in its transaction.
        async with self.uow:
            shown = await self.bookings.show(booking.id)
        if refused:
            raise _instead(f"The calendar did not take it: {booking.error}", free)
        return shown, booking.step is None


def _instead(message: str, free: Sequence[Slot]) -> Conflict:
    """Refuse, and say which times are free instead, as far as the calendar tells."""
    return Conflict(message, details=[("start_time", message), *(("next_slot", _utc(slot.start)) for slot in free)])


def _utc(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
