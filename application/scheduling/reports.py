"""What calendars report by themselves: written down once, followed once, in whatever order it comes."""

from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

from application.ports import Actor, Clock, UnitOfWork, effect, public
from application.scheduling.calendar import Call
from application.scheduling.effects import Effects
from application.scheduling.leads import BookedLeads, Visitor
from application.scheduling.store import BookingStore
from domain.kernel import NotFound, new_id
from domain.scheduling.booking import Booking, BookingStatus, Step
from domain.scheduling.report import BookingReported


class ReportedBookings(Protocol):
    """Keep what calendars report as it came."""

    async def write_down(self, provider: str, external_id: str, kind: str, payload: dict[str, Any]) -> bool:
        """Store a report; tells whether it is new."""
        ...


@dataclass(frozen=True)
class BookingReports:
    """Follow a calendar."""

    actor: Actor
    uow: UnitOfWork
    clock: Clock
    reported: ReportedBookings
    bookings: BookingStore
    leads: BookedLeads
    effects: Effects

    @public
    async def take_in(
        self, provider: str, external_id: str, kind: str, payload: dict[str, Any], report: BookingReported | None
    ) -> None:
        """Write a report down, once its signature was checked at the door, and let it be followed."""
        async with self.uow:
            if await self.reported.write_down(provider, external_id, kind, payload) and report is not None:
                self.uow.publish(report)

    @effect
    async def follow(self, report: BookingReported) -> None:
        """Bring the booking to where the calendar has it; an older report changes nothing that a newer one said."""
        async with self.uow:
            lead_id = await self._lead(report)
            if lead_id is None:
                return
            await self.leads.lock(lead_id)
            booking = await self._booking(report, lead_id)
            now = self.clock.now()
            if booking is None:
                booking = await self._made(report, lead_id)
            elif booking.is_unwanted():
                await self.effects.turn_up(booking, report.uid, now)
            elif booking.status in (BookingStatus.REQUESTED, BookingStatus.FAILED):
                await self.effects.make(booking, _call(report), now)
            elif report.kind == "moved" and _moves(booking, report):
                await self.effects.move(booking, report.uid, report.start_at, report.end_at, now)
            if report.old_uid is not None:
                await self.bookings.name(booking.id, (report.old_uid,))
            if report.kind == "cancelled" and booking.uid == report.uid:
                await self.effects.cancel(booking, report.reason, now)

    async def _lead(self, report: BookingReported) -> UUID | None:
        """Tell whose call it is: that of a booking we know, of the lead that it names, or of whoever booked.

        Nobody's, where it names a booking that is not here: another organisation's, or of somebody who was erased.
        """
        known = await self.bookings.named(_uids(report))
        for booking_id in (report.booking_id, *known.values()):
            if booking_id is not None:
                try:
                    return await self.bookings.lead_of(booking_id)
                except NotFound:
                    continue
        if report.lead_id is not None and await self.leads.has(report.lead_id):
            return report.lead_id
        if report.booking_id is not None or report.is_shared:
            return None
        return await self.leads.take_in(Visitor(name=report.name, email=report.email, phone=report.phone))

    async def _booking(self, report: BookingReported, lead_id: UUID) -> Booking | None:
        """Find the booking that is meant; of two, where reports came out of order, the one of the later name goes.

        Our key alone tells only while ours has no name: a second call under it stands in the calendar as well, and is
        entered beside it until a report says that it is the first one, moved.
        """
        known = await self.bookings.named(_uids(report))
        old, new = known.get(report.old_uid or ""), known.get(report.uid)
        if old is not None and new is not None and old != new:
            return await self._joined(old, new)
        found = old or new or report.booking_id
        if found is None:
            return None
        try:
            booking = await self.bookings.locked(found)
        except NotFound:
            return None
        is_other = found not in (old, new) and booking.uid is not None
        return None if is_other or booking.lead_id != lead_id else booking

    async def _joined(self, old: UUID, new: UUID) -> Booking:
        first, second = await self.bookings.locked(old), await self.bookings.locked(new)
        assert second.uid is not None
        now = self.clock.now()
        await self.bookings.name(first.id, (second.uid,))
        await self.bookings.remove(second)
        await self.effects.move(first, second.uid, second.start_at, second.end_at, now)
        if second.status is BookingStatus.CANCELLED:
            await self.effects.cancel(first, None, now)
        return first

    async def _made(self, report: BookingReported, lead_id: UUID) -> Booking:
        """Enter a booking that somebody made without us."""
        now = self.clock.now()
        attendee = await self.leads.attendee(lead_id)
        booking = Booking(
            id=new_id(),
            organization_id=self.actor.organization_id,
            lead_id=lead_id,
            contact_id=attendee.contact_id,
            provider=report.provider,
            account_owner=report.account_owner,
            natural_key=f"{report.provider}:{report.uid}",
            source="calendar",
            start_at=report.start_at,
            end_at=report.end_at,
            zone=report.zone or attendee.zone,
            notes=report.notes,
            step=Step.BOOK,
            created_at=now,
            updated_at=now,
        )
        await self.bookings.add(booking)
        await self.effects.make(booking, _call(report), now)
        return booking


def _moves(booking: Booking, report: BookingReported) -> bool:
    return booking.uid == report.old_uid and booking.status is BookingStatus.SCHEDULED


def _uids(report: BookingReported) -> tuple[str, ...]:
    return (report.uid,) if report.old_uid is None else (report.uid, report.old_uid)


def _call(report: BookingReported) -> Call:
    return Call(
        uid=report.uid,
        start=report.start_at,
        end=report.end_at or report.start_at,
        title=report.title,
        url=report.url,
    )
