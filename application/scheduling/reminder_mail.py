"""Reminders by mail: written down with the reminder, and again right before one leaves."""

from dataclasses import dataclass

from application.mailing import Mail, MailEntry
from application.mails import MailsOwed, NotOwed
from application.ports import Actor, Clock, within
from application.scheduling.leads import Attendee, BookedLeads
from application.scheduling.reminder_ports import OrganizationVoice
from application.scheduling.reminder_wordings import mail_of
from application.scheduling.store import BookingStore
from domain.kernel import Email, NotFound
from domain.scheduling.booking import LEAST_NOTICE, Booking, BookingStatus

CALL_REMINDER = "call_reminder"
OPTED_OUT = "This address has opted out."


@dataclass(frozen=True)
class ReminderMail:
    """Mail reminders of calls; a `MailWriter`."""

    actor: Actor
    clock: Clock
    mails: MailsOwed
    bookings: BookingStore
    leads: BookedLeads
    organization: OrganizationVoice

    @within
    async def plan(self, booking: Booking, attendee: Attendee) -> None:
        """Write the reminder that is due down, where there is an address that may be written to."""
        if attendee.email is None:
            return
        why_not = None if await self.leads.may_mail(attendee.email) else OPTED_OUT
        await self.mails.plan(_kind(booking), booking.id, attendee.email, why_not)

    @within
    async def write(self, entry: MailEntry) -> Mail | NotOwed:
        """Write one, unless the call is off, moved or too near by now, or the address opted out."""
        try:
            booking = await self.bookings.get(entry.subject)
        except NotFound:
            booking = None
        soon = booking is None or booking.start_at - self.clock.now() <= LEAST_NOTICE
        if booking is None or soon or booking.status is not BookingStatus.SCHEDULED or not _is_of(entry.kind, booking):
            return NotOwed("The call is off, at another time, or too near.")
        if not await self.leads.may_mail(entry.to):
            return NotOwed(OPTED_OUT)
        language, organization = (await self.leads.attendee(booking.lead_id)).language, await self.organization.name()
        subject, body = mail_of(language, organization, booking.start_at, booking.zone, booking.booking_url)
        return Mail(
            organization_id=self.actor.organization_id,
            to=Email(entry.to),
            subject=subject,
            body=body,
            key=str(entry.id),
        )


def _kind(booking: Booking) -> str:
    return f"{CALL_REMINDER}:{booking.reminder}:{int(booking.start_at.timestamp())}"


def _is_of(kind: str, booking: Booking) -> bool:
    return kind.endswith(f":{int(booking.start_at.timestamp())}")
