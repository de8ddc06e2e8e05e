"""What becomes of a lead and its reminders when a call is made, moved or cancelled, in one transaction with it."""

from dataclasses import dataclass
from datetime import datetime

from application.agenda import Agenda
from application.ports import UnitOfWork, within
from application.scheduling.calendar import Call
from application.scheduling.leads import BookedLeads
from application.scheduling.reminder_ports import ReminderTexts
from application.scheduling.store import BookingStore
from domain.scheduling.booking import Booking

REMIND = "bookings.remind"
SETTLE = "bookings.settle"


@dataclass(frozen=True)
class Effects:
    """Write what happened to a locked booking of a locked lead."""

    uow: UnitOfWork
    agenda: Agenda
    bookings: BookingStore
    leads: BookedLeads
    texts: ReminderTexts

    @within
    async def make(self, booking: Booking, call: Call, at: datetime) -> None:
        """The call stands in the calendar."""
        self.uow.publish(booking.make(call.uid, call.start, call.end, call.title, call.url, at))
        await self.bookings.name(booking.id, (call.uid,))
        await self.bookings.save(booking)
        await self.leads.set_call(booking.lead_id, call.uid, call.start)
        await self._remind(booking)

    @within
    async def move(self, booking: Booking, uid: str, start: datetime, end: datetime | None, at: datetime) -> None:
        """The call is at another time."""
        moved = booking.move(uid, start, end, at)
        await self.bookings.name(booking.id, (uid,))
        await self.bookings.save(booking)
        await self.leads.move_call(booking.lead_id, uid, start)
        if moved is not None:
            self.uow.publish(moved)
            await self.texts.drop(booking.id, booking.lead_id)
            await self._remind(booking)

    @within
    async def turn_up(self, booking: Booking, uid: str, at: datetime) -> None:
        """The call stands in the calendar although it was cancelled before that was known."""
        booking.turn_up(uid, at)
        await self.bookings.name(booking.id, (uid,))
        await self.bookings.save(booking)
        await self.agenda.no_later_than(SETTLE, at)

    @within
    async def cancel(self, booking: Booking, reason: str | None, at: datetime) -> None:
        """The call is off; where the lead has another one, that one counts from now on."""
        cancelled = booking.cancel(reason, at)
        await self.bookings.save(booking)
        if cancelled is None:
            return
        self.uow.publish(cancelled)
        await self.texts.drop(booking.id, booking.lead_id)
        other = await self.bookings.open_of(booking.lead_id)
        if other is not None and other.uid is not None:
            await self.leads.move_call(booking.lead_id, other.uid, other.start_at)
        else:
            await self.leads.clear_call(booking.lead_id)

    async def _remind(self, booking: Booking) -> None:
        if booking.reminder_at is not None:
            await self.agenda.no_later_than(REMIND, booking.reminder_at)
