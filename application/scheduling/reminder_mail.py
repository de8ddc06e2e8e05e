"""Reminders by mail: written down with the reminder, handed over once, asked about when nobody knows."""

import time
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from application.agenda import Agenda
from application.mailing import PROVIDER_LIMIT, Mail, MailEntry, Mailing, MailLedger, Receipt
from application.ports import Actor, Clock, UnitOfWork, effect, within
from application.provider import ProviderError, Rejected, Unavailable, Unknown
from application.scheduling.leads import Attendee, BookedLeads
from application.scheduling.reminder_ports import OrganizationVoice, said
from application.scheduling.store import BookingStore
from domain.kernel import Email, NotFound
from domain.scheduling.booking import LEAST_NOTICE, Booking, BookingStatus

MAILS = "bookings.mail"
RETRY = timedelta(seconds=30)
MARGIN = timedelta(seconds=0.5)  # the hand-over begins a little later than its unit of work
OPTED_OUT = "This address has opted out."
ENDS = frozenset({"accepted", "rejected", "cancelled"})


@dataclass(frozen=True)
class ReminderMail:
    """Mail reminders of calls."""

    actor: Actor
    uow: UnitOfWork
    clock: Clock
    agenda: Agenda
    ledger: MailLedger
    bookings: BookingStore
    leads: BookedLeads
    organization: OrganizationVoice
    mailing: Mailing

    @within
    async def plan(self, booking: Booking, attendee: Attendee) -> None:
        """Write the reminder that is due down, where there is an address that may be written to."""
        if attendee.email is None:
            return
        may = await self.leads.may_mail(attendee.email)
        why_not = None if may else OPTED_OUT
        await self.ledger.plan(_kind(booking), booking.id, attendee.email, why_not)
        if may:
            await self.agenda.no_later_than(MAILS, self.clock.now())

    @effect
    async def settle(self) -> None:
        """Hand over what is planned, and take up what a worker left, no provider took, or nobody knows of."""
        async with self.uow.reading():
            waiting = await self.bookings.open_mails()
        for kind, booking_id in waiting:
            await self._work(kind, booking_id)
        async with self.uow:
            await self.agenda.lock(MAILS)
            if await self.bookings.open_mails():
                await self.agenda.no_later_than(MAILS, self.clock.now() + RETRY)
            else:
                await self.agenda.clear(MAILS)

    async def _work(self, kind: str, booking_id: UUID) -> None:
        async with self.uow:
            entry = await self.ledger.lock(kind, booking_id)
            if entry is None or entry.state in ENDS:
                return
            # Whoever dies from here on, the schedule comes back to it.
            await self.agenda.no_later_than(MAILS, self.clock.now() + PROVIDER_LIMIT + MARGIN)
            if entry.is_under_way:
                return
            mail = await self._written(entry, kind) if entry.state == "planned" else None
            if mail is not None:
                entry = await self.ledger.hand(entry)
            elif entry.state == "planned":
                return
            ends = time.monotonic() + PROVIDER_LIMIT.total_seconds()
        told = await self._ask(entry) if mail is None else await self._send(mail, ends)
        async with self.uow:
            match told:
                case Receipt():
                    await self.ledger.write(entry, "accepted", provider_id=told.provider_id)
                case Rejected():
                    await self.ledger.write(entry, "rejected", reason=told.reason)
                case Unknown():
                    await self.ledger.write(entry, "unknown", reason=told.reason)
                case Unavailable() if mail is None:
                    pass  # asked again with the schedule
                case ProviderError():
                    await self.ledger.write(entry, "planned", reason=told.reason)
                case None:
                    await self.ledger.write(entry, "planned", reason="The provider did not have it.")

    async def _written(self, entry: MailEntry, kind: str) -> Mail | None:
        """Write the mail, or cancel it: the call may be off, moved, or too near by now, or the address opted out."""
        try:
            booking = await self.bookings.get(entry.subject)
        except NotFound:
            booking = None
        soon = booking is None or booking.start_at - self.clock.now() <= LEAST_NOTICE
        if booking is None or soon or booking.status is not BookingStatus.SCHEDULED or not _is_of(kind, booking):
            await self.ledger.write(entry, "cancelled", reason="The call is off, at another time, or too near.")
            return None
        if not await self.leads.may_mail(entry.to):
            await self.ledger.write(entry, "cancelled", reason=OPTED_OUT)
            return None
        organization, when = await self.organization.name(), said(booking.start_at, booking.zone)
        return Mail(
            organization_id=self.actor.organization_id,
            to=Email(entry.to),
            subject=f"Your call with {' '.join(organization.split())}: {when}",
            body=f"Hello,\n\nyour call with {organization} is on {when}.\n\n{_place(booking)}",
            key=str(entry.id),
        )

    async def _send(self, mail: Mail, ends: float) -> Receipt | ProviderError:
        if time.monotonic() > ends:
            return Unavailable(0, "The worker slept before the call.")
        try:
            return await self.mailing.send(mail)
        except ProviderError as error:
            return error

    async def _ask(self, entry: MailEntry) -> Receipt | ProviderError | None:
        try:
            return await self.mailing.find(str(entry.id))
        except ProviderError as error:
            return error


def _place(booking: Booking) -> str:
    return f"{booking.booking_url}\n" if booking.booking_url else "We will ring you.\n"


def _kind(booking: Booking) -> str:
    return f"call_reminder:{booking.reminder}:{int(booking.start_at.timestamp())}"


def _is_of(kind: str, booking: Booking) -> bool:
    return kind.endswith(f":{int(booking.start_at.timestamp())}")
