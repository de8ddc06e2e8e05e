"""Reminders of calls: the day and the hour before, once each, by text and by mail."""

from dataclasses import dataclass
from uuid import UUID

from application.agenda import Agenda
from application.ports import Clock, UnitOfWork, effect
from application.scheduling.effects import REMIND
from application.scheduling.leads import BookedLeads
from application.scheduling.reminder_mail import ReminderMail
from application.scheduling.reminder_ports import OrganizationVoice, Reminder, ReminderTexts
from application.scheduling.reminder_wordings import text_of
from application.scheduling.store import BookingStore
from domain.kernel import NotFound
from domain.scheduling.booking import LEAST_NOTICE, Booking, BookingStatus


@dataclass(frozen=True)
class Reminders:
    """Remind of calls."""

    uow: UnitOfWork
    clock: Clock
    agenda: Agenda
    bookings: BookingStore
    leads: BookedLeads
    texts: ReminderTexts
    mail: ReminderMail
    organization: OrganizationVoice

    @effect
    async def remind(self) -> None:
        """Send what is due, and set the schedule to what is due next."""
        async with self.uow:
            now = self.clock.now()
            due = await self.bookings.to_remind_of(now)
        for booking_id in due:
            await self._remind(booking_id)
        async with self.uow:
            await self.agenda.lock(REMIND)
            next_at = await self.bookings.next_reminder()
            if next_at is None:
                await self.agenda.clear(REMIND)
            else:
                await self.agenda.no_later_than(REMIND, next_at)

    async def _remind(self, booking_id: UUID) -> None:
        async with self.uow:
            try:
                await self.leads.lock(await self.bookings.lead_of(booking_id))
                booking = await self.bookings.locked(booking_id)
            except NotFound:
                return  # erased meanwhile
            now = self.clock.now()
            if booking.reminder_at is None or booking.reminder_at > now:
                return
            if booking.status is BookingStatus.SCHEDULED and booking.start_at - now > LEAST_NOTICE:
                attendee = await self.leads.attendee(booking.lead_id)
                if attendee.phone is not None:
                    body = text_of(attendee.language, await self.organization.name(), booking.start_at, booking.zone)
                    await self.texts.submit(_reminder(booking, attendee.phone, body))
                await self.mail.plan(booking, attendee)
            booking.reminded(now)
            await self.bookings.save(booking)


def _reminder(booking: Booking, phone: str, body: str) -> Reminder:
    return Reminder(
        booking_id=booking.id,
        key=f"reminder:{booking.id}:{booking.reminder}:{int(booking.start_at.timestamp())}",
        lead_id=booking.lead_id,
        contact_id=booking.contact_id,
        phone=phone,
        body=body,
        useful_until=booking.start_at - LEAST_NOTICE,
    )
